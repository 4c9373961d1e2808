"""Modules of receivers whose lazy import nobody has used: both commands name them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.children import heliograph, write

if TYPE_CHECKING:
    from pathlib import Path

LAZILY = (
    "lazy import shop.receivers"
    if sys.version_info >= (3, 15)
    else "import sys; sys.lazy_modules = {'shop.receivers'}"  # So Python 3.15 keeps them.
)
SHOP = f"""
    from flask import Flask
    from heliograph import Signal
    {LAZILY}
    app = Flask(__name__)
    paid = Signal("paid")
    @app.get("/")
    def pay():
        paid.send(app)
        return ""
"""
RECEIVERS = """
    from shop import paid
    @paid.connect
    def thank(sender, **extra): ...
"""
TOLD = (
    "Not loaded, as nothing has used their lazy imports: shop.receivers. "
    "Their receivers are not connected: load them with importlib.import_module().\n"
)
NOT_IMPORTED = (
    "Not imported: shop.receivers. Their receivers are not connected, and their signals are not "
    "known: --import MODULE imports one, --import 'PACKAGE.*' all.\n"
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Write a package that imports its receivers lazily."""
    write(tmp_path / "shop" / "__init__.py", SHOP)
    write(tmp_path / "shop" / "receivers.py", RECEIVERS)
    return tmp_path


def test_a_list_of_signals_names_the_receivers_that_are_missing(shop: Path) -> None:
    """On the error output, as the list is for others; with --import they are loaded and listed."""
    without = heliograph("list", "shop", cwd=shop)
    with_them = heliograph("list", "shop", "--import", "shop.receivers", cwd=shop)

    assert (without.status, without.err, "thank" in without.out) == (
        0,
        NOT_IMPORTED,
        False,
    )
    assert (with_them.status, with_them.err, "thank" in with_them.out) == (0, "", True)


def test_a_trace_names_the_receivers_that_are_missing(shop: Path) -> None:
    """After the tree in which they are missing."""
    ended = heliograph("trace", "shop", "GET /", cwd=shop)

    assert (ended.status, ended.err, "thank" in ended.out) == (0, TOLD, False)
