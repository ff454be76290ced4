"""From transcripts to hits: the contract of an index, passages, matching, and the two backends."""
