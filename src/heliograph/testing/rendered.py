"""Captures of what Flask and Quart show to visitors: rendered templates and flashed messages."""

from __future__ import annotations

import sys
from typing import Any

from heliograph import ANY, ArgumentError
from heliograph.testing.capture import Capture
from heliograph.testing.errors import ExpectationError
from heliograph.testing.matching import Criteria


class Templates(Capture):
    """A capture of the templates that Flask or Quart renders.

    Args:
        sender: The application; by default, any.

    Raises:
        ArgumentError: If neither framework has been imported.
    """

    def __init__(self, sender: Any = ANY) -> None:
        super().__init__(Criteria(_signals("template_rendered"), sender))

    @property
    def names(self) -> list[str | None]:
        """The names of the templates, in the order of rendering; None for a template string."""
        return [sent["template"].name for sent in self]

    def context(self, name: str | None) -> dict[str, Any]:
        """Return the variables that a template was rendered with.

        Raises:
            ExpectationError: If it was not rendered, or was rendered more than once.
        """
        __tracebackhide__ = True
        found = [sent for sent in self if sent["template"].name == name]
        if len(found) != 1:
            names = ", ".join(map(repr, self.names)) or "none"
            lines = [f"Expected {name!r} to be rendered once, but found it {len(found)} times."]
            lines.append(f"Rendered templates: {names}.")
            raise ExpectationError("\n".join(lines))
        context: dict[str, Any] = found[0]["context"]
        return context


class Flashes(Capture):
    """A capture of the messages that Flask or Quart flashes.

    Args:
        sender: The application; by default, any.

    Raises:
        ArgumentError: If neither framework has been imported.
    """

    def __init__(self, sender: Any = ANY) -> None:
        super().__init__(Criteria(_signals("message_flashed"), sender))

    @property
    def messages(self) -> list[Any]:
        """The messages, in the order of flashing."""
        return [sent["message"] for sent in self]

    @property
    def with_categories(self) -> list[tuple[str, Any]]:
        """Pairs of category and message, as Flask's ``get_flashed_messages`` gives them."""
        return [(sent["category"], sent["message"]) for sent in self]


def _signals(name: str) -> tuple[Any, ...]:
    frameworks = [sys.modules[it] for it in ("flask", "quart") if it in sys.modules]
    found = {id(it): it for it in (getattr(framework, name) for framework in frameworks)}
    if not found:
        msg = f"Neither Flask nor Quart has been imported, so nothing can send {name!r}."
        raise ArgumentError(msg)
    return tuple(found.values())
