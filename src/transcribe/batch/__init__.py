"""One run over a library: what each episode needs, and doing it."""
