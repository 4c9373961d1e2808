"""Whether programs are being developed in this process, and the checks that decide it."""

from __future__ import annotations

from heliograph.core.development import add_check, in_development, remove_check

__all__ = ["add_check", "in_development", "remove_check"]
