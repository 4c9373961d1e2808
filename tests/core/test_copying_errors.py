"""Errors go where results go: into copies, queues and other processes."""

from __future__ import annotations

import copy
import pickle
import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

import heliograph
from heliograph import LostEmissionsError, SignalError, UnknownSignalError
from tests.blinker.processes import in_a_fresh_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


pytestmark = pytest.mark.once  # An error knows nothing of what sends.


def pickled(thing: Any) -> Any:
    """Return what comes back from a pickle."""
    return pickle.loads(pickle.dumps(thing))  # noqa: S301 - our own.


COPIES: list[Callable[[Any], Any]] = [copy.copy, copy.deepcopy, pickled]


def below(kind: type[SignalError]) -> Iterator[type[SignalError]]:
    """Give a class and all that derive from it."""
    yield kind
    for derived in kind.__subclasses__():
        yield from below(derived)


def errors() -> list[type[SignalError]]:
    """Return every class of errors in every room of the package."""
    for it in pkgutil.walk_packages(heliograph.__path__, "heliograph."):
        # What starts programs does so when it is imported; the panel asks for Django's settings.
        if not it.name.endswith(("__main__", "sitecustomize", "_dispatch", "panels.django")):
            import_module(it.name)
    return [it for it in below(SignalError) if it.__module__.startswith("heliograph")]


@in_a_fresh_process
def test_every_error_comes_back_as_it_was() -> None:
    """With its message, its notes and its attributes, whatever its `__init__` asks for."""
    made = [kind.__new__(kind, "what happened") for kind in errors()]
    for error in made:
        vars(error).update(lost=7, more=["x"])
        error.add_note("while it was tested")
    names = {type(it).__name__ for it in made}

    assert names > {"ArgumentError", "LostEmissionsError", "ExpectationError"}
    for copied in COPIES:
        back = [copied(it) for it in made]
        assert [(type(it), it.args, str(it), vars(it)) for it in back] == [
            (type(it), it.args, str(it), vars(it)) for it in made
        ]


@pytest.mark.parametrize("copied", COPIES)
def test_an_error_with_more_than_a_message_comes_back_with_it(
    copied: Callable[[Any], Any],
) -> None:
    """Also one of a user who derives from ours."""
    lost = copied(LostEmissionsError("7 are missing", 7))
    own = copied(OwnError(3, shelf="tea"))

    assert (type(lost), str(lost), lost.lost) == (LostEmissionsError, "7 are missing", 7)
    assert (type(own), str(own), own.shelf) == (OwnError, "3 are missing", "tea")
    assert isinstance(own, KeyError)


class OwnError(UnknownSignalError):
    """An error with arguments of its own."""

    def __init__(self, number: int, *, shelf: str) -> None:
        super().__init__(f"{number} are missing")
        self.shelf = shelf
