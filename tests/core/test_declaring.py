"""Declarations: what is read of a stub or a class, and what declares nothing."""

from __future__ import annotations

import copy
import pickle
import threading
from dataclasses import dataclass, field
from inspect import currentframe
from textwrap import dedent
from typing import TYPE_CHECKING, Any, NotRequired, Required, TypedDict, Unpack

import pytest

from heliograph import ArgumentError, Namespace, ReceiverError, Signal
from heliograph.core.declared.declaration import Argument, Declaration
from tests.threads import fast_switching

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal  # noqa: TC004 - not there at run time: that is tested too.
    from types import FrameType


class Shop:
    """A sender."""


class OrderShipped(TypedDict):
    """An order left the house."""

    order: str
    parcels: NotRequired[int]


class PartlyShipped(OrderShipped, total=False):
    """Some of an order left the house."""

    rest: Required[list[str]]
    why: str


class Unevaluated(TypedDict):
    """A payload with a type that is there for type checkers alone."""

    total: Decimal


@dataclass(kw_only=True)
class OrderReturned:
    """An order came back."""

    order: str
    reasons: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class OrderLost:  # noqa: D101 - what a dataclass without a docstring has for one.
    order: str


@dataclass
class OrderSplit:
    """Its fields can be given by position."""

    order: str = ""


class Untold:
    """It does not tell how it is made, as many classes that are written in C."""

    __signature__ = 7

    def __init__(self, *, order: str) -> None:
        """Be made by keywords alone, in secret."""


class Mute:
    """An object without a repr()."""

    def __repr__(self) -> str:
        msg = "I am not shown"
        raise LookupError(msg)


def line() -> int:
    """Return the number of the line that calls."""
    frame: FrameType | None = currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def read(declaration: Declaration | None) -> tuple[Any, ...]:
    """Return what is public of a declaration, but where it stands."""
    assert declaration is not None
    it = declaration
    return it.name, it.doc, it.sender, it.arguments, it.deprecated


# --- what is read ----------------------------------------------------------------------


def test_a_stub_declares_name_documentation_sender_and_payload() -> None:
    """Everything is said in one place, and types stay as they are written."""
    shop = Namespace("shop")
    before = line()

    @shop.declare
    def order_paid(  # type: ignore[no-untyped-def]  # Not all is annotated.
        sender: Shop, *, order: str, total: Decimal | None = None, note="none"
    ) -> None:
        """An order was paid.

        In full.
        """

    declaration = order_paid.declaration
    assert read(declaration) == (
        "order_paid",
        "An order was paid.\n\nIn full.",
        "Shop",
        (
            Argument("order", "str"),
            Argument("total", "Decimal | None", "None"),
            Argument("note", "", "'none'"),
        ),
        None,
    )
    assert declaration is not None
    assert declaration.location == f"{__file__}:{before + 2}"
    assert declaration.signature == (
        "(sender: Shop, *, order: str, total: Decimal | None = None, note='none')"
    )
    assert (order_paid.name, order_paid.__doc__) == ("order_paid", declaration.doc)
    assert shop["order_paid"] is order_paid


def test_nothing_in_a_stub_runs() -> None:
    """A stub is documentation."""
    shop = Namespace()

    @shop.declare
    def paid(sender: object) -> None:
        raise NotImplementedError

    assert paid.send("shop") == []
    assert paid.declaration is not None
    assert (paid.declaration.signature, paid.declaration.doc) == ("(sender: object)", None)
    assert str(paid.__doc__).startswith("Declared as (sender: object), at ")


def test_annotations_that_are_evaluated_are_shown_as_in_the_source() -> None:
    """A module without lazy annotations declares the same."""
    names: dict[str, Any] = {"Shop": Shop}
    source = "def paid(shop: Shop, /, *, a: int, b: list[int], c: 'Shop' = 3) -> None: ..."
    exec(compile(source, "stubs.py", "exec", dont_inherit=True), names)  # noqa: S102 - see above.
    paid = Namespace().declare(names["paid"])

    assert paid.declaration is not None
    assert paid.declaration.signature == ("(sender: Shop, *, a: int, b: list[int], c: Shop = 3)")


def test_a_typed_dict_describes_a_payload_in_a_stub() -> None:
    """Its items are the arguments, beside those that the stub names."""

    def paid(_: Shop, *, by: str, **payload: Unpack[OrderShipped]) -> None: ...

    declaration = Namespace().declare(paid).declaration

    assert declaration is not None
    assert declaration.signature == "(sender: Shop, *, by: str, order: str, parcels: int = ...)"


def test_a_typed_dict_describes_a_payload() -> None:
    """Required or not is told by total, Required and NotRequired, also in lazy annotations."""
    shipped = Namespace().declare_payload("partly_shipped", PartlyShipped, sender=Shop)

    assert read(shipped.declaration) == (
        "partly_shipped",
        "Some of an order left the house.",
        "Shop",
        (
            Argument("order", "str"),
            Argument("parcels", "int", "..."),
            Argument("rest", "list[str]"),
            Argument("why", "str", "..."),
        ),
        None,
    )


def test_a_dataclass_describes_a_payload() -> None:
    """Its fields are the arguments, and its docstring is the signal's, if it has one."""
    shop = Namespace("shop")
    returned = shop.declare_payload("order-returned", OrderReturned)
    before = line()
    lost = shop.declare_payload("order-lost", OrderLost, doc="An order was lost.")
    again = shop.declare_payload("order-lost-again", OrderLost)

    assert read(returned.declaration) == (
        "order-returned",
        "An order came back.",
        "",
        (Argument("order", "str"), Argument("reasons", "list[str]", "<factory>")),
        None,
    )
    assert lost.declaration is not None
    assert (lost.declaration.doc, lost.declaration.location) == (
        "An order was lost.",
        f"{__file__}:{before + 1}",
    )
    assert again.declaration is not None
    assert again.declaration.doc is None


def test_a_declaration_may_have_another_name_and_deprecations() -> None:
    """The options are those of the decorator."""
    shop = Namespace("shop")

    @shop.declare(
        name="order-paid", deprecated="use order-settled", deprecated_arguments={"total": "use sum"}
    )
    def paid(sender: Shop, *, total: int, order: str) -> None: ...

    assert read(shop["order-paid"].declaration) == (
        "order-paid",
        None,
        "Shop",
        (Argument("total", "int", None, "use sum"), Argument("order", "str")),
        "use order-settled",
    )


def test_a_signal_that_was_asked_for_by_name_is_the_one_that_is_declared() -> None:
    """Whoever connected by name before the declaration was read stays connected."""
    shop = Namespace()
    heard: list[object] = []
    by_name = shop.signal("paid", "Asked for.")
    by_name.connect(heard.append, weak=False)

    @shop.declare
    def paid(sender: str) -> None:
        """Declared."""

    paid.send("shop")

    assert paid is by_name
    assert (heard, paid.__doc__) == (["shop"], "Declared.")


def test_a_namespace_lists_what_is_declared() -> None:
    """In the order of the declarations; what was made by name is none."""
    shop = Namespace("shop")
    shop.signal("seen")
    declared = [
        shop.declare_payload(name, OrderLost).declaration for name in ("lost", "found", "broken")
    ]

    assert list(shop.declarations) == declared


def test_copies_of_a_declared_signal_are_declared() -> None:
    """A copy is a signal like this one, to which nobody is connected."""
    paid = Namespace().declare_payload("lost", OrderLost)
    copies = [copy.copy(paid), copy.deepcopy(paid), pickle.loads(pickle.dumps(paid))]  # noqa: S301 - made on the same line.

    assert [it.declaration for it in copies] == [paid.declaration] * 3
    for it in copies:
        with pytest.raises(ReceiverError, match="does not take 'order'"):
            it.connect(lambda sender: sender)


def test_signals_that_are_made_by_name_are_not_declared() -> None:
    """They carry anything."""
    assert (Signal("paid").declaration, Namespace().signal("paid").declaration) == (None, None)


# --- what declares nothing -------------------------------------------------------------


def positional(sender: Shop, order: str) -> None:
    """Let the payload be given by position."""


def positional_only(sender: Shop, order: str, /) -> None:
    """Let the payload be given by position alone."""


def any_number(sender: Shop, *orders: str) -> None:
    """Let anything be given by position."""


def any_name(sender: Shop, **extra: object) -> None:
    """Do not say what is sent."""


def bare_extra(sender, **extra):  # type: ignore[no-untyped-def]  # Bare on purpose.
    """Do not even say of which type."""


def unevaluated_extra(
    sender: Shop,
    **extra: Unpack[Nowhere],  # type: ignore[misc, name-defined]  # noqa: F821 - the mistake.
) -> None:
    """Describe the payload by what is not there at run time."""


def unevaluated_item(sender: Shop, **payload: Unpack[Unevaluated]) -> None:
    """Describe an item of it by what is not there at run time."""


def no_sender(*, order: str) -> None:
    """Be sent by nobody."""


def no_payload(sender: Shop) -> None:
    """Carry nothing."""


def nothing() -> None:
    """Take nothing at all."""


def any_sender(*senders: Shop) -> None:
    """Be sent by many."""


def wrapped(sender: Shop, *, _async_wrapper: str) -> None:
    """Take the name of an argument of `send`."""


def of_a_sender(shop: Shop, *, sender: str) -> None:
    """Take the name of the sender."""


def unshown(sender: Shop, *, order: object = Mute()) -> None:
    """Have a default that cannot be shown."""


SHAPE = "Write it as `def name(sender, *, first, second=None)`."
KEYWORD = f"could be passed by position, and payloads are sent by keyword. {SHAPE}"
SENDER = f"It has no parameter for the sender. {SHAPE}"
UNPACK = (
    "'**extra' does not say what a send carries. Name the arguments, or describe them by a "
    "TypedDict: "
    "`**extra: Unpack[OrderPaid]`."
)


def unevaluated(name: str) -> str:
    """Return what is said of an annotation that names what is not there."""
    return (
        f"cannot be evaluated (NameError: name {name!r} is not defined). "
        "Import the names in it at run time, not only for type checkers."
    )


@pytest.mark.parametrize(
    ("stub", "problem"),
    [
        (positional, f"'order' {KEYWORD}"),
        (positional_only, f"'order' {KEYWORD}"),
        (any_number, f"'*orders' {KEYWORD}"),
        (any_name, UNPACK),
        (bare_extra, UNPACK),
        (unevaluated_extra, f"The annotation of '**extra' {unevaluated('Nowhere')}"),
        (
            unevaluated_item,
            f"{__name__}.Unevaluated has an annotation that {unevaluated('Decimal')}",
        ),
        (no_sender, SENDER),
        (nothing, SENDER),
        (any_sender, SENDER),
        (
            wrapped,
            "'_async_wrapper' cannot be in a payload: `send` uses the name itself.",
        ),
        (of_a_sender, "'sender' cannot be in a payload: `send` uses the name itself."),
        (unshown, "The default of 'order' cannot be shown, as its repr() fails."),
        (
            Shop,
            "It is not a function. A class describes the payload of `declare_payload(name, Shop)`.",
        ),
    ],
)
def test_a_stub_that_declares_no_signal_is_refused(stub: Any, problem: str) -> None:
    """The error names the stub, says what is wrong, and how to write it."""
    shop = Namespace()

    with pytest.raises(ArgumentError) as caught:
        shop.declare(stub)

    assert str(caught.value) == (
        f"{__name__}.{stub.__qualname__} cannot declare a signal. {problem}"
    )
    assert list(shop) == []


def test_what_cannot_be_a_stub_at_all_is_refused() -> None:
    """A lambda has no name, and a number no signature."""
    shop = Namespace()
    lambdas: list[Callable[[Any], None]] = [lambda sender: None]

    with pytest.raises(ArgumentError, match=r"<lambda> cannot .* None is not a name for a signal"):
        shop.declare(lambdas[0])
    with pytest.raises(ArgumentError) as caught:
        shop.declare(7)  # type: ignore[call-overload]  # No stub.
    assert str(caught.value) == f"7 cannot declare a signal. It is not a function. {SHAPE}"

    assert shop.declare(name="lambda")(lambdas[0]).name == "lambda"


def test_a_name_alone_declares_nothing() -> None:
    """It is an option, by keyword; the error says so, of signals and of spans."""
    shop: Any = Namespace()

    for declare in (shop.declare, shop.span):
        with pytest.raises(ArgumentError) as caught:
            declare("order-paid")
        assert str(caught.value) == (
            "'order-paid' cannot declare a signal. It is not a function. Give a name by keyword: "
            "`name='order-paid'`."
        )


def test_a_default_is_shown_without_an_address() -> None:
    """The page of a program is the same in each run."""
    nothing = object()

    def lost(sender: Shop, *, order: object = nothing) -> None: ...

    declared = Namespace().declare(lost).declaration

    assert declared is not None
    assert declared.signature == "(sender: Shop, *, order: object = <object object>)"


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (OrderSplit, "'order' could be passed by position, and payloads are sent by keyword. Use"),
        (Unevaluated, "has an annotation that cannot be evaluated"),
        ("OrderLost", "It is not a class. Use a dataclass with kw_only=True, or a TypedDict."),
        (
            Untold,
            "The signature of its constructor cannot be read. Use a dataclass",
        ),
    ],
)
def test_a_class_that_describes_no_payload_is_refused(payload: Any, problem: str) -> None:
    """As a stub would be."""
    with pytest.raises(ArgumentError, match="cannot declare a signal") as caught:
        Namespace().declare_payload("lost", payload)

    assert problem in str(caught.value)


def test_a_name_is_declared_once() -> None:
    """Two declarations would be two truths; the error tells where both are."""
    shop = Namespace("shop")
    first = shop.declare_payload("lost", OrderLost)

    def lost(sender: Shop) -> None: ...

    with pytest.raises(ArgumentError) as caught:
        shop.declare(lost)

    assert first.declaration is not None
    assert str(caught.value) == (
        f"signal 'lost' is declared already, at {first.declaration.location}: declare it once, or "
        f"use another name at {__file__}:{lost.__code__.co_firstlineno}."
    )
    assert [it.signature for it in shop.declarations] == ["(sender, *, order: str)"]


def test_only_texts_name_a_declared_signal() -> None:
    """As everywhere in a namespace."""
    shop = Namespace()

    with pytest.raises(ArgumentError, match=r"OrderLost cannot .* 7 is not a name for a signal"):
        shop.declare_payload(7, OrderLost)  # type: ignore[call-overload]  # No name.
    with pytest.raises(ArgumentError, match=r"no_payload cannot .* 7 is not a name for a signal"):
        shop.declare(name=7)(no_payload)  # type: ignore[call-overload]  # No name.


@pytest.mark.parametrize("advice", [True, "", " "])
def test_a_deprecation_says_what_to_use_instead(advice: Any) -> None:
    """Whoever is warned has to know what to do."""
    shop = Namespace()

    with pytest.raises(ArgumentError, match="does not explain a deprecation"):
        shop.declare_payload("lost", OrderLost, deprecated=advice)
    with pytest.raises(ArgumentError, match="does not explain a deprecation"):
        shop.declare_payload("lost", OrderLost, deprecated_arguments={"order": advice})


def test_only_arguments_of_the_payload_can_be_deprecated() -> None:
    """A misspelt one would never be warned of."""
    with pytest.raises(ArgumentError, match="names 'ordre', which is not in the payload"):
        Namespace().declare_payload("lost", OrderLost, deprecated_arguments={"ordre": "use id"})


@pytest.mark.parametrize("given", [["order"], "order", 7])
def test_what_is_deprecated_is_told_with_what_to_use_instead(given: Any) -> None:
    """Names alone are no advice."""
    with pytest.raises(ArgumentError) as caught:
        Namespace().declare_payload("lost", OrderLost, deprecated_arguments=given)

    assert str(caught.value) == (
        f"{__name__}.OrderLost cannot declare a signal. deprecated_arguments={given!r} does not "
        "say what to use instead of each argument: pass a dict such as {'total': 'use "
        "order.total'}."
    )


# --- at once, and at no cost -----------------------------------------------------------


@pytest.mark.parametrize("places", [1, 2])
@fast_switching()
def test_threads_that_declare_one_name_get_one_signal(places: int) -> None:
    """At two places, one of them declares it, and the other is refused."""
    shop = Namespace()
    barrier = threading.Barrier(4)
    got: list[tuple[int, Signal]] = []
    refused: list[str] = []

    def declare(place: int) -> None:
        for number in range(50):
            barrier.wait()
            try:
                if place == 0:
                    signal: Any = shop.declare_payload(str(number), OrderLost)
                else:
                    signal = shop.declare_payload(str(number), OrderReturned)
                got.append((number, signal))
            except ArgumentError as error:
                refused.append(str(error)[:30])

    threads = [threading.Thread(target=declare, args=(at % places,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {(number, id(it)) for number, it in got} == {
        (number, id(shop[str(number)])) for number in range(50)
    }
    each_refused = [
        it for number in range(50) for it in [f"signal '{number}' is declared already"[:30]]
    ]
    assert sorted(refused) == sorted(each_refused * 2 * (places - 1))
    assert len(shop.declarations) == 50


SPELLED_OUT = dedent("""\
    (sender)
    (sender, *, a)
    (sender: Shop, *, a=1, b: int = 2)
    """)


@pytest.mark.parametrize("signature", SPELLED_OUT.splitlines())
def test_the_signature_is_that_of_the_stub(signature: str) -> None:
    """Also where parts of it are missing."""
    names: dict[str, Any] = {}
    exec(f"from __future__ import annotations\ndef paid{signature}: ...", names)  # noqa: S102 - the text above.
    declaration = Namespace().declare(names["paid"]).declaration

    assert declaration is not None
    assert declaration.signature == signature


def test_the_types_of_a_payload_are_what_is_written_there() -> None:
    """Evaluated, for those who need more than the classes that are checked; Any without one."""
    shop = Namespace("shop")

    @shop.declare
    def order_paid(  # type: ignore[no-untyped-def]  # An argument may have no type.
        sender: Shop,
        *,
        n: int,
        lines: list[str | None],
        note: "str" = "",
        anything=None,
    ) -> None: ...

    shipped = shop.declare_payload("shipped", OrderShipped)

    for signal, types in (
        (order_paid, {"n": int, "lines": list[str | None], "note": str, "anything": Any}),
        (shipped, {"order": str, "parcels": int}),
    ):
        declaration = signal.declaration
        assert declaration is not None
        assert declaration.types() == types


def test_a_type_that_is_for_type_checkers_alone_is_named() -> None:
    """It cannot be evaluated; the message says where it is declared, and what to do."""
    shop = Namespace("shop")

    @shop.declare
    def order_paid(sender: Shop, *, n: int, total: Decimal) -> None: ...

    declaration = order_paid.declaration
    assert declaration is not None
    with pytest.raises(
        ArgumentError,
        match=r"The type of 'total' of signal 'order_paid', declared at .*test_declaring\.py:\d+, "
        r"exists for type checkers alone: 'Decimal'\. Import what it needs at run time, and not "
        r"only under TYPE_CHECKING or inside of a function\.",
    ):
        declaration.types()
