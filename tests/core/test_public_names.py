"""The front door: which names are public, that all are documented, and what importing costs."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import heliograph
from heliograph import Signal, blinker, describe, testing
from tests.implementations import in_use

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

PUBLIC = [
    "ANY",
    "ArgumentError",
    "AsyncReceiverError",
    "Connection",
    "Declaration",
    "Delivery",
    "Emission",
    "LostEmissionsError",
    "Namespace",
    "ReceiverError",
    "ReceiverWarning",
    "Signal",
    "SignalError",
    "Span",
    "StateError",
    "Stream",
    "UnknownSignalError",
    "add_instrument",
    "default_namespace",
    "implementation",
    "remove_instrument",
    "signal",
]

ENGINE = [
    "accelerate",
    "callables",
    "claims",
    "connected",
    "connecting",
    "connections",
    "connections.blocks",
    "connections.connection",
    "connections.dead",
    "connections.finding",
    "connections.group",
    "lock",
    "connections.live",
    "connections.options",
    "connections.plain",
    "connections.receivers",
    "connections.registry",
    "connections.repair",
    "connections.repeated",
    "connections.scopes",
    "connections.state",
    "connections.shrinking",
    "copying",
    "describe",
    "development",
    "errors",
    "failures",
    "identity",
    "mistakes",
    "observing",
    "observing.nesting",
    "observing.wishes",
    "sending",
    "sending.awaiting",
    "sending.delivering",
    "sending.checks",
    "sending.lookup",
    "sending.outcome",
    "sending.slow_path",
    "sending.special",
    "sending.turns",
    "sending.unfinished",
    "sending.snapshot",
    "showing",
    "signal",
    "source",
    "timings",
    "waitable",
]

# Loaded by those who watch sends: all of it at once, so that no send has to load it.
WATCHING = [
    "instrumenting",
    "observing.emission",
    "observing.telling",
    "observing.watching",
    "sending.watched",
    "sending.watched_outcome",
]

# Loaded by those who make signals by name.
NAMING = ["declares", "names", "namespace"]

# Loaded by those who declare signals, or ask for what is seldom asked for.
ON_DEMAND = [
    "sending.arrivals",
    "sending.postponed",
    "connections.keywords",
    "connections.reviving",
    "_types",
    "declared",
    "declared.admission",
    "declared.checking",
    "declared.compatibility",
    "declared.declaration",
    "declared.mismatches",
    "declared.origins",
    "declared.parsing",
    "declared.runtime_types",
    "declared.signatures",
    "declared.stubs",
    "declared.taken",
    "importable",
    "locations",
    "observing.tree",
    "patterns",
    "sending.hearing",
    "spans",
    "spans.factory",
    "spans.kind",
    "spans.noop",
    "spans.span",
    "streams",
    "streams.blocking",
    "streams.inbox",
    "streams.stream",
    "streams.upcoming",
    "streams.wanted",
]

# What the engine's files name at their tops. What these load in turn is the interpreter's affair,
# and another in each version.
NAMED = [
    "__future__",
    "_thread",
    "collections",
    "collections.abc",
    "contextvars",
    "functools",
    "gc",
    "operator",
    "os",
    "sys",
    "time",
    "types",
    "weakref",
]

COSTLY = {
    "asyncio",
    "dataclasses",
    "importlib.metadata",
    "inspect",
    "logging",
    "re",
    "threading",
    "typing",
    "unittest.mock",
    "warnings",
}


def path_of(name: str) -> str:
    """Return the file of a package; in this process another one may stand in for it."""
    program = (
        "from importlib.util import find_spec\n"
        f"spec = find_spec({name!r})\n"
        "print('' if spec is None else spec.origin)"
    )
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    if not found:
        pytest.skip(f"{name} is not installed.")
    return found


def modules_of(*names: str) -> set[str]:
    """Return the modules that importing *names* loads in a fresh and bare interpreter."""
    folders = [str(Path(path_of(name)).parent.parent) for name in names if name not in NAMED]
    program = (
        f"import sys; sys.path[:0] = {folders!r}; before = set(sys.modules)\n"
        f"import {', '.join(names)}\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    command = [sys.executable, "-I", "-S", "-E", "-c", program]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return set(output.split())


def test_the_public_names_are_these() -> None:
    """A new one is a decision: what users import, annotate and catch, and no more."""
    assert heliograph.__all__ == PUBLIC
    assert [name for name in PUBLIC if not hasattr(heliograph, name)] == []


def documented() -> Iterator[tuple[str, object]]:
    """Give everything public that can have a docstring of its own, by its name."""
    for name in PUBLIC:
        thing = getattr(heliograph, name)
        if not callable(thing):
            continue
        yield name, thing
        if inspect.isclass(thing):
            for member, value in vars(thing).items():
                if not member.startswith("_") and (callable(value) or hasattr(value, "__get__")):
                    yield f"{name}.{member}", value


def test_everything_public_has_a_docstring() -> None:
    """Each name, and each method and property of a public class, but plain attributes in slots."""
    missing = [
        name
        for name, thing in documented()
        if not inspect.ismemberdescriptor(thing) and not inspect.getdoc(thing)
    ]

    assert missing == []


def test_every_module_of_the_engine_opens_with_one_sentence() -> None:
    """A file has a door, and a sentence on it."""
    core = Path(heliograph.__file__).parent / "core"
    paths = [path.relative_to(core).with_suffix("") for path in core.rglob("*.py")]
    modules = {".".join(path.parts).removesuffix("__init__").strip(".") for path in paths}
    names = sorted(modules - {""})
    sentences = [import_module(f"heliograph.core.{name}").__doc__ or "" for name in names]

    assert names == sorted(ENGINE + WATCHING + NAMING + ON_DEMAND)
    assert [text for text in sentences if "\n" in text or not text.endswith(".")] == []


def test_importing_loads_exactly_these_modules() -> None:
    """What an import loads is the same everywhere, while its time is not."""
    assert modules_of("heliograph") == {
        "heliograph",
        "heliograph.core",
        *(f"heliograph.core.{name}" for name in ENGINE),
        *(["heliograph.core.sending._dispatch"] if in_use() == "c" else []),
        *modules_of(*NAMED),
    }


def test_importing_loads_nothing_costly() -> None:
    """Each of these costs more to import than the whole engine."""
    assert modules_of("heliograph") & COSTLY == set()


def test_importing_loads_less_of_the_standard_library_than_blinker() -> None:
    """Whoever changes from Blinker starts faster: the files of either are small beside it."""
    ours = {it for it in modules_of("heliograph") if not it.startswith("heliograph")}
    others = {it for it in modules_of("blinker") if not it.startswith("blinker")}

    assert len(ours) < len(others)


def test_a_name_that_is_not_there_is_told_of_as_anywhere() -> None:
    """Some names are loaded on demand, others are not there."""
    with pytest.raises(AttributeError, match="module 'heliograph' has no attribute 'Singal'"):
        heliograph.Singal  # type: ignore[attr-defined]  # noqa: B018 - what is missing.
    with pytest.raises(ImportError, match=r"^cannot import name 'Singal' from 'heliograph' "):
        from heliograph import Singal  # type: ignore[attr-defined]  # noqa: F401 - likewise.


@pytest.mark.parametrize("wing", [blinker, describe, testing], ids=lambda it: it.__name__)
def test_a_name_that_a_wing_has_is_told_of_with_the_wing(wing: ModuleType) -> None:
    """Whoever asks the front door for it, as an attribute or in an import statement."""
    names = [name for name in dir(wing) if name[0] != "_" and name not in PUBLIC]
    imported, asked = [], []
    for name in names:
        assert not hasattr(heliograph, name)
        with pytest.raises(AttributeError) as caught:
            getattr(heliograph, name)
        asked.append(str(caught.value))
        with pytest.raises(ImportError) as refused:
            exec(f"from heliograph import {name}", {})  # noqa: S102 - one of ours.
        imported.append(str(refused.value))

    where = wing.__name__
    hints = [f"It is in {where}: `from {where} import {name}`." for name in names]
    assert asked == [
        f"module 'heliograph' has no attribute {name!r}. {hint}"
        for name, hint in zip(names, hints, strict=True)
    ]
    assert imported == [
        f"cannot import name {name!r} from 'heliograph'. {hint}"
        for name, hint in zip(names, hints, strict=True)
    ]


def test_the_docstring_says_what_the_package_is() -> None:
    """It is the first thing that `help` shows; pytest's word is in it, and comes last."""
    paragraphs = (heliograph.__doc__ or "").strip().split("\n\n")

    assert [it for it in paragraphs if "PYTEST_DONT_REWRITE" in it] == paragraphs[-1:]
    assert len(paragraphs) > 2


def test_connecting_and_sending_load_nothing_more() -> None:
    """Only unusual receivers and failures pay for what they need."""
    program = (
        "import sys, json, heliograph; before = set(sys.modules)\n"
        "signal = heliograph.Signal('paid')\n"
        "def receiver(sender, **payload): pass\n"
        "signal.connect(receiver)\n"
        "with signal.connected_to(receiver, 'shop', local=True), signal.muted(): pass\n"
        "signal.send('shop', total=12)\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    command = [sys.executable, "-c", program]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert json.loads(output) == []


def test_the_first_instrument_loads_all_that_watches() -> None:
    """No send loads any of it, as that may be a finalizer's, or one while the interpreter exits."""
    program = """
import sys, json, heliograph
from heliograph import Signal
before = set(sys.modules)

class Watch:
    def __call__(self, emission): emission.deliveries
    def on_start(self, emission): pass
    def on_connect(self, signal, connection, previous): pass
    def on_disconnect(self, signal, connection): pass

watch = Watch()
heliograph.add_instrument(watch)
print(json.dumps(sorted(set(sys.modules) - before)))
before = set(sys.modules)

def plain(sender, **payload): pass
def failing(sender, **payload): raise ValueError
async def awaited(sender, **payload): pass

signal = Signal('paid')
for receiver in (failing, plain, awaited):
    signal.connect(receiver)
    try:
        signal.send('shop', _async_wrapper=lambda it: plain)
    except ValueError:
        pass
    try:
        signal.send_async('shop').send(None)
    except (StopIteration, ValueError):
        pass
with signal.muted():
    signal.send('shop')
signal.disconnect(failing)
heliograph.remove_instrument(watch)
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    command = [sys.executable, "-c", program]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    added, sent = map(json.loads, output.splitlines())

    assert (added, sent) == ([f"heliograph.core.{name}" for name in WATCHING], [])


def test_what_watches_is_loaded_even_if_that_is_interrupted() -> None:
    """A signal handler may raise anywhere in it; the next program that asks loads the rest."""
    program = """
import heliograph, sys

def interrupted(lines):
    def trace(frame, event, arg):
        nonlocal lines
        if "heliograph" not in frame.f_code.co_filename:
            return None
        lines -= 1
        if not lines:
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        heliograph.add_instrument
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)

times = 1
while interrupted(times):
    times += 1
assert times > 50
seen = []
heliograph.add_instrument(lambda emission: seen.append(len(emission.deliveries)))
signal = heliograph.Signal("paid")
signal.connect(lambda sender: None, weak=False)
signal.send("shop"), signal.send("kiosk")
print(seen)
"""
    command = [sys.executable, "-c", program]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert output == "[1, 1]\n"


def test_what_watches_does_so_until_the_interpreter_has_gone() -> None:
    """A finalizer that runs when modules are gone already may send, and its receivers may fail."""
    program = """
import heliograph, sys

class Shop:
    signal = heliograph.Signal('paid')
    seen = []
    heliograph.add_instrument(lambda emission, seen=seen: seen.append(len(emission.deliveries)))

    def __del__(self):
        for it in [name for name in sys.modules if name.startswith('heliograph')]:
            del sys.modules[it]
        sys.meta_path = None
        try:
            self.signal.send('shop')
        except ValueError as error:
            print(self.seen, error, flush=True)

@Shop.signal.connect
def failing(sender, at=[1], **payload): raise ValueError('failed')
@Shop.signal.connect
def plain(sender, **payload): pass

shop = Shop()
del shop
"""
    command = [sys.executable, "-c", program]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert output == "[2] failed\n"


def test_a_name_that_is_loaded_on_demand_is_one_object_for_all_who_ask() -> None:
    """However many threads ask first; then it is a variable of the front door as any other."""
    program = """
import heliograph
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

names = [name for name in heliograph.__all__ if name not in vars(heliograph)]
for name in names:
    together = Barrier(8)
    def ask(_):
        together.wait()
        return id(getattr(heliograph, name))
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {id(vars(heliograph)[name])}
print(*names)
"""
    command = [sys.executable, "-c", program]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert output.split() == [
        *("Declaration", "Delivery", "Emission", "Namespace", "Span", "Stream"),
        *("add_instrument", "default_namespace", "remove_instrument", "signal"),
    ]


def test_making_signals_by_name_loads_no_more_than_that() -> None:
    """The first one asks whether programs are being developed, which loads no wing."""
    program = (
        "import sys, json, heliograph; before = set(sys.modules)\n"
        "heliograph.signal('paid'), heliograph.Namespace('shop')\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    command = [sys.executable, "-c", program]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    named = [f"heliograph.core.{name}" for name in NAMING]
    assert json.loads(output) == [*named, "heliograph.debug_modes"]


def test_signal_can_be_subscripted_when_the_program_runs() -> None:
    """Annotations and base classes name what a signal carries, and mean nothing then."""

    class Sub(Signal[...]):
        """A class that type checkers know more of."""

    assert str(Signal[...]) == "heliograph.core.signal.Signal[...]"
    assert (Sub("paid").send("shop"), Sub.__mro__[1]) == ([], Signal)
