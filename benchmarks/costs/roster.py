"""All prices, in the order of the table."""

from __future__ import annotations

from benchmarks.costs import connecting, declaring, sending, waiting

PRICES = (*connecting.PRICES, *sending.PRICES, *waiting.PRICES, *declaring.PRICES)
