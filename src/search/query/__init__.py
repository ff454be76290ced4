"""What is asked: comparable words, the query, its limits, spelling."""
