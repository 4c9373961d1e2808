"""Sends of a declared signal: what is refused while programs are developed, and what is not."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import (
    IO,
    TYPE_CHECKING,
    Any,
    Generic,
    Literal,
    NewType,
    Protocol,
    TextIO,
    TypedDict,
    TypeVar,
    runtime_checkable,
)
from unittest.mock import Mock

import pytest

from heliograph import ArgumentError, Namespace, Signal, add_instrument, remove_instrument
from heliograph.core.declared.runtime_types import Hint, classes_of, is_of
from tests.core.proxies import Proxy

if TYPE_CHECKING:
    from heliograph import Emission


class Shop:
    """A sender."""


class Order:
    """Part of a payload."""


DECLARED = "(sender: Shop, *, order: Order, total: float, note: str | None = None)"


@pytest.fixture
def paid() -> Signal:
    """Return a signal that is declared with arguments of several types."""

    @Namespace("shop").declare
    def paid(sender: Shop, *, order: Order, total: float, note: str | None = None) -> None: ...

    return paid


@pytest.fixture
def development(monkeypatch: pytest.MonkeyPatch) -> None:
    """Develop, whatever else is said."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "1")


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not develop, whatever else is said."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")


SENDS: list[tuple[object, dict[str, Any], str]] = [
    (Shop(), {"order": Order()}, "'total' is missing"),
    (Shop(), {}, "'order' is missing, and 'total' is missing"),
    (Shop(), {"order": Order(), "total": 1, "tip": 2}, "'tip' is not in it"),
    (
        Shop(),
        {"order": Order(), "total": 1, "sender": "Berlin"},
        "'sender' is not in it (pass the sender first, without a name)",
    ),
    (
        None,
        {"order": Order(), "total": 1, "sender": Shop()},
        "'sender' is not in it (pass the sender first, without a name)",
    ),
    (Shop(), {"order": 7, "total": 1}, "'order' is of type int, not Order"),
    (Shop(), {"order": Order(), "total": "1"}, "'total' is of type str, not float or int"),
    (
        "Berlin",
        {"order": Order(), "total": 1, "note": b""},
        "'sender' is of type str, not Shop, and 'note' is of type bytes, not str or NoneType",
    ),
]


@pytest.mark.parametrize(("sender", "payload", "problem"), SENDS)
async def test_a_send_that_is_not_as_declared_is_refused(
    paid: Signal, development: None, sender: object, payload: dict[str, Any], problem: str
) -> None:
    """Before anybody is called; names first, then types; and no value is told."""
    heard: list[object] = []
    declaration = paid.declaration
    assert declaration is not None
    message = (
        f"signal 'paid' is not sent as it is declared: {problem}. No receiver was called.\n"
        f"  It is declared as {DECLARED}, at {declaration.location}"
    )

    with pytest.raises(TypeError) as unheard:
        paid.send(sender, **payload)
    paid.connect(lambda sender, **payload: heard.append(sender), weak=False)
    with pytest.raises(ArgumentError) as caught:
        paid.send(sender, **payload)
    with pytest.raises(ArgumentError) as caught_async:
        await paid.send_async(sender, **payload)

    assert [str(it.value) for it in (unheard, caught, caught_async)] == [message] * 3
    assert heard == []


@pytest.mark.parametrize(
    "payload",
    [
        {"order": Order(), "total": 1.5},
        {"order": Order(), "total": 1, "note": None},
        {"order": Order(), "total": True, "note": "x"},
        {"order": Mock(), "total": Mock(), "note": Mock()},
    ],
)
def test_a_send_as_declared_is_delivered(
    paid: Signal, development: None, payload: dict[str, Any]
) -> None:
    """What type checkers accept is accepted; so is a mock, which passes for anything."""
    heard: list[object] = []
    paid.connect(lambda sender, **payload: heard.append(payload), weak=False)

    paid.send(Proxy(Shop), **payload)

    assert heard == [payload]


def test_what_has_no_type_may_be_anything(development: None) -> None:
    """Of the sender, too."""
    names: dict[str, Any] = {}
    exec("def paid(sender, *, order): ...", names)  # noqa: S102 - mypy wants types.
    paid = Namespace().declare(names["paid"])

    assert paid.send("Berlin", order=7) == []
    with pytest.raises(ArgumentError, match="'order' is missing"):
        paid.send()


def test_a_signal_that_is_checked_is_not_taken_for_one_that_is_heard(development: None) -> None:
    """Nobody hears a signal because it is checked."""
    paid = Namespace().declare_payload("paid", object)

    assert (paid.has_receivers_for("Berlin"), list(paid.receivers_for("Berlin"))) == (False, [])
    assert (bool(paid.receivers), paid.send("Berlin")) == (False, [])


def test_the_wrapper_is_no_part_of_the_payload(paid: Signal, development: None) -> None:
    """It is an argument of sending itself."""
    assert paid.send(Shop(), order=Order(), total=1, _async_wrapper=lambda call: call) == []


def test_instruments_see_no_send_that_is_refused(paid: Signal, development: None) -> None:
    """It has not happened."""
    seen: list[Emission] = []
    add_instrument(seen.append)
    with pytest.raises(ArgumentError):
        paid.send(Shop())
    paid.send(Shop(), order=Order(), total=1)
    remove_instrument(seen.append)

    assert [dict(it.payload).keys() for it in seen] == [{"order": 0, "total": 0}.keys()]


def test_nothing_is_refused_in_production(paid: Signal, production: None) -> None:
    """What does not match gets as far as the receivers, as from any signal."""
    heard: list[object] = []
    paid.connect(lambda sender, **payload: heard.append(payload), weak=False)

    paid.send("Berlin", order=7)

    assert heard == [{"order": 7}]


def test_a_declared_signal_is_sent_as_any_other_in_production(
    paid: Signal, production: None
) -> None:
    """From the second send on nothing is left that asks: neither in Python nor in C."""
    before = paid._registry.needs_slow_path, paid._registry.anyone
    paid.send("Berlin")
    plain = Signal("plain")

    assert before == (True, (True,))
    assert paid._registry.needs_slow_path is plain._registry.needs_slow_path is False
    assert paid._registry.anyone is plain._registry.anyone


# --- what is compared at once, as long as nothing changes -------------------------------


async def test_a_send_to_async_receivers_is_checked_however_often_it_was_right(
    paid: Signal, development: None
) -> None:
    """Awaited, and as plain functions."""

    async def book(sender: object, **payload: object) -> None: ...

    paid.connect(book)
    for _ in range(3):
        await paid.send_async(Shop(), order=Order(), total=1)
        with pytest.raises(ArgumentError):
            await paid.send_async(Shop(), order=Order())
        paid.send(Shop(), order=Order(), total=1, _async_wrapper=lambda _: lambda *_, **__: None)
        with pytest.raises(ArgumentError):
            paid.send(Shop(), order=Order(), _async_wrapper=lambda _: lambda *_, **__: None)


async def test_every_send_is_checked_however_often_it_was_right(
    paid: Signal, development: None
) -> None:
    """From the second send on C or a short comparison says yes; only Python refuses."""
    heard: list[object] = []

    def hear(sender: object, **payload: object) -> None:
        heard.append(sender)

    right: dict[str, Any] = {"order": Order(), "total": 1}
    for number in range(4):
        assert len(paid.send(Shop(), **right)) == min(number, 1)
        assert len(paid.send(Shop(), order=Order(), total=2.0, note="x")) == min(number, 1)
        assert paid.send(Shop(), order=Order(), _async_wrapper=print, total=1) is not None
        assert len(await paid.send_async(Shop(), **right)) == min(number, 1)
        for sender, payload, problem in SENDS:
            with pytest.raises(ArgumentError, match=re.escape(problem)):
                paid.send(sender, **payload)
            with pytest.raises(ArgumentError, match=re.escape(problem)):
                await paid.send_async(sender, **payload)
        with pytest.raises(ArgumentError, match="'order' is missing, and 'total' is missing"):
            paid.send(Shop())
        paid.connect(hear)
        paid.send(Shop(), order=Mock(), total=1)
        paid.send(Proxy(Shop), **right)

    assert paid._registry.expected is not None


def test_what_is_no_longer_so_is_not_compared(
    paid: Signal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The switch may change between two sends, and what is in its place as well."""
    right: dict[str, Any] = {"order": Order(), "total": 1}
    monkeypatch.setenv("HELIOGRAPH_CHECK", "1")
    paid.send(Shop(), **right)
    monkeypatch.setenv("HELIOGRAPH_CHECK", "yes")
    with pytest.raises(ArgumentError):
        paid.send(Shop())
    monkeypatch.delenv("HELIOGRAPH_CHECK")  # Now it is pytest that says yes.
    paid.send(Shop(), **right)
    with pytest.raises(ArgumentError):
        paid.send(Shop())
    monkeypatch.setattr(os, "environ", dict(os.environ))
    paid.send(Shop(), **right)
    with pytest.raises(ArgumentError):
        paid.send(Shop())
    monkeypatch.setattr(os, "environ", {})
    assert paid.send(Shop()) == []
    assert (paid._registry.checked, paid._registry.expected) == (False, None)


def test_a_payload_that_is_empty_is_compared_too(development: None) -> None:
    """With what is required, and with the sender."""
    shop = Namespace()

    @shop.declare
    def opened(sender: Shop, *, note: str = "") -> None: ...

    @shop.declare
    def closed(sender: Shop, *, note: str) -> None: ...

    for _ in range(3):
        assert opened.send(Shop()) == []
        assert closed.send(Shop(), note="x") == []
        with pytest.raises(ArgumentError, match="'sender' is of type int"):
            opened.send(7)  # type: ignore[call-overload]  # The mistake.
        with pytest.raises(ArgumentError, match="'note' is missing"):
            closed.send(Shop())  # type: ignore[call-overload]  # The mistake.


def test_what_an_edited_declaration_says_counts_at_once(development: None) -> None:
    """What was expected before is forgotten."""
    source = "@shop.declare\ndef paid(sender, *, order: {}): ..."
    shop = Namespace("shop")
    names: dict[str, Any] = {"shop": shop, "__name__": __name__}
    for kind, value, other in (("int", 7, "x"), ("str", "x", 7)):
        exec(compile(source.format(kind), "shop.py", "exec", dont_inherit=True), names)  # noqa: S102 - the text above.
        for _ in range(3):
            assert shop["paid"].send("Berlin", order=value) == []
            with pytest.raises(ArgumentError, match=f"not {kind}"):
                shop["paid"].send("Berlin", order=other)


def test_receivers_that_take_less_are_spared_in_development_too(
    paid: Signal, development: None
) -> None:
    """The two go together, also while an instrument watches, and with a receiver that fails."""
    heard: list[object] = []
    seen: list[Emission] = []

    def older(sender: object, *, order: object, total: float) -> None:
        heard.append(total)
        if total < 0:
            raise LookupError

    signal: Any = paid  # Type checkers ask for **extra.
    signal.connect(older)
    for total in (1, 2, 3):
        paid.send(Shop(), order=Order(), total=total, note="x")
    with pytest.raises(LookupError):
        paid.send(Shop(), order=Order(), total=-1, note="x")
    add_instrument(seen.append)
    paid.send(Shop(), order=Order(), total=4, note="x")
    remove_instrument(seen.append)
    with paid.muted():
        paid.send(Shop(), order=Order(), total=5, note="x")
        with pytest.raises(ArgumentError):
            paid.send(Shop())

    assert heard == [1, 2, 3, -1, 4]
    assert [sorted(it.payload) for it in seen] == [["note", "order", "total"]]


def test_a_class_that_interrupts_leaves_a_send(development: None) -> None:
    """What it raises is no error to be passed over."""

    class Interrupting(type):
        def __instancecheck__(cls, instance: object) -> bool:
            raise KeyboardInterrupt if instance == "now" else LookupError

    class Bell(metaclass=Interrupting):
        pass

    names: dict[str, Any] = {"Bell": Bell, "__name__": __name__}
    source = "def rung(sender, *, bell: Bell): ..."
    exec(compile(source, "bell.py", "exec", dont_inherit=True), names)  # noqa: S102 - see above.
    rung = Namespace().declare(names["rung"])

    for _ in range(3):
        assert rung.send("Berlin", bell="later") == []
        with pytest.raises(KeyboardInterrupt):
            rung.send("Berlin", bell="now")


# --- which types can be told -----------------------------------------------------------


T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Number = NewType("Number", int)


class Named(Protocol):
    """What a type checker looks into."""

    name: str


@runtime_checkable
class Sized(Protocol):
    """What `isinstance` looks into, but only by halves."""

    def size(self) -> int:
        """Return how big it is."""


class Box(Generic[T]):
    """A generic class."""


class Filled(Protocol[T_co]):
    """A generic protocol."""

    @property
    def item(self) -> T_co:
        """Return what is inside."""


class Paired(TypedDict, Generic[T]):
    """A generic dict."""

    first: T
    second: T


class Item(TypedDict):
    """What is a dict when the program runs."""

    name: str


class Doubtful(type):
    """The class of classes that do not tell what is of them."""

    def __instancecheck__(cls, instance: object) -> bool:
        msg = "I do not know"
        raise LookupError(msg)


class Unknown(metaclass=Doubtful):
    """A class that does not tell what is of it."""


@pytest.mark.parametrize(
    ("annotation", "classes"),
    [
        (Order, (Order,)),
        ("Order", (Order,)),
        ("Order | None", (Order, type(None))),
        ("'Order | str'", (Order, str)),
        (None, (type(None),)),
        ("object", (object,)),
        ("float", (float, int)),
        ("complex", (complex, float, int)),
        ("bytes", (bytes, bytearray, memoryview)),
        ("Iterable", (Iterable,)),
        ("Any", ()),
        ("list[Order]", (list,)),
        ("Order | list[Order]", (Order, list)),
        ("Mapping[str, Order] | None", (Mapping, type(None))),
        ("Callable[[Order], None]", (Callable,)),
        ("Box[Order]", (Box,)),
        (Literal[7], ()),
        ("Filled[Order]", ()),
        ("Paired[Order]", ()),
        ("type[Order]", ()),
        ("type", ()),
        (Awaitable[Order], ()),
        (TextIO, ()),
        (IO[str], ()),
        ("Named", ()),
        ("Sized", ()),
        ("Item", ()),
        ("Number", ()),
        (T, ()),
        ("Decimal", ()),  # Not there.
        ("not an annotation", ()),
    ],
)
def test_types_are_told_by_classes_and_unions_of_them(
    annotation: object, classes: tuple[type, ...]
) -> None:
    """Whatever `isinstance` would not decide as type checkers do is let pass."""
    assert classes_of([Hint(annotation, __name__)]) == classes


def test_types_of_a_module_that_is_gone_are_not_told() -> None:
    """Code that was executed under no name, say."""
    assert classes_of([Hint("int", "no.such.module")]) == ()


def test_a_class_that_does_not_tell_what_is_of_it_lets_pass() -> None:
    """Its error is no mistake of the sender."""
    assert is_of(7, (Unknown,))


def test_annotated_types_and_optional_ones_are_told() -> None:
    """However a union is written."""
    assert [
        classes_of([Hint(it, "typing")])
        for it in ("Optional[int]", "Annotated[Union[int, str], 7]")
    ] == [
        (int, type(None)),
        (int, str),
    ]


def test_what_is_wrong_with_a_send_can_be_asked() -> None:
    """In words, without values; outside of development nothing else tells of it."""
    namespace = Namespace("asked")

    @namespace.declare
    def paid(sender: str, *, total: int) -> None: ...

    assert paid.declaration is not None
    mismatches = paid.declaration.mismatches
    assert mismatches("shop", {"total": 12}) == []
    assert mismatches(3, {"totl": "secret"}) == [
        "'total' is missing",
        "'totl' is not in it",
        "'sender' is of type int, not str",
    ]
