"""What a search may ask for. Nothing is imported here: `--help` shows some of it."""

WITHIN_S = 30  # how near several words must be said to one another, by default
MAX_WITHIN_S = 300  # what is said further apart is hardly said together; a hit is read and shown whole
MAX_HITS = 10_000  # offset + limit
BUDGET_S = 1.0  # for a query to the service
