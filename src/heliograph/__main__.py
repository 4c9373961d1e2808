"""Runs the command line as ``python -m heliograph``."""

from __future__ import annotations

from heliograph.cli import main

main()
