"""The search: from transcripts to an index, hits, an API and a player.

words -> query -> passages -> index (whoosh_index) -> matching -> hits -> service -> player
"""
