"""The search: from transcripts to an index, hits, an API and a player, its stages in the order of the flow.

words -> query -> passages -> index (the contract) -> matching, census -> hits -> finder -> whoosh_index
-> generations -> archive -> api, pages -> service -> server
"""
