"""The options that choose what of a trace is kept and shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from heliograph.cli.durations import DurationType
from heliograph.inspector import MOST_LETTERS, SLOW, View
from heliograph.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OPTIONS = (
    click.option("--payload", is_flag=True, help="Show values of payloads, without secrets."),
    click.option(
        "--redact", metavar="NAME", multiple=True, help="Hide values of this name as secrets, too."
    ),
    click.option("--unheard", is_flag=True, help="Show sends that nobody hears in their places."),
    click.option(
        "--signal", "signals", metavar="PATTERN", multiple=True,
        help="Show these signals alone: a part of the name, or a pattern with * and ?.",
    ),
    click.option(
        "--receiver", "receivers", metavar="PATTERN", multiple=True,
        help="Show these receivers alone.",
    ),
    click.option(
        "--only", type=click.Choice(["slow", "failed"]), multiple=True,
        help="Show slow or failed receivers alone.",
    ),
    click.option(
        "--slow", metavar="DURATION", type=DurationType(), default=None,
        help="From when on a receiver stands out as slow: 5ms. The default is 100ms.",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """What of a trace is kept and shown.

    Attributes:
        view: What is shown.
        slow: What was said to be slow, in seconds, or None.
        values: Whether values of payloads are kept.
        redaction: Which of them are hidden.
    """

    view: View
    slow: float | None
    values: bool
    redaction: Redaction


def choice_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options; it gets them as ``choice``."""

    @wraps(command)
    def choosing(
        *args: Any,
        payload: bool,
        redact: Sequence[str],
        unheard: bool,
        signals: Sequence[str],
        receivers: Sequence[str],
        only: Sequence[str],
        slow: float | None,
        **kwargs: Any,
    ) -> None:
        view = View(
            slow=SLOW if slow is None else slow,
            unheard=unheard,
            signals=signals,
            receivers=receivers,
            only_slow="slow" in only,
            only_failed="failed" in only,
        )
        redaction = Redaction(redact, width=MOST_LETTERS)
        command(*args, choice=Choice(view, slow, payload, redaction), **kwargs)

    decorated: Callable[..., Any] = choosing
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
