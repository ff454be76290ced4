"""What a source says of its episodes: feeds, pages, lists of feeds, tags of audio files."""
