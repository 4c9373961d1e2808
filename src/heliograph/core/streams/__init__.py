"""Streams: emissions that wait for somebody to read them."""
