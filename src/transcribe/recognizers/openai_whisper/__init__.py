"""The engine `whisper`: openai-whisper."""
