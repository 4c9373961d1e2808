"""What a receiver takes: read from its code, as `inspect` reads it from its signature."""

from __future__ import annotations

from types import FunctionType, MethodType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph import Namespace, ReceiverError
from heliograph.core.declared.signatures import signature_of
from heliograph.core.declared.taken import Taken, _of_signature, taken_by

pytestmark = pytest.mark.once

NAMES = st.lists(st.sampled_from("abcdefg"), unique=True, max_size=6)


@st.composite
def functions(draw: st.DrawFn) -> FunctionType:
    """Return a function with parameters of all kinds, some of which have defaults."""
    names = draw(NAMES)
    only_positional = draw(st.integers(0, len(names)))
    positional = draw(st.integers(only_positional, len(names)))
    bare = draw(st.integers(0, positional))
    parameters = [name if at < bare else f"{name}=1" for at, name in enumerate(names[:positional])]
    if only_positional:
        parameters.insert(only_positional, "/")
    by_keyword = [name + draw(st.sampled_from(["", "=2"])) for name in names[positional:]]
    if draw(st.booleans()):
        parameters.append("*args")
    elif by_keyword:
        parameters.append("*")
    parameters += by_keyword
    parameters += ["**extra"] if draw(st.booleans()) else []
    made: dict[str, Any] = {}
    exec(f"def function({', '.join(parameters)}):\n    local = 1", made)  # noqa: S102 - the text above.
    function: FunctionType = made["function"]
    return function


def told_by_inspect(receiver: Any) -> Taken:
    """Return the same of the signature."""
    return _of_signature(signature_of(receiver))


@given(function=functions())
def test_a_function_takes_what_its_signature_says(function: FunctionType) -> None:
    """Its code says the same, in less time; and so for a method, whose object is bound."""
    assert taken_by(function) == told_by_inspect(function)
    try:
        method = MethodType(function, "object")
        expected = told_by_inspect(method)
    except ValueError:  # No parameter is there for the object: nothing can be read of it.
        expected = Taken(True, None, (), (), (), True)
    assert taken_by(method) == expected


@given(function=functions())
def test_a_receiver_is_refused_with_a_reason_or_can_be_called(function: FunctionType) -> None:
    """A declared send of all arguments, and one without those that may be left out."""
    shop = Namespace()

    @shop.declare(offered={"c"})
    def paid(sender: str, *, b: int, c: int, d: int = 0) -> None: ...

    try:
        paid.connect(function, weak=False)
    except ReceiverError as error:
        problem = str(error).partition("\n")[0].partition(". ")[2]
        assert problem.startswith("It ")
        assert len(problem) > len("It .")
    else:
        paid.send("Berlin", b=1, c=2)
        paid.send("Berlin", b=1, c=2, d=3)


def test_what_a_decorator_says_of_a_function_counts() -> None:
    """By `__wrapped__` or by a signature, as everywhere."""

    def function(*args: object, **extra: object) -> None: ...

    def other(sender: object, *, order: int) -> None: ...

    function.__wrapped__ = other  # type: ignore[attr-defined]  # As functools.wraps does.

    assert taken_by(function) == Taken(True, "sender", ("order",), ("order",), (), False)
