"""What things are called, where they are and how it went, whatever they claim and however odd."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from functools import partial
from inspect import Parameter, isclass, signature
from operator import itemgetter
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
import wrapt

from heliograph import (
    ANY,
    Emission,
    Namespace,
    Signal,
    add_instrument,
    describe,
    remove_instrument,
)
from heliograph.core.source import Callers
from heliograph.describe import (
    calling_location,
    describe_callable,
    describe_duration,
    describe_error,
    describe_outcome,
    describe_sender,
    emission_tree,
    full_repr,
    label_of,
    location_of,
    name_of,
    portable_location,
    relative_location,
    short_repr,
    title_of,
)
from tests.core.watching import watching

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph.describe import EmissionNode

HERE = __file__
PAGE = Path(__file__).parents[2].joinpath("docs", "reference.md").read_text(encoding="utf-8")


def line_of(function: Any) -> int:
    """Return the line of the first decorator of a function, or of its `def`."""
    return int(function.__code__.co_firstlineno)


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

    def __repr__(self) -> str:
        raise RuntimeError


class Lazy(ModuleType):
    """A module that runs as soon as it is asked for an attribute."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError


class MuteError(Exception):
    """Fails to say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


def endless_partial() -> Callable[..., Any]:
    """Return a partial of itself."""
    call: partial[Any] = partial(Shop())
    state: Any = call
    state.__setstate__((call, (), {}, {}))
    return call


# --- names -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (Shop, f"{__name__}.Shop object"),
        (lambda: Shop().plain, f"{__name__}.Shop.plain"),
        (lambda: partial(partial(Shop().plain)), f"{__name__}.Shop.plain"),
        (lambda: Shop().decorated, f"{__name__}.Shop.decorated"),
        (lambda: Shop, f"{__name__}.Shop"),
        (Unbound, f"{__name__}.Unbound object"),
        (lambda: itemgetter("a"), "operator.itemgetter object"),
        (lambda: mock.MagicMock(spec=Shop().plain), "unittest.mock.MagicMock object"),
        (endless_partial, "functools.partial object"),
    ],
)
def test_a_receiver_has_one_name(make: Callable[[], Any], name: str) -> None:
    """That of the function behind partials and decorators; that of its class if it has none."""
    receiver = make()

    assert name_of(receiver) == describe_callable(receiver) == name


def test_what_is_not_callable_is_shown_where_a_callable_was_expected() -> None:
    """Its repr says more than the name of its class, and may be long."""
    assert describe_callable("x" * 100) == "'" + "x" * 47 + " … " + "x" * 11 + "'"


SHELF = Signal()


def test_a_signal_without_a_name_is_called_by_the_variable_that_holds_it() -> None:
    """In lists and tables; a sentence says that it has no name."""
    loose = Signal()

    assert [label_of(it) for it in (Signal("a b"), SHELF, loose)] == [
        "a b",
        f"{__name__}.SHELF",
        "a signal without a name",
    ]
    assert label_of(Signal("a"), quoted=True) == "'a'"
    assert [title_of(it) for it in (Signal("a"), SHELF, Unbound())] == [
        "signal 'a'",
        *["a signal without a name"] * 2,
    ]


def test_modules_that_are_none_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs put all kinds of objects among the modules: None, and some that load when asked."""
    monkeypatch.setitem(sys.modules, "heliograph_none", None)
    monkeypatch.setitem(sys.modules, "heliograph_odd", Unbound())
    monkeypatch.setitem(sys.modules, "heliograph_lazy", lazy := Lazy("heliograph_lazy"))

    assert label_of(Signal()) == "a signal without a name"
    assert describe_sender(lazy) == "heliograph_lazy"


def test_senders_are_described_by_kind() -> None:
    """Their reprs may hold secrets, or fail; names of code do not."""
    senders = [None, ANY, "secret", 7, True, sys, Shop, line_of, Unbound(), type("", (), {})()]

    assert [describe_sender(it) for it in senders] == [
        "None",
        "ANY",
        "a str",
        "an int",
        "a bool",
        "sys",
        f"{__name__}.Shop",
        f"{__name__}.line_of",
        "a Unbound",
        "a ",
    ]
    assert [describe_sender(it, value=True) for it in senders[2:5]] == ["'secret'", "7", "a bool"]


# --- places ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "function"),
    [
        (Shop, Shop.__call__),
        (lambda: Shop().plain, Shop.plain),
        (lambda: partial(partial(Shop().plain)), Shop.plain),
        (lambda: Shop().decorated, vars(Shop)["decorated"].__wrapped__),
        (Unbound, Shop.__call__),
        (lambda: line_of.__code__, line_of),
    ],
)
def test_a_receiver_is_where_its_lines_are(make: Callable[[], Any], function: Any) -> None:
    """Behind partials, methods and decorators; an object is where its `__call__` is."""
    assert location_of(make()) == f"{HERE}:{line_of(function)}"


@pytest.mark.parametrize(
    "thing",
    [None, 7, print, int, itemgetter("a"), mock.MagicMock(), ValueError(), Signal("a")],
)
def test_what_is_nowhere_has_no_location(thing: object) -> None:
    """What is built in, was not declared, or has not been raised."""
    location = location_of(thing)

    assert location is None or location.startswith(mock.__file__)


def test_looking_for_a_function_comes_to_an_end() -> None:
    """A partial of itself is a built-in object."""
    assert location_of(endless_partial()) is None


def test_values_of_the_engine_are_where_they_were_made() -> None:
    """A connection and a dead receiver by the line that connected, a signal by its declaration."""
    line, shop = line_of(test_values_of_the_engine_are_where_they_were_made), Namespace()

    @shop.declare
    def paid(sender: object) -> None: ...

    paid.connect(lambda sender: None, weak=False)
    [connection] = paid.connections
    paid.connect(dying := partial(int))
    del dying
    [dead] = paid.dead_receivers

    assert location_of(connection) == connection.location == f"{HERE}:{line + 7}"
    assert location_of(dead) == f"{HERE}:{line + 9}"
    assert location_of(paid) == location_of(paid.declaration) == f"{HERE}:{line + 4}"


def raised(function: Callable[[], object]) -> BaseException:
    """Return what a call raises."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - whatever it is.
        function()
    return caught.value


def test_an_error_is_where_the_user_can_change_something() -> None:
    """The last line that is neither Python's nor an installed package's; or the last one."""

    def read() -> None:
        re.compile("(")

    assert location_of(raised(read)) == f"{HERE}:{line_of(read) + 1}"
    assert str(location_of(raised(lambda: exec("1 / 0", {})))).startswith(f"{HERE}:")  # noqa: S102 - one of ours.


def test_an_error_without_the_users_lines_is_where_it_was_raised() -> None:
    """As in a traceback that a library has cut."""
    error = raised(lambda: re.compile("("))
    while error.__traceback__ is not None and error.__traceback__.tb_next is not None:
        error.__traceback__ = error.__traceback__.tb_next

    assert str(location_of(error)).startswith(os.path.dirname(re.__file__))  # noqa: PTH120 - text.


def test_a_syntax_error_is_where_it_is_written(tmp_path: Path) -> None:
    """And not where the file is imported; of text that is in no file nothing is known."""
    file = tmp_path / "broken.py"
    file.write_text("\nif\n", encoding="utf-8")
    in_file = raised(lambda: compile(file.read_text(encoding="utf-8"), str(file), "exec"))
    in_text = raised(lambda: compile("if", "<text>", "exec"))

    assert location_of(in_file) == f"{file}:2"
    assert str(location_of(in_text)).startswith(f"{HERE}:")


def test_locations_are_relative_to_a_folder_or_to_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one would write them there; what is elsewhere keeps its whole path."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    place = f"{tmp_path / 'shop' / 'app.py'}:12"
    below = os.path.join("shop", "app.py:12")  # noqa: PTH118 - text.

    assert relative_location(place) == relative_location(place, str(tmp_path)) == below
    assert relative_location(place, "shop") == "app.py:12"
    assert relative_location(place, "~") == os.path.join("~", below)  # noqa: PTH118 - likewise.
    assert relative_location(place, str(tmp_path / "sho")) == place
    assert relative_location("<string>:1") == "<string>:1"
    assert portable_location(place) == "shop/app.py:12"
    assert portable_location("<string>:1") == "<string>:1"
    assert portable_location(f"{re.__file__}:1").startswith("re")


def test_a_folder_that_was_removed_shortens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages do without, and do not fail."""

    def removed() -> str:
        raise FileNotFoundError

    monkeypatch.setattr(os, "getcwd", removed)

    assert relative_location("/srv/shop.py:1") == "/srv/shop.py:1"


def test_an_instrument_learns_which_line_sends() -> None:
    """The first that is neither the engine's nor in a module that does not count."""
    places: list[str | None] = []

    class Watcher:
        def on_start(self, emission: Emission) -> None:
            places.append(calling_location(__name__))

        def __call__(self, emission: Emission) -> None: ...

    add_instrument(watcher := Watcher())
    program = compile("\npaid.send()", "shop.py", "exec")
    exec(program, {"__name__": "shop", "paid": Signal("paid")})  # noqa: S102 - one of ours.
    remove_instrument(watcher)

    assert places == ["shop.py:2"]
    assert calling_location() == f"{HERE}:{sys._getframe().f_lineno}"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("heliograph.inside", "shop"), "shop.py:1"),
        (("heliographs", "shop"), "heliographs.py:1"),
        (("heliograph.inside", "asyncio.inside"), None),
        (("heliograph.inside", "heliograph.deeper", None), "None.py:1"),
        (("heliograph.inside", 7), "7.py:1"),
    ],
)
def test_who_calls_is_found_by_the_names_of_modules(
    names: tuple[object, ...], found: str | None
) -> None:
    """Of the innermost that is not the engine's; what is known of a line is found again."""

    def ask() -> str | None:
        return Callers.location(__name__)

    places: list[object] = []
    for inner in (ask, Callers.location, Callers.location):
        call: Any = inner
        for name in names:
            scope = {"call": call} if name is None else {"call": call, "__name__": name}
            code = compile("call = lambda call=call: call()", f"{name}.py", "exec")
            exec(code, scope)  # noqa: S102 - one of ours.
            call = scope["call"]
        places.append(call())

    assert places == [found] * 3


def test_who_calls_is_asked_without_keywords() -> None:
    """Also where the line is known."""

    def ask(**keywords: object) -> str | None:
        return Callers.location(**keywords)

    assert ask() == ask()
    with pytest.raises(TypeError, match="skipped"):
        ask(skipped=__name__)


async def test_a_task_that_only_sends_has_no_line() -> None:
    """Who made it is not known any more."""
    places: list[str | None] = []

    class Watcher:
        def on_start(self, emission: Emission) -> None:
            places.append(calling_location(__name__))

        def __call__(self, emission: Emission) -> None: ...

    add_instrument(watcher := Watcher())
    await asyncio.create_task(Signal("paid").send_async())
    remove_instrument(watcher)

    assert places == [None]


# --- what came of a send ---------------------------------------------------------------


def test_an_error_is_told_on_one_line() -> None:
    """Also one of several lines, one without words, and one that fails to say anything."""
    errors = [ValueError("no"), ValueError("a\nb"), KeyError("key"), OSError(), MuteError()]

    assert [describe_error(it) for it in errors] == [
        "ValueError: no",
        "ValueError: a b",
        "KeyError: 'key'",
        "OSError",
        "MuteError whose message cannot be shown",
    ]


def test_an_outcome_never_shows_a_value() -> None:
    """What a receiver returned may be a secret; what it raised was meant to be read."""
    paid = Signal("paid")

    def fail(sender: object) -> None:
        msg = "no"
        raise ValueError(msg)

    paid.connect(lambda sender: "secret", weak=False)
    paid.connect(fail, on_error="log")
    paid.connect(partial(fail), weak=False)
    with watching() as seen, pytest.raises(ValueError, match="no"):
        paid.send()

    deliveries = seen[0].deliveries
    assert [describe_outcome(it) for it in deliveries] == [
        "delivered",
        "logged ValueError: no",
        "raised ValueError: no",
    ]
    assert describe_outcome(deliveries[1], message=False) == "logged ValueError"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (-90, "-1 min 30 s"),
        (float("inf"), "inf s"),
        (float("nan"), "nan s"),
        (4e-10, "0.40 ns"),
        (1.2e-7, "120 ns"),
        (1.234e-6, "1.23 µs"),
        (12.34e-6, "12.3 µs"),
        (0.1234, "123 ms"),
        (-0.5, "-500 ms"),
        (0.9994, "999 ms"),
        (0.9999, "1.00 s"),
        (59.94, "59.9 s"),
        (59.999, "1 min 0 s"),
        (60, "1 min 0 s"),
        (4000, "66 min 40 s"),
    ],
)
def test_durations_have_units(seconds: float, text: str) -> None:
    """Three digits, as more are noise, and the unit that they fit."""
    assert describe_duration(seconds) == text


# --- values ----------------------------------------------------------------------------


def test_values_are_shown_whole_or_short_and_never_fail() -> None:
    """Code is shown with its line, as its repr has an address."""
    here = relative_location(HERE)
    values = [12, Shop, line_of, partial(line_of, 1), endless_partial(), Unbound()]

    assert [full_repr(it) for it in values] == [
        "12",
        "Shop",
        f"line_of at {here}:{line_of(line_of)}",
        f"partial of line_of at {here}:{line_of(line_of)}",
        repr(values[4]),
        "<Unbound whose repr raises RuntimeError>",
    ]
    assert short_repr("x" * 70) == repr("x" * 70)
    assert short_repr("x" * 71) == "'" + "x" * 47 + " … " + "x" * 11 + "'"


# --- emissions as a tree ---------------------------------------------------------------


def drawn(nodes: list[EmissionNode]) -> list[Any]:
    """Return names of signals, with what each receiver sent, and what was sent besides."""

    def each(node: EmissionNode) -> list[Any]:
        return [label_of(node.emission.signal), *[drawn(inner) for _, inner in node.deliveries()]]

    return [[*each(it), *([drawn(it.unfinished())] if it.unfinished() else [])] for it in nodes]


def test_emissions_stand_below_the_receiver_that_sent_them() -> None:
    """Whether they are given in the order of their starts or of their ends."""
    paid, packed, sent = Signal("paid"), Signal("packed"), Signal("sent")
    paid.connect(lambda sender: None, weak=False)
    paid.connect(lambda sender: [packed.send(), packed.send()], weak=False)
    packed.connect(lambda sender: sent.send(), weak=False)
    with watching() as seen:
        paid.send()
        sent.send()

    packing: list[Any] = ["packed", [["sent"]]]
    assert drawn(emission_tree(seen)) == [["paid", [], [packing, packing]], ["sent"]]
    assert repr(emission_tree(seen)[0]) == "<EmissionNode of signal 'paid': 2 emissions inside>"


def test_what_was_sent_by_a_receiver_at_work_stands_beside_the_deliveries() -> None:
    """Its delivery is not known yet; and a parent that is not given is none."""
    paid, packed = Signal("paid"), Signal("packed")
    trees: list[Any] = []
    begun: list[Emission] = []

    class Watcher:
        def on_start(self, emission: Emission) -> None:
            begun.append(emission)

        def __call__(self, emission: Emission) -> None: ...

    def pack(sender: object) -> None:
        packed.send()
        trees.append(drawn(emission_tree(begun)))
        trees.append(drawn(emission_tree(begun[1:])))

    add_instrument(watcher := Watcher())
    paid.connect(pack)
    paid.send()
    remove_instrument(watcher)

    assert trees == [[["paid", [["packed"]]]], [["packed"]]]


# --- the page --------------------------------------------------------------------------


def test_every_function_is_on_the_reference_page() -> None:
    """By its signature, and nothing that is not there."""
    section = PAGE.partition("\n## `heliograph.describe`\n")[2].partition("\n## ")[0]

    def written(call: Any) -> str:
        parts = [
            it.replace(annotation=Parameter.empty) for it in signature(call).parameters.values()
        ]
        text = str(signature(call).replace(parameters=parts, return_annotation=Parameter.empty))
        return str(call.__name__ + text).replace("'", '"')

    calls = [getattr(describe, name) for name in describe.__all__]
    rows = re.findall(r"^\| `(.+?)` \|", section, re.MULTILINE)

    assert sorted(rows) == sorted(it.__name__ if isclass(it) else written(it) for it in calls)
    assert set(describe.__all__) == {it for it in dir(describe) if it[0] != "_"}
