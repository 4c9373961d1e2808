"""Spans: stretches of work that have a start and exactly one end."""
