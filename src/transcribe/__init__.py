"""The batch: from a source to a transcript. The rooms, from the ground up:

web, library, sources and audio, fetch and recognizers, transcription, publishers, workers, batch; `cli` on top.
"""

__version__ = "0.1.0"
