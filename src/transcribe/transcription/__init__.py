"""From recognized words to a transcript: utterances, segments, flags, checkpoints."""
