"""Whether anybody hears a signal, for who would otherwise make a payload for nobody."""

from __future__ import annotations

from heliograph.core.sending.hearing import any_heard, is_heard

__all__ = ["any_heard", "is_heard"]
