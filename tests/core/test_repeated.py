"""A line that connects one function again and again is told of in development, where it is."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

from heliograph import ReceiverWarning, Signal

if TYPE_CHECKING:
    from collections.abc import Callable

WHO = f"{__name__}.{{}}.<locals>.book"


def told_of(
    function: Callable[[], object], times: int, *, check: str = "1", in_a_test: bool = False
) -> list[tuple[str, str, int]]:
    """Call a function in a program; return the files, messages and lines that are warned of."""
    with warnings.catch_warnings(record=True) as caught, pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("default")
        patch.setenv("HELIOGRAPH_CHECK", check)
        if not in_a_test:
            patch.delenv("PYTEST_CURRENT_TEST")
        for _ in range(times):
            function()
    assert {it.category for it in caught} <= {ReceiverWarning}
    first = function.__code__.co_firstlineno
    return [(it.filename, str(it.message), it.lineno - first) for it in caught]


def test_a_factory_that_is_called_twice_is_told_of_once() -> None:
    """Each send would call both copies of the receiver."""
    signal = Signal("paid")

    def create_app() -> None:
        @signal.connect(weak=False)
        def book(sender: object, total: int = 0, *, tax: int = 0) -> None: ...

    told = told_of(create_app, 9)

    assert len(signal.receivers) == 9
    assert told == [
        (
            __file__,
            (
                f"{WHO.format(create_app.__qualname__)} was connected by this line before, for "
                "the same sender, and that copy of it is still connected: each send calls both. "
                "Define the function in the module, or connect it for one sender, such as the "
                "application."
            ),
            1,
        )
    ]


def test_requests_that_connect_are_told_of_when_there_are_many() -> None:
    """Each copy knows something else, so the first few may be meant."""
    signal = Signal("paid")

    def request() -> None:
        user = object()

        @signal.connect_via("shop")
        def book(sender: object) -> object:
            return user

    few, many = told_of(request, 31), told_of(request, 70)

    assert few == []
    assert many == [
        (
            __file__,
            (
                f"This line has connected 32 copies of {WHO.format(request.__qualname__)} and "
                "more, for the same sender, and all are still connected: each send calls them "
                "all. Connect once, when the module is loaded, or for a while, with "
                "connected_to()."
            ),
            3,
        )
    ]


def test_copies_for_other_senders_or_for_a_while_are_not_told_of() -> None:
    """Nor weak ones, which somebody keeps, and those that have ended."""
    signal, kept = Signal("paid"), list[object]()

    def for_each_sender() -> None:
        @signal.connect_via(kept)
        def book(sender: object) -> None: ...

        @signal.connect_via(len(kept))
        def count(sender: object) -> None: ...

        kept.append(None)
        signal.disconnect(book)

    def weakly() -> None:
        @signal.connect
        def book(sender: object) -> None: ...

        kept.append(book)

    def for_a_while() -> None:
        def book(sender: object) -> None: ...

        block = signal.connected_to(book)
        block.__enter__()
        kept.append(block)

    assert [told_of(it, 2) for it in (for_each_sender, weakly, for_a_while)] == [[], [], []]


def test_what_is_made_for_each_thing_is_not_told_of() -> None:
    """Each copy has a default of its own, or is another function in the same line."""
    signal = Signal("paid")

    def make(table: str) -> Callable[..., None]:
        def book(sender: object, table: str = table) -> None: ...

        return book

    def connect() -> None:
        signal.connect(make("red"), weak=False)
        signal.connect(make("blue"), weak=False)

    def by_keyword() -> None:
        for table in "red", "blue":

            def book(sender: object, *, table: str = table) -> None: ...

            signal.connect(book, weak=False)

    assert [told_of(it, 1) for it in (connect, by_keyword)] == [[], []]


def test_nobody_is_told_of_it_outside_of_development_or_in_tests() -> None:
    """A test makes many applications, each for itself."""
    signal = Signal("paid")

    def create_app() -> None:
        @signal.connect(weak=False)
        def book(sender: object) -> None: ...

    assert told_of(create_app, 4, in_a_test=True) == []
    assert told_of(create_app, 4, check="0") == []


def test_lines_are_forgotten_when_there_are_very_many() -> None:
    """A program may run any number of texts by `exec`."""
    signal, functions = Signal("paid"), list["Callable[..., None]"]()
    text = "def make():\n    def book(sender): ...\n    return book\n"
    for _ in range(300):
        names: dict[str, Callable[[], Callable[..., None]]] = {}
        exec(text, names)  # noqa: S102 - it is a text of ours.
        functions.append(names["make"]())
        signal.connect(functions[-1], weak=False)

    assert len(signal._registry.lines) < 256
