"""Receivers of a declared signal: who is refused, who is spared what, and who is warned."""

from __future__ import annotations

import gc
import re
import threading
import warnings
from contextlib import ExitStack
from functools import partial, wraps
from inspect import currentframe
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ArgumentError, Namespace, ReceiverError, Signal
from heliograph.core.declared import admission
from tests.threads import fast_switching

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from heliograph.core.connections.registry import Registry

DEPRECATED = "is connected to signal 'order_paid', which is deprecated: use order_settled"
TOO_NARROW = "does not take 'order': name what it uses, and add **extra"
PAYLOAD = "(sender: str, *, order: int, note: str = '')"


@pytest.fixture
def paid() -> Signal:
    """Return a signal that is declared with one argument to be sent, and one that may be."""
    shop = Namespace("shop")

    @shop.declare
    def paid(sender: str, *, order: int, note: str = "") -> None: ...

    return paid


def line() -> int:
    """Return the number of the line that calls."""
    frame: FrameType | None = currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


class Till:
    """Receivers of all kinds, fit and unfit."""

    def __init__(self, sender: object = None, **payload: object) -> None:
        self.payload = payload

    def __call__(self, sender: object, order: int, note: str = "none") -> tuple[object, ...]:
        """Take what is declared."""
        return sender, order, note

    def method(self, sender: object, *, order: int) -> tuple[object, ...]:
        """Take what has to be sent."""
        return sender, order

    def narrow(self, sender: object) -> None:
        """Take nothing."""

    @staticmethod
    def static(*everything: object, **payload: object) -> tuple[object, ...]:
        """Take anything."""
        return *everything, payload


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function as decorators do."""

    @wraps(function)
    def wrapper(*args: object, **kwargs: object) -> Any:
        return function(*args, **kwargs)

    return wrapper


def exact(sender: str, *, order: int, note: str = "none") -> object:
    """Take what is declared."""
    return sender, order, note


def older(sender: str, *, order: int) -> object:
    """Take what was declared before there was a note."""
    return sender, order


def positional(order_sender: str, order: int, own: str = "own", /, **payload: object) -> object:
    """Want what is never given."""


def positional_default(sender: str, order: int = 7, /, **payload: object) -> object:
    """Name a positional-only parameter as an argument of the payload, which is none the less."""
    return sender, order, payload


def test_receivers_that_can_take_the_payload_are_given_what_they_take(paid: Signal) -> None:
    """Of all kinds: what is optional and unknown to one without **extra is left out for it."""
    till = Till()
    receivers: list[Callable[..., Any]] = [
        exact,
        older,
        decorated(older),
        till,
        till.method,
        Till.static,
        positional_default,
        partial(exact, note="fixed"),
        partial(lambda _, sender, order: (sender, order), "bound"),
        Till,
    ]
    for receiver in receivers:
        paid.connect(receiver, weak=False)

    values = [value for _, value in paid.send("shop", order=3, note="x")]

    assert values[:-1] == [
        ("shop", 3, "x"),
        ("shop", 3),
        ("shop", 3),
        ("shop", 3, "x"),
        ("shop", 3),
        ("shop", {"order": 3, "note": "x"}),
        ("shop", 7, {"order": 3, "note": "x"}),
        ("shop", 3, "x"),
        ("shop", 3),
    ]
    assert values[-1].payload == {"order": 3, "note": "x"}
    assert [value for _, value in paid.send("shop", order=4)][:2] == [
        ("shop", 4, "none"),
        ("shop", 4),
    ]


def test_what_is_offered_is_given_to_those_who_take_it() -> None:
    """Every send carries it, and a receiver need not know that."""

    def named(sender: str, *, order: int, request: str) -> object:
        return order, request

    def not_named(sender: str, *, order: int) -> object:
        return order

    def any_extra(sender: str, *, order: int, **extra: object) -> object:
        return order, extra

    @Namespace().declare(offered={"request"})
    def placed(sender: str, *, order: int, request: str) -> None:
        """An order was placed."""

    receivers: list[Any] = [named, not_named, any_extra]  # Type checkers want all of it taken.
    for receiver in receivers:
        placed.connect(receiver)

    assert [value for _, value in placed.send("shop", order=3, request="GET /")] == [
        (3, "GET /"),
        3,
        (3, {"request": "GET /"}),
    ]
    with pytest.raises(ReceiverError, match=r"does not take 'order'"):
        Signal.connect(placed, lambda sender, request: None)
    assert placed.declaration is not None
    assert placed.declaration.offered == frozenset({"request"})
    assert placed.declaration.required == frozenset({"order", "request"})


@pytest.mark.parametrize(
    ("offered", "problem"),
    [
        ("order", "offered='order' does not name arguments"),
        (7, "offered=7 does not name arguments"),
        (["orders"], "offered names 'orders', which is not in the payload"),
    ],
)
def test_only_arguments_of_the_payload_are_offered(offered: Any, problem: str) -> None:
    """A misspelt name would be left out for nobody."""
    with pytest.raises(ArgumentError, match=problem):

        @Namespace().declare(offered=offered)
        def placed(sender: str, *, order: int) -> None:
            """An order was placed."""


async def test_send_async_spares_receivers_as_send_does(paid: Signal) -> None:
    """Also those that are awaited, and those that a wrapper makes awaitable."""

    async def awaited(sender: str, order: int) -> object:
        return sender, order

    def wrapped(receiver: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            return receiver(*args, **kwargs)

        return call

    paid.connect(awaited)
    paid.connect(older)
    expected = [(awaited, ("shop", 3)), (older, ("shop", 3))]

    assert await paid.send_async("shop", order=3, note="x") == expected
    assert await paid.send_async("shop", _sync_wrapper=wrapped, order=3, note="x") == expected


def test_temporary_receivers_are_spared_too(paid: Signal) -> None:
    """A connection is a connection, however long it lasts."""
    with paid.connected_to(older, "shop", local=True):
        inside = paid.send("shop", order=3, note="x")

    assert inside == [(older, ("shop", 3))]


@pytest.mark.parametrize(
    ("receiver", "problem", "signature"),
    [
        (
            lambda sender: None,
            TOO_NARROW,
            "(sender)",
        ),
        (
            Till().narrow,
            TOO_NARROW,
            "(sender: object)",
        ),
        (
            lambda sender, *, order, note: None,
            "needs 'note', which a send may leave out: give it a default",
            "(sender, *, order, note)",
        ),
        (
            lambda sender, *, tip, **extra: None,
            "needs 'tip', which is not in the payload",
            "(sender, *, tip, **extra)",
        ),
        (
            lambda order, **extra: None,
            "names its first parameter 'order', which the payload uses too",
            "(order, **extra)",
        ),
        (
            positional,
            "needs 'order' by position, and only the sender is passed so",
            "(order_sender: str, order: int, own: str = 'own', /, **payload: object)",
        ),
        (
            lambda sender, tip: None,
            f"needs 'tip', which is not in the payload, and it {TOO_NARROW}",
            "(sender, tip)",
        ),
        (
            partial(exact, "bound"),
            "takes no positional argument for the sender",
            "(*, order: int, note: str = 'none')",
        ),
    ],
)
def test_receivers_that_cannot_take_the_payload_are_refused(
    paid: Signal, receiver: Callable[..., Any], problem: str, signature: str
) -> None:
    """The error says what is missing, and shows both signatures."""
    with pytest.raises(ReceiverError) as caught:
        paid.connect(receiver, weak=False)
    with pytest.raises(ReceiverError) as temporary:
        paid.connected_to(receiver)

    who, _, said = str(caught.value).partition(" cannot be connected to signal 'paid'. ")
    assert who == "functools.partial object" or who.startswith(__name__)
    assert said == f"It {problem}.\n  The payload:  {PAYLOAD}\n  The receiver: {signature}"
    assert str(temporary.value) == str(caught.value)
    assert paid.connections == ()


def test_a_receiver_that_does_not_tell_what_it_takes_is_given_everything() -> None:
    """Some that are written in C have no signature to look at."""

    @Namespace().declare
    def counted(sender: list[object], *, order: int, note: str = "") -> None: ...

    untold: Any = dict
    counted.connect(untold, weak=False)

    assert counted.send([], order=3, note="x") == [(dict, {"order": 3, "note": "x"})]
    assert [it.takes_extra for it in counted.connections] == [True]


class Silent:
    """Fails when it is asked what it takes, as a proxy does that stands for nothing yet."""

    @property
    def __signature__(self) -> object:
        """What it takes."""
        raise RuntimeError

    def __call__(self, sender: object, **payload: object) -> object:
        """Return the payload."""
        return payload


def test_a_receiver_that_fails_to_tell_what_it_takes_is_given_everything(paid: Signal) -> None:
    """Whatever it raises: it is connected, and not called, so it cannot be its mistake."""
    silent = Silent()
    paid.connect(silent)
    [connection] = paid.connections

    assert connection.takes_extra
    assert paid.send("shop", order=1, note="n") == [(silent, {"order": 1, "note": "n"})]


def test_whoever_is_connected_before_the_declaration_is_looked_at_then() -> None:
    """One who is unfit keeps the signal from being declared; one who is not is spared."""
    shop = Namespace()
    by_name = shop.signal("paid")
    narrow = Till().narrow
    before = line()
    by_name.connect(narrow)
    by_name.connect(older)

    def paid(sender: str, *, order: int, note: str = "") -> None: ...

    with pytest.raises(ReceiverError) as caught:
        shop.declare(paid)

    assert str(caught.value) == (
        f"signal 'paid' cannot be declared at {__file__}:{paid.__code__.co_firstlineno}. "
        f"{__name__}.Till.narrow, connected at {__file__}:{before + 1}, could not take it. It "
        "does not take 'order': name what it uses, and add **extra.\n"
        f"  The payload:  {PAYLOAD}\n  The receiver: (sender: object)"
    )
    assert by_name.declaration is None

    by_name.disconnect(narrow)
    shop.declare(paid)

    assert by_name.send("shop", order=3, note="x") == [(older, ("shop", 3))]


def test_a_declaration_that_is_refused_spares_nobody_anything() -> None:
    """Who was looked at before the one who is unfit is given everything, as before."""
    shop = Namespace()
    by_name = shop.signal("paid")
    by_name.connect(older)
    narrow = Till().narrow
    by_name.connect(narrow)

    def paid(sender: str, *, order: int, note: str = "") -> None: ...

    with pytest.raises(ReceiverError, match="could not take it"):
        shop.declare(paid)
    by_name.disconnect(narrow)
    with pytest.raises(TypeError, match="unexpected keyword argument 'note'"):
        by_name.send("shop", order=3, note="x")

    assert by_name.send("shop", order=3) == [(older, ("shop", 3))]


def test_a_warning_that_is_an_error_declares_nothing() -> None:
    """Whoever turns deprecations into errors keeps the signal as it was."""
    shop = Namespace()
    by_name = shop.signal("paid", "Asked for.")
    by_name.connect(older)

    def paid(sender: str, *, order: int, note: str = "") -> None:
        """Declared."""

    with pytest.raises(DeprecationWarning, match="use settled"):
        shop.declare(deprecated="use settled")(paid)

    assert (by_name.declaration, by_name.__doc__) == (None, "Asked for.")
    with pytest.raises(TypeError, match="unexpected keyword argument 'note'"):
        by_name.send("shop", order=3, note="x")


def test_connections_tell_whether_their_receiver_takes_more(
    paid: Signal,
) -> None:
    """One without **extra would break if the payload grew by something that has to be sent."""
    dying = Till()
    paid.connect(exact)
    paid.connect(dying)
    paid.connect(Till.static)
    connections = paid.connections
    del dying
    gc.collect()

    assert [it.takes_extra for it in connections] == [False, False, True]
    assert [it.receiver for it in connections] == [exact, None, Till.static]


# --- deprecations ----------------------------------------------------------------------


def test_connecting_to_a_deprecated_signal_warns_at_the_place_of_the_receiver() -> None:
    """Once for each receiver, however many senders it is connected for; sending does not."""
    shop = Namespace("shop")

    @shop.declare(deprecated="use order_settled")
    def order_paid(sender: str, *, order: int) -> None: ...

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = line()
        order_paid.connect(older, "Berlin")
        order_paid.connect(older, "Hamburg")
        order_paid.send("Berlin", order=3)

    assert [(it.category, str(it.message), it.filename, it.lineno) for it in caught] == [
        (
            DeprecationWarning,
            f"{__name__}.older {DEPRECATED}",
            __file__,
            before + 1,
        )
    ]


class OfNoModule:
    """A receiver that does not tell which module it is of."""

    __module__ = None  # type: ignore[assignment]  # That is the point.

    def __call__(self, sender: object, **payload: object) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("receiver", "by_module"),
    [
        (Till.static, __name__),
        (partial(Till.static), __name__),
        (Till().narrow, __name__),
        (print, "builtins"),
        ([object()].append, __file__.removesuffix(".py")),
        (OfNoModule(), __file__.removesuffix(".py")),
    ],
    ids=lambda it: type(it).__name__,
)
def test_every_kind_of_receiver_is_warned_of_and_found_by_filters(
    receiver: Callable[..., Any], by_module: str
) -> None:
    """Filters find it by its module; one that has none, by the file that connects it."""
    shop = Namespace("shop")

    @shop.declare(deprecated="use order_settled")
    def order_paid(sender: str) -> None: ...

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", module=f"{re.escape(by_module)}$")
        order_paid.connect(receiver, weak=False)

    assert [it.filename for it in caught] == [__file__]


def test_whoever_takes_a_deprecated_argument_by_name_is_warned() -> None:
    """A receiver that takes it among the rest need not change."""
    shop = Namespace("shop")

    @shop.declare(deprecated_arguments={"total": "use order.total"})
    def order_paid(sender: str, *, order: int, total: int) -> None: ...

    def adds(sender: str, total: int, **extra: object) -> None: ...

    order_paid.connect(Till.static)
    with pytest.warns(DeprecationWarning, match="adds is connected") as caught:
        order_paid.connect(adds)

    [warning] = caught
    assert str(warning.message) == (
        f"{__name__}.{adds.__qualname__} is connected to signal 'order_paid' and takes 'total', "
        "which is deprecated: use order.total"
    )


def test_a_receiver_that_comes_again_and_again_is_warned_of_once() -> None:
    """Python's usual filter shows a warning once for each place, as it does for others."""
    shop = Namespace("shop")

    @shop.declare(deprecated="use order_settled")
    def order_paid(sender: str, *, order: int) -> None: ...

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            with order_paid.connected_to(older):
                order_paid.send("shop", order=3)

    assert len(caught) == 1


def test_a_warning_that_is_an_error_connects_nothing() -> None:
    """Whoever turns deprecations into errors is refused."""
    shop = Namespace("shop")

    @shop.declare(deprecated="use order_settled")
    def order_paid(sender: str, *, order: int) -> None: ...

    with pytest.raises(DeprecationWarning, match="use order_settled"):
        order_paid.connect(older)

    assert order_paid.connections == ()


# --- copies of one function ------------------------------------------------------------------


def copy_of(function: Any) -> Any:
    """Return another function of the same code, as a function around it would make."""
    made = FunctionType(function.__code__, function.__globals__, function.__name__)
    made.__defaults__ = function.__defaults__
    made.__kwdefaults__ = function.__kwdefaults__ and dict(function.__kwdefaults__)
    return made


@pytest.mark.parametrize("method", [False, True])
@pytest.mark.parametrize("temporary", [False, True])
def test_copies_of_a_function_are_given_what_the_first_one_is_given(
    paid: Signal, method: bool, temporary: bool
) -> None:
    """Each of them, also if its defaults are other ones."""
    kinds: list[Any] = [exact, older, positional_default]
    if method:
        kinds = [Till.__call__, Till.method]
    till = Till()
    copies = [copy_of(it) for it in kinds for _ in range(3)]
    receivers = [MethodType(it, till) if method else it for it in copies]
    with ExitStack() as stack:
        for it in receivers:
            if temporary:
                stack.enter_context(paid.connected_to(it))
            else:
                paid.connect(it)
        values = [value for _, value in paid.send("shop", order=3, note="x")]

    whole, spared, none = ("shop", 3, "x"), ("shop", 3), ("shop", 7, {"order": 3, "note": "x"})
    assert values == [it for it in (whole, spared, none)[: len(kinds)] for _ in range(3)]


def test_a_copy_with_other_defaults_is_looked_at_for_itself(paid: Signal) -> None:
    """It needs more, or other things."""

    def keyword(sender: str, *, order: int, own: int = 1, other: int = 2) -> None: ...

    def position(sender: str, order: int, own: int = 1) -> None: ...

    def sent(sender: str, *, order: int, own: int = 1) -> None: ...

    for it in (keyword, position, sent):
        paid.connect(it)
        paid.connect(copy_of(it), weak=False)
    changed = [copy_of(it) for it in (keyword, keyword, position, sent)]
    changed[0].__kwdefaults__ = {"other": 2}
    changed[1].__kwdefaults__ = {"order": 1, "other": 2}
    changed[2].__defaults__ = None
    changed[3].__kwdefaults__ = None
    for it in changed:
        for connect in (paid.connect, paid.connected_to):
            with pytest.raises(ReceiverError, match="needs 'own', which is not in the payload"):
                connect(it)

    assert len(paid.connections) == 6


def test_a_function_takes_more_by_itself_than_as_a_method(paid: Signal) -> None:
    """Its first parameter is the object then."""

    def receive(sender: str, order: int) -> None: ...

    paid.connect(receive)
    for _ in range(2):
        with pytest.raises(ReceiverError, match="names its first parameter 'order'"):
            paid.connect(MethodType(receive, Till()))


def test_what_a_decorator_says_of_a_copy_counts(paid: Signal) -> None:
    """It is no plain function then."""
    paid.connect(exact)
    copy = copy_of(exact)
    copy.__wrapped__ = Till.narrow

    with pytest.raises(ReceiverError, match=re.escape(TOO_NARROW)):
        paid.connect(copy)
    assert paid.receivers == (exact,)


def test_code_at_the_address_of_another_is_looked_at(paid: Signal) -> None:
    """The other one may be gone: nothing keeps the code of what was connected once."""

    def narrow(sender: str) -> None: ...

    declaration = paid.declaration
    assert declaration is not None
    paid.connect(exact)
    [known] = declaration._fitted.values()
    declaration._fitted[id(narrow.__code__)] = known

    with pytest.raises(ReceiverError, match=re.escape(TOO_NARROW)):
        paid.connect(narrow)


def test_no_more_is_noted_of_code_than_a_program_has(paid: Signal) -> None:
    """One that runs texts has more and more of it."""
    declaration = paid.declaration
    assert declaration is not None
    for _ in range(600):
        made: dict[str, Any] = {}
        exec("def receive(sender, **payload): ...", made)  # noqa: S102 - a text, as said above.
        paid.connect(made["receive"], weak=False)

    assert (len(paid.connections), len(declaration._fitted) <= 256) == (600, True)


def test_each_copy_is_warned_of() -> None:
    """Where something is deprecated, all receivers are looked at."""
    shop = Namespace("shop")

    @shop.declare(deprecated="use order_settled")
    def order_paid(sender: str, *, order: int) -> None: ...

    copies = [copy_of(older) for _ in range(3)]
    with pytest.warns(DeprecationWarning, match="use order_settled") as caught:
        _ = [order_paid.connect(it) for it in copies]

    assert len(caught) == 3


def test_what_fits_one_declaration_may_not_fit_the_next() -> None:
    """An edited module may declare more, and then nobody slips through who was known before."""
    shop = Namespace("shop")
    text = "@shop.declare\ndef paid(sender, *, order{more}): ..."
    exec(text.format(more=""), {"shop": shop, "__name__": "edited"})  # noqa: S102 - an edited text.
    paid = shop.signal("paid")

    def older(sender: object, *, order: int) -> None: ...

    for _ in range(2):
        with paid.connected_to(copy_of(older)):
            assert len(paid.connections) == 1
    exec(text.format(more=", price"), {"shop": shop, "__name__": "edited"})  # noqa: S102 - edited.

    with pytest.raises(ReceiverError, match="does not take 'price'"):
        paid.connect(copy_of(older))


# --- declared while receivers are connected --------------------------------------------------


def test_a_receiver_that_is_connected_while_its_signal_is_declared_has_to_fit() -> None:
    """It was found to be fit before there was a declaration."""
    shop = Namespace("shop")
    signal = shop.signal("paid")
    made: list[object] = []

    class Meddling:
        def __getattr__(self, name: str) -> str:
            if name == "__qualname__" and not made:

                @shop.declare
                def paid(sender: str, *, order: int) -> None: ...

                made.append(paid)
            raise AttributeError

        def __call__(self, sender: object) -> None:
            """Take no payload."""

    receiver = Meddling()
    with pytest.raises(ReceiverError, match="does not take 'order'"):
        signal.connect(receiver)

    assert (made, signal.receivers) == ([signal], ())


@fast_switching()
def test_no_receiver_slips_in_while_a_signal_is_declared() -> None:
    """Of connecting and declaring, whatever comes second is refused."""
    both: list[int] = []
    for number in range(300):
        shop = Namespace("shop")
        signal = shop.signal("paid")
        barrier = threading.Barrier(2)
        refused: list[Exception] = []

        def narrow(sender: object) -> None: ...

        def declare(
            shop: Namespace = shop,
            barrier: threading.Barrier = barrier,
            refused: list[Exception] = refused,
        ) -> None:
            def paid(sender: str, *, order: int) -> None: ...

            barrier.wait()
            try:
                shop.declare(paid)
            except ReceiverError as error:
                refused.append(error)

        thread = threading.Thread(target=declare)
        thread.start()
        barrier.wait()
        try:
            signal.connect(narrow)
        except ReceiverError as error:
            refused.append(error)
        thread.join()
        if len(refused) != 1:
            both.append(number)

    assert both == []


def test_a_declaration_that_is_interrupted_declares_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A signal handler may raise in the middle of it, between the signals of a span."""
    shop = Namespace("shop")
    set_declaration = admission.set_declaration
    calls: list[object] = []

    def interrupted(registry: Registry, declaration: Any, omitted: Any) -> None:
        calls.append(declaration)
        if len(calls) == 2:
            raise KeyboardInterrupt
        set_declaration(registry, declaration, omitted)

    def resize(sender: str, *, path: str) -> None: ...

    signals = [shop.signal(f"resize.{word}") for word in ("started", "finished", "failed")]
    monkeypatch.setattr(admission, "set_declaration", interrupted)
    with pytest.raises(KeyboardInterrupt):
        shop.span(resize)

    assert [it.declaration for it in signals] == [None] * 3
    assert signals[0].send("Berlin") == []
