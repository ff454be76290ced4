"""Transcription on the machines of a Ray cluster, behind the same protocol as on this one (`transcribe.workers`).

Loaded only where it is asked for; it needs the extra `ray`.
"""
