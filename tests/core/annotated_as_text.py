"""Payloads for classes of other modules, with types that only this one knows, as text."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal  # noqa: TC003 - evaluated when a signal is declared.


@dataclass(kw_only=True)
class Weighed:
    """It has a weight."""

    weight: Decimal
