"""The search: from transcripts to an index, hits, an API and a player. The rooms: query, index, service."""
