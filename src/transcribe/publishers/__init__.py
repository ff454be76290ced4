"""Texts that somebody else made: captions, publishers' transcripts, and how they are laid on the sound."""
