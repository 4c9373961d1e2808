"""Whether programs are being developed in this process: the question, and who may answer it."""

from __future__ import annotations

from heliograph.core.development import add_check, in_development, remove_check

__all__ = ["add_check", "in_development", "remove_check"]
