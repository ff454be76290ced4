"""The embedded index, in Whoosh."""
