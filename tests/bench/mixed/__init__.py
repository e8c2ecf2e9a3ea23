"""Clients of every kind at once, well-behaved and not, before one instance."""
