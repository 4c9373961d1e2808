"""What a visitor sees when something goes wrong, and a page on which it always does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template

if TYPE_CHECKING:
    from flask import Flask


def init_app(app: Flask) -> None:
    """Give *app* its error pages and the broken one."""
    app.register_error_handler(404, _not_found)
    app.register_error_handler(500, _failed)
    app.add_url_rule("/broken", view_func=broken)


def broken() -> str:
    """Fail, to show what signals tell about it.

    Raises:
        RuntimeError: Always.
    """
    msg = "the shutter is stuck"
    raise RuntimeError(msg)


def _not_found(_error: Exception) -> tuple[str, int]:
    return render_template("404.html"), 404


def _failed(_error: Exception) -> tuple[str, int]:
    return render_template("500.html"), 500
