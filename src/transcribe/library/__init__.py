"""A library on disk: episodes, transcripts, chapters, and the files they are kept in."""
