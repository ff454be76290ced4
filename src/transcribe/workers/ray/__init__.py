"""Transcription on the machines of a Ray cluster, behind the protocol `transcribe.workers.worker.Workers`.

Loaded only where it is asked for; it needs the extra `ray`.
"""
