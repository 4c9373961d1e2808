"""Declared signals: what their payloads are, said once and held against sends and receivers."""
