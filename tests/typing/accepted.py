"""What type checkers accept: every line of this file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypedDict, Unpack, assert_type

from heliograph import ANY, Namespace, Signal, signal

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")


class Shop:
    """A sender."""


class Order:
    """Part of a payload."""


class OrderShipped(TypedDict):
    """A payload that is described by a TypedDict."""

    order: Order
    parcels: int


@dataclass(kw_only=True)
class OrderReturned:
    """A payload that is described by a dataclass."""

    order: Order
    reason: str = "none"


berlin, order = Shop(), Order()
shop = Namespace("shop")

# --- declared by a stub ----------------------------------------------------------------


@shop.declare
def order_paid(sender: Shop, *, order: Order, total: int) -> None:
    """An order was paid in full."""


order_paid.send(berlin, order=order, total=12)
order_paid.send(berlin, order=order, total=12, _async_wrapper=lambda receiver: receiver)


@order_paid.connect
def thank(sender: Shop, *, order: Order, **extra: object) -> str:
    """Take some of the payload by name."""
    return "Thank you."


@order_paid.connect
def count(_shop: Shop, order: Order, total: float) -> None:
    """Take all of it, by other kinds of parameters."""


@order_paid.connect(sender=berlin, priority=3)
def early(sender: Shop, *, order: Order, **extra: object) -> str:
    """Take some of it, by a decorator with options."""
    return "Early."


@order_paid.connect
async def index(sender: object, **payload: Any) -> int:
    """Take it as it comes."""
    return len(payload)


@order_paid.connect
def exact(sender: Shop, /, *, order: Order, total: int) -> None:
    """Take the very type that is sent."""


@order_paid.connect_via(berlin, priority=3)
def ring(sender: Shop, *, total: int, **extra: object) -> bytes:
    """Take that of one sender."""
    return b""


class Till:
    """Has a method that is connected."""

    def ring(self, sender: Shop, **payload: object) -> None:
        """Take it as it comes."""


anything: Callable[..., Any] = print
order_paid.connect(anything)
order_paid.connect(lambda sender, **payload: payload, weak=False)

# What is connected keeps its own type.
assert_type(thank(berlin, order=order), str)
assert_type(thank(berlin, order=order, whatever=3), str)
assert_type(ring(berlin, total=3), bytes)
assert_type(order_paid.connect(Till().ring)(berlin, order=order), None)
count(berlin, order, 12.5)
exact(berlin, order=order, total=12)


async def send_async() -> None:
    """Send as receivers that are awaited are sent to."""
    await order_paid.send_async(berlin, order=order, total=12)
    assert_type(await index(berlin), int)


with order_paid.connected_to(thank, berlin, local=True):
    pass


@order_paid.connected_to(thank)
def work(pieces: int) -> str:
    """Run while somebody is connected."""
    return "x" * pieces


assert_type(work(3), str)

# --- declared with options, or by a class ------------------------------------------------


@shop.declare(deprecated="use order_paid", deprecated_arguments={"total": "use order.total"})
def order_settled(sender: Shop, *, order: Order, total: int = 0) -> None:
    """An order was paid in full."""


order_settled.send(berlin, order=order)
order_settled.connect(thank)


@shop.declare
def order_shipped(sender: Shop, **payload: Unpack[OrderShipped]) -> None:
    """An order left the house."""


order_shipped.send(berlin, order=order, parcels=2)
order_shipped.connect(thank)

order_returned = shop.declare_payload("order_returned", OrderReturned, sender=Shop)
order_returned.send(berlin, order=order)
order_returned.connect(thank)

order_lost = shop.declare_payload("order_lost", OrderReturned)
order_lost.send("anybody", order=order, reason="The courier is lost, too.")

# --- made by name ----------------------------------------------------------------------

plain = Signal("paid")
assert_type(plain, Signal[...])
assert_type(signal("paid"), Signal[...])
assert_type(shop.signal("paid"), Signal[...])
assert_type(shop["order_paid"], Signal[...])

plain.send()
plain.send("shop", total=12, anything=object())


@plain.connect
def note(sender: str, total: int) -> bool:
    """Take what it likes."""
    return True


assert_type(note("shop", 12), bool)


@plain.connect_via(ANY)
class Receipt:
    """Made of what is sent: a class is a receiver like others."""

    def __init__(self, sender: str, total: int) -> None:
        self.total = total


assert_type(Receipt("shop", 12).total, int)

with plain.connected_to(lambda sender: None):
    pass


# --- handed on -------------------------------------------------------------------------


def audited(it: Signal) -> None:
    """Take any signal."""


def resent(it: Signal[Concatenate[Shop, P]], *args: P.args, **payload: P.kwargs) -> None:
    """Send whatever the signal sends."""
    it.send(berlin, *args, **payload)


audited(plain)
audited(order_paid)
resent(order_paid, order=order, total=12)


class Counted(Signal[Concatenate[Shop, P]]):
    """A generic subclass."""


class Audited(Signal):
    """A subclass that can be sent in any way."""


Audited("paid").send("shop", total=12)


@shop.signals("order_*").connect_via(ANY, on_error="log")
def audit(sender: object, **payload: object) -> int:
    """Hear many signals."""
    return len(payload)


assert_type(audit(berlin, total=12), int)
assert_type(shop.signals().connect(audit)(berlin), int)

# --- spans -----------------------------------------------------------------------------


@shop.span
def import_catalogue(sender: Shop, *, path: str, draft: bool = False) -> None:
    """A catalogue is read."""


with import_catalogue(berlin, path="books.csv") as span:
    span.add(rows=7)
    assert_type(span.duration, float | None)


async def import_slowly() -> None:
    """Take the other kind of block."""
    async with import_catalogue(berlin, path="books.csv", draft=True) as span:
        span.add(rows=7)


@import_catalogue.each_call
def read(sender: Shop, *, path: str, draft: bool = False) -> int:
    """Keep the own type, as the own result shows."""
    return 7


@import_catalogue.wrap(berlin, path="books.csv")
def rows_of(number: int) -> int:
    """Keep the own type, which has nothing to do with the span."""
    return number


assert_type(read(berlin, path="books.csv"), int)
assert_type(rows_of(1), int)


@import_catalogue.finished.connect
def tell(sender: Shop, *, path: str, duration: float, **extra: object) -> None:
    """Receive."""


@shop.span(name="close books")
def close_books(sender: Shop) -> None:
    """The books are closed."""


close_books(berlin)


class Importer:
    """Declares its spans as methods."""

    @shop.span
    def sync(self, *, path: str) -> None:
        """Two catalogues are made the same."""


Importer().sync(path="books.csv")
