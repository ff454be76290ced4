"""Reads what sources say of their episodes: feeds, pages, lists of feeds, tags of audio files."""
