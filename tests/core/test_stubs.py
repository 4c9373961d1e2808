"""Functions that declare have no body, as it would never run."""

from __future__ import annotations

from typing import Any

import pytest

from heliograph import ArgumentError, Namespace

STUBS = [
    "def stub(sender): 'Say what it means.'",
    "def stub(sender): ...",
    "def stub(sender): pass",
    "def stub(sender): return",
    "def stub(sender): return None",
    "def stub(sender): 'Say what it means.'; ...; pass; return",
    "def stub(sender): raise NotImplementedError",
    "def stub(sender): raise NotImplementedError()",
    "def stub(sender): 'Say what it means.'; raise NotImplementedError('it declares', 3)",
    "def stub(sender, *, total: int = len('xyz')): ...",
    "async def stub(sender): ...",
    "async def stub(sender): 'Say what it means.'; raise NotImplementedError",
]
WORKING = [
    "def stub(sender): 'Say what it means.'; print(sender)",
    "def stub(sender): return 5",
    "def stub(sender): return 'done'",
    "def stub(sender): return sender",
    "def stub(sender): done = None",
    "def stub(sender):\n  global DONE\n  DONE = None",
    "def stub(sender):\n  while True: pass",
    "def stub(sender): raise ValueError",
    "def stub(sender): raise NotImplementedError(sender)",
    "def stub(sender): raise NotImplementedError(f'{sender}')",
    "def stub(sender): assert False",
    "def stub(sender): yield",
    "def stub(sender): import os",
    "def stub(sender): del sender",
    "async def stub(sender): await sender",
    "async def stub(sender): yield",
    "def around(it):\n  def stub(sender): return it\n  return stub\nstub = around(3)",
    "def around(it):\n  def stub(sender): it()\n  return stub\nstub = around(print)",
]


def made(source: str) -> Any:
    """Return the function that source makes."""
    names: dict[str, Any] = {"__name__": "stubs"}
    exec(compile(source, "stubs.py", "exec"), names)  # noqa: S102 - the texts above.
    return names["stub"]


@pytest.mark.parametrize("source", STUBS)
def test_a_function_without_a_body_declares(source: str) -> None:
    """However it is written that there is none."""
    shop, stub = Namespace("shop"), made(source)
    shop.declare(stub)
    shop.span(name="work")(stub)

    assert list(shop) == ["stub", "work.started", "work.finished", "work.failed"]


@pytest.mark.parametrize("source", WORKING)
def test_a_function_with_a_body_is_refused(source: str) -> None:
    """Nothing of it would ever run, and nobody would be told."""
    shop, stub = Namespace("shop"), made(source)
    with pytest.raises(ArgumentError) as caught:
        shop.declare(stub)
    with pytest.raises(ArgumentError, match="would never run"):
        shop.span(stub)

    assert str(caught.value) == (
        f"stubs.{stub.__qualname__} cannot declare a signal. Its body, at "
        f"stubs.py:{stub.__code__.co_firstlineno}, would never run. A declaration is a signature "
        "and a docstring, and receivers do the work: move it into another function, and connect "
        "that."
    )
    assert list(shop) == []
