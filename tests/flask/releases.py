"""Which release of Flask runs, and what its releases do differently about signals."""

from __future__ import annotations

from importlib import metadata

FLASK = tuple(int(part) for part in metadata.version("flask").split(".")[:3])
"""Major, minor and micro version."""

PUSHES_AGAIN = (3, 1, 2) <= FLASK < (3, 2)
"""Whether a context that is kept for later is pushed again, after it was torn down once.

`stream_with_context` does so for the body, and ``with client:`` for the test.
Flask 2.3 keeps the context open instead; the next release after 3.1 will do so again.
"""
