"""Who transcribes: this process, several on this machine, or a Ray cluster."""
