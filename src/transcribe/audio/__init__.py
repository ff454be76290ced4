"""Sound: decoding, its length as files state it, and where somebody speaks in it."""
