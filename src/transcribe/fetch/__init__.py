"""Everything that uses the network: feeds, pages, downloads, politeness."""
