"""Everything that asks the network: feeds and pages, downloads, and how politely."""
