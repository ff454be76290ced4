"""The engine `faster-whisper`."""
