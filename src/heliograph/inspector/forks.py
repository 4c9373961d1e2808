"""Tells inspectors that their process is forked: Python lets nobody take such a wish back."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forked(Protocol):
    """Who has to know of forks."""

    def before_fork(self) -> None:
        """Is called before a fork, in the thread that forks."""
        ...

    def after_fork_in_parent(self) -> None:
        """Is called after it, in the process that there was."""
        ...

    def after_fork_in_child(self) -> None:
        """Is called after it, in the new process."""
        ...


_following: WeakSet[Forked] = WeakSet()
_asked: list[bool] = []


def follow_forks(it: Forked) -> None:
    """Tell *it* of all forks, as long as it lives."""
    _following.add(it)
    if not _asked and hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none.
        _asked.append(True)
        os.register_at_fork(
            before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
        )


def _before() -> None:
    for it in tuple(_following):
        it.before_fork()


def _after_in_parent() -> None:
    for it in tuple(_following):
        it.after_fork_in_parent()


def _after_in_child() -> None:
    for it in tuple(_following):
        it.after_fork_in_child()
