"""What commands that send requests have in common: the words and options of a request."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from heliograph.cli.request import Given, parse_requests

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heliograph.cli.request import Request

_OPTIONS = (
    click.option("-X", "--request", "method", metavar="METHOD", help="Send by this method."),
    click.option(
        "-H", "--header", "header", metavar="HEADER", multiple=True,
        help="Send this header, 'Name: value', with every request.",
    ),
    click.option(
        "-d", "--data", "data", metavar="DATA", multiple=True,
        help="Send this body, as a form unless a header says otherwise; @FILE sends a file, "
        "and @- the standard input.",
    ),
    click.option(
        "-F", "--form", "parts", metavar="NAME=VALUE", multiple=True,
        help="Send a form in parts; NAME=@FILE sends a file.",
    ),
    click.option(
        "-j", "--as-json", "in_json", is_flag=True,
        help="Send fields, and the body of -d, as JSON, and not as a form.",
    ),
)  # fmt: skip


def request_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of requests; it gets them as ``given``."""

    @wraps(command)
    def asking(
        *args: Any,
        method: str | None,
        header: Sequence[str],
        data: Sequence[str],
        parts: Sequence[str],
        in_json: bool,
        **kwargs: Any,
    ) -> None:
        command(*args, given=Given(method, header, data, parts, in_json), **kwargs)

    decorated: Callable[..., Any] = asking
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def read_requests(words: Sequence[str], given: Given) -> list[Request]:
    """Read requests.

    Raises:
        click.UsageError: If there are none, or if one is malformed.
    """
    if not words:
        msg = "Missing argument 'REQUEST...'."
        raise click.UsageError(msg)
    try:
        return parse_requests(words, given)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="'REQUEST...'") from None
