"""The HTTP service: API, pages, server."""
