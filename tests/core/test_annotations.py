"""Types of payloads, where annotations are not text: the same is refused in every Python."""

# Without the future import, which would make texts of all annotations: only so is it seen that
# Python 3.14 evaluates them later than the versions before.

import sys
from dataclasses import dataclass
from textwrap import dedent
from typing import Any, NotRequired, TypedDict, Unpack

import pytest

from heliograph import ArgumentError, Namespace, Signal
from tests.core.annotated import Priced
from tests.core.annotated_as_text import Weighed

LATE = sys.version_info >= (3, 14)
"""Whether annotations are evaluated when somebody asks for them."""


def refused(signal: Signal, sender: object = "Berlin", **payload: object) -> str:
    """Return what is wrong with a send, or nothing."""
    try:
        signal.send(sender, **payload)
    except ArgumentError as error:
        return str(error).partition("declared: ")[2].partition(". No receiver")[0]
    return ""


def test_a_class_of_the_enclosing_function_is_told() -> None:
    """As the type of an argument, or of the sender, alone or in a union or a list."""

    class Shop:
        """A sender."""

    class Order:
        """What is paid."""

    shop = Namespace("shop")

    @shop.declare
    def paid(
        sender: Shop, *, order: Order, more: list[Order], last: Order | None = None
    ) -> None: ...

    assert paid.declaration is not None
    assert refused(paid, Shop(), order=Order(), more=[Order()], last=None) == ""
    assert refused(paid, 1, order=2, more=3, last=4) == (
        "'sender' is of type int, not {0}Shop, and 'order' is of type int, not {0}Order, and "
        "'more' is of type int, not list, and 'last' is of type int, not {0}Order or NoneType"
    ).format("test_a_class_of_the_enclosing_function_is_told.<locals>.")


class Signals:
    """Signals that are declared where their types are."""

    class Order:
        """What is paid."""

    @Namespace("shop").declare
    def paid(sender: str, *, order: Order) -> None:  # noqa: N805 - it is no method.
        """An order was paid."""


def test_a_name_of_the_class_body_is_told() -> None:
    """It is known there alone."""
    assert refused(Signals.paid, order=Signals.Order()) == ""
    assert refused(Signals.paid, order=7) == "'order' is of type int, not Signals.Order"


def test_a_dataclass_that_is_made_in_a_function_is_told() -> None:
    """With the types of that function."""

    class Order:
        """What is lost."""

    @dataclass(kw_only=True)
    class Lost:
        """An order was lost."""

        order: Order
        reason: str = ""

    lost = Namespace("shop").declare_payload("lost", Lost)

    assert lost.declaration is not None
    assert lost.declaration.names == ("order", "reason")
    assert refused(lost, order=Order(), reason="fire") == ""
    assert refused(lost, order=7, reason=8) == (
        "'order' is of type int, not "
        "test_a_dataclass_that_is_made_in_a_function_is_told.<locals>.Order, and 'reason' is of "
        "type int, not str"
    )


@dataclass(kw_only=True)
class Sold(Priced):
    """Something was sold."""

    number: int


@dataclass(kw_only=True)
class Sent(Weighed):
    """Something was sent."""

    number: int


@pytest.mark.parametrize(("payload", "field"), [(Sold, "price"), (Sent, "weight")])
def test_a_dataclass_with_a_base_in_another_module_is_told(payload: type, field: str) -> None:
    """Annotations mean what they mean there, also as text."""
    signal: Signal = Namespace("shop").declare_payload("sold", payload)

    assert signal.declaration is not None
    assert signal.declaration.signature == f"(sender, *, {field}: Decimal, number: int)"
    assert refused(signal, **{field: "7", "number": 8}) == (
        f"'{field}' is of type str, not Decimal"
    )


def test_a_typed_dict_of_the_enclosing_function_describes_a_payload() -> None:
    """With the types of that function, too."""

    class Order:
        """What is packed."""

    class Packed(TypedDict):
        order: Order
        parcels: NotRequired[int]

    shop = Namespace("shop")

    @shop.declare
    def packed(sender: str, **payload: Unpack[Packed]) -> None: ...

    assert packed.declaration is not None
    assert packed.declaration.required == {"order"}
    assert refused(packed, order=Order()) == ""
    assert refused(packed, order=Order(), parcels="two") == "'parcels' is of type str, not int"


def test_types_of_a_span_are_told() -> None:
    """Its own arguments and those that it carries besides."""

    class Path:
        """What is read."""

    shop = Namespace("shop")

    @shop.span
    def read(sender: str, *, path: Path) -> None: ...

    read.started.connect(lambda sender, **payload: None, weak=False)
    with pytest.raises(ArgumentError, match=r"'path' is of type str, not .*Path"):
        read("Berlin", path="a")  # type: ignore[arg-type]  # The mistake.
    with read("Berlin", path=Path()):
        pass


def declared(source: str, names: dict[str, Any]) -> Signal:
    """Return the signal of a module's source."""
    shop = Namespace("shop")
    names["shop"] = shop
    exec(compile(dedent(source), "stubs.py", "exec", dont_inherit=True), names)  # noqa: S102 - those below.
    return shop["paid"]


LATER = """
    @shop.declare
    def paid(sender: str, *, order: {}, more: {} = ()) -> None: ...

    class Order: ...
    """
QUOTED = ("'Order'", "'list[Order] | None'")
UNQUOTED = ("Order", "list[Order] | None")


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the names of a module that is loaded."""
    module = type(sys)("annotated_stubs")
    monkeypatch.setitem(sys.modules, "annotated_stubs", module)
    return vars(module)


@pytest.mark.parametrize("types", [QUOTED, UNQUOTED])
def test_a_name_that_comes_later_in_the_module_is_told(
    types: tuple[str, str], module: dict[str, Any]
) -> None:
    """It is there when something is sent; before Python 3.14 it has to be quoted."""
    if types == UNQUOTED and not LATE:
        with pytest.raises(NameError):
            declared(LATER.format(*types), module)
        return
    paid = declared(LATER.format(*types), module)

    assert paid.declaration is not None
    assert paid.declaration.signature == (
        "(sender: str, *, order: Order, more: list[Order] | None = ())"
    )
    assert refused(paid, order=module["Order"](), more=[]) == ""
    assert refused(paid, order=7, more=8) == (
        "'order' is of type int, not Order, and 'more' is of type int, not list or NoneType"
    )


CHECKERS_ALONE = """
    TYPE_CHECKING = False
    if TYPE_CHECKING:
        from shop import Order

    @shop.declare
    def paid(sender: str, *, order: {}, more: {} = (), total: int = 0) -> None: ...
    """


@pytest.mark.parametrize("types", [QUOTED, UNQUOTED])
def test_a_name_for_type_checkers_alone_is_not_checked(
    types: tuple[str, str], module: dict[str, Any]
) -> None:
    """The others are."""
    if types == UNQUOTED and not LATE:
        with pytest.raises(NameError):
            declared(CHECKERS_ALONE.format(*types), module)
        return
    paid = declared(CHECKERS_ALONE.format(*types), module)

    assert refused(paid, order=7, more=8) == ""
    assert refused(paid, order=7, total="") == "'total' is of type str, not int"


def test_a_receiver_may_be_annotated_with_whatever_there_is() -> None:
    """Only how it can be called is looked at."""

    class Order:
        """What is paid."""

    shop = Namespace("shop")

    @shop.declare
    def paid(sender: str, *, order: Order) -> None: ...

    @paid.connect
    def thank(sender: str, *, order: Order, **extra: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821 - what is tested.

    def forgetful(sender: Order) -> None: ...

    connect: Any = paid.connect
    with pytest.raises(TypeError, match=r"The receiver: \(sender: .*Order\)"):
        connect(forgetful)
    assert paid.receivers == (thank,)
