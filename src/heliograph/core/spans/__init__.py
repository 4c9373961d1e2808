"""Spans: pieces of work with a start and exactly one end, each told by a signal."""
