"""Declared signals: a payload is described once; sends and receivers are checked against it."""
