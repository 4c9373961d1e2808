"""What a receiver is called, and where it is defined, whatever it claims to be."""

from __future__ import annotations

import os.path
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
import wrapt

from heliograph.cli.places import name_of, where_defined

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = os.path.relpath(__file__)  # As the user would write it from here.


@wrapt.decorator
def audited(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """Decorate as tracing libraries do."""
    return wrapped(*args, **kwargs)


class Shop:
    """Has receivers."""

    def __call__(self, sender: object) -> None:
        """Do nothing."""

    def plain(self, sender: object) -> None:
        """Do nothing."""

    @audited
    def decorated(self, sender: object) -> None:
        """Do nothing."""


class Unbound(Shop):
    """Fails whenever it is asked for anything."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError


def _endless_partial() -> Callable[..., Any]:
    call: partial[Any] = partial(Shop())
    state: Any = call
    state.__setstate__((call, (), {}, {}))
    return call


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (Shop, f"{__name__}.Shop.__call__"),
        (lambda: Shop().plain, f"{__name__}.Shop.plain"),
        (lambda: partial(partial(Shop().plain)), f"{__name__}.Shop.plain"),
        (lambda: Shop().decorated, f"{__name__}.Shop.decorated"),
        (lambda: Shop, f"{__name__}.Shop"),
        (Unbound, f"{__name__}.Shop.__call__"),
    ],
)
def test_a_receiver_is_called_by_the_function_that_it_runs(
    make: Callable[[], Any], name: str
) -> None:
    """And that is in this file, behind partials and decorators."""
    assert name_of(make()) == name
    assert where_defined(make()).rpartition(":")[0] == HERE


@pytest.mark.parametrize(
    "make",
    [
        lambda: mock.MagicMock(spec=Shop().plain),
        lambda: mock.Mock(spec=audited),
        _endless_partial,
    ],
)
def test_what_only_claims_to_be_a_function_is_called_by_its_type(make: Callable[[], Any]) -> None:
    """There is no function to be named, and looking for one comes to an end."""
    receiver = make()

    assert name_of(receiver).endswith(f"{type(receiver).__call__.__qualname__}")
    assert where_defined(receiver)
