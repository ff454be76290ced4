"""The engine `pocketsphinx`, which needs no download."""
