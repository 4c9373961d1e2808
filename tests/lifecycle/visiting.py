"""Visits one of the shops of the examples, and prints what its receivers have seen.

A program of its own: Django has one project in a process.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from importlib import import_module
from pathlib import Path

sys.path[:0] = map(str, (Path(__file__).parents[2], Path(__file__).parents[2] / "examples"))

from tests.lifecycle.calling import ask, ask_wsgi  # noqa: E402 - they are on the path now.

REQUESTS = [
    ("GET", "/"),
    ("POST", "/orders/lantern"),
    ("POST", "/orders/lantern"),
    ("POST", "/orders/mirror"),
    ("POST", "/restock/lantern"),
    ("POST", "/restock/bell"),
    ("GET", "/export"),
    ("GET", "/nowhere"),
]


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.kept.append(record.getMessage())


def visit(module: str, interface: str) -> None:
    """Send all requests to a shop, and print the counts and the lines of its receivers."""
    shop = import_module(f"shops.{module}")
    lines = Lines()
    log = logging.getLogger("shops.receivers")
    log.addHandler(lines)
    log.setLevel(logging.INFO)
    for method, path in REQUESTS:
        if interface == "asgi":
            asyncio.run(ask(shop.app, path, method, x_request_id="a-visitor"))
        else:
            ask_wsgi(shop.app, path, method, x_request_id="a-visitor")
    print(json.dumps([shop.receivers.counts, lines.kept]))  # noqa: T201 - the test reads it.


if __name__ == "__main__":
    visit(*sys.argv[1:])
