"""A world in which a program runs: it keeps who takes part, and writes down all that happens."""

from __future__ import annotations

import gc
from contextvars import Context
from functools import partial
from inspect import iscoroutine
from logging import Handler, LogRecord, getLogger
from types import MethodType
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

import heliograph
from heliograph import Emission, Signal
from tests.core import plain_list
from tests.core.kinds import KEPT, OBJECTS, VALUES, identity
from tests.core.plain_list import ListSignal, name_of
from tests.core.programs import (
    WAYS,
    Close,
    Connect,
    Disconnect,
    Forget,
    Mute,
    Open,
    Override,
    Reopen,
    Send,
    Tell,
    Watch,
)
from tests.core.proxies import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable, Iterator

    from heliograph import Delivery
    from tests.core.programs import Action, End, Program, Which

Line = tuple[object, ...]


class FailureError(Exception):
    """What receivers raise here."""


class Leave(BaseException):
    """What leaves a send at once."""


class AsyncCallable:
    """Receives by being called, and has to be awaited."""

    def __init__(self, label: str, turn: Callable[..., str]) -> None:
        self.label = label
        self.turn = turn

    async def __call__(self, sender: object, **payload: object) -> str:
        """Receive."""
        return self.turn(self.label, sender, **payload)


def coroutine_function(label: str, turn: Callable[..., str]) -> Any:
    """Make a coroutine function that receives."""

    async def receive(sender: object, **payload: object) -> str:
        return turn(label, sender, **payload)

    receive.__name__ = label
    return receive


_MAKERS: dict[str, Callable[[str, Callable[..., str]], Any]] = {
    **KEPT,
    "coroutine function": coroutine_function,
    "async callable": AsyncCallable,
}


def run_at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError


class World(Handler):
    """Two signals of one class, all who send and receive, and the lines that say what happened."""

    def __init__(self, kind: type[Signal | ListSignal] = Signal) -> None:
        super().__init__()
        self.signals: dict[Which, Any] = {"signal": kind("a signal"), "echo": kind("an echo")}
        self.seam: Any = plain_list if kind is ListSignal else heliograph
        self.lines: list[Line] = []
        self.kept: dict[str, Any] = {}
        self.seen: dict[str, ref[Any]] = {}
        self.scripts: dict[str, list[Tell]] = {}
        self.blocks: list[Any] = []
        self.old_error = FailureError("old")

    def run(self, program: Program) -> list[Line]:
        """Do all that a program says; returns what happened."""
        logger = getLogger("heliograph")
        logger.addHandler(self)
        logger.propagate = False
        gc.disable()  # It would let go of things now in one world, and then in the other.
        try:
            Context().run(self._run, program)
        finally:
            gc.enable()
            self.seam.remove_instrument(self.tell)
            logger.propagate = True
            logger.removeHandler(self)
        return self.lines

    def _run(self, program: Program) -> None:
        for action in program:
            try:
                self.perform(action)
            except (Exception, Leave) as error:  # noqa: BLE001 - whatever it is, it is written down.
                self.lines.append(("raised", described(error)))
            # Where it was raised last would keep alive whoever is named there.
            self.old_error.__traceback__ = self.old_error.__context__ = None
            self.lines += self._state()
            self.lines += Context().run(list, self._state())

    def perform(self, action: Action) -> None:
        """Do one thing."""
        match action:
            case Send():
                self._send(action)
            case Connect() | Disconnect():
                self._connect(action)
            case Open() | Mute() | Reopen() | Close():
                self._change_blocks(action)
            case Forget(name):
                self.kept.pop(name.partition(".")[0], None)
            case Watch(on):
                seam = self.seam
                (seam.add_instrument if on else seam.remove_instrument)(self.tell)
            case Override(on):
                self._override(on=on)
            case Tell():
                self.scripts.setdefault(action.receiver.partition(".")[0], []).append(action)

    def _connect(self, action: Connect | Disconnect) -> None:
        signal = self.signals[action.which]
        receiver = self._receiver(action.receiver)
        match action:
            case Connect():
                sender = self._sender(action.sender, proxy=action.proxy)
                how: dict[str, Any] = {"priority": action.priority, "on_error": action.on_error}
                if receiver != signal.send:  # An echo of itself would never end.
                    assert signal.connect(receiver, sender, action.weak, **how) is receiver
            case Disconnect(sender=None):
                signal.disconnect(_as_good(receiver))
            case Disconnect(sender=str(name)):
                signal.disconnect(_as_good(receiver), self._sender(name, proxy=action.proxy))

    def _change_blocks(self, action: Open | Mute | Reopen | Close) -> None:
        match action:
            case Open():
                self._open(action)
            case Mute():
                self._enter(self.signals[action.which].muted(local=action.local))
            case Reopen(number) if self.blocks:
                self._enter(self.blocks[number % len(self.blocks)])
            case Close(number) if self.blocks:
                self.blocks.pop(number % len(self.blocks)).__exit__(None, None, None)

    def _open(self, action: Open) -> None:
        signal = self.signals[action.which]
        receiver = self._receiver(action.receiver)
        if receiver != signal.send:
            block = signal.connected_to(
                receiver,
                self._sender(action.sender, proxy=action.proxy),
                local=action.local,
                priority=action.priority,
                on_error=action.on_error,
            )
            self._enter(block)

    def _enter(self, block: Any) -> None:
        block.__enter__()
        self.blocks.append(block)

    def _override(self, *, on: bool) -> None:
        signal = self.signals["signal"]
        # What Heliograph's stand-in for Blinker does when somebody puts in another.
        if on:
            signal.receivers_for = partial(_backwards, signal)
        else:
            signal.__dict__.pop("receivers_for", None)
        if isinstance(signal, Signal):
            signal._registry.override(on=on)

    def _send(self, action: Send) -> None:
        sender = self._sender(action.sender, proxy=action.proxy)
        wrapper = {"none": None, "runs": self._wrap, "fails": self._fail_to_wrap}[action.wrapper]
        send = partial(WAYS[action.how], self.signals[action.which], sender, wrapper)
        if action.elsewhere:
            send = partial(Context().run, send)
        value = send()
        self.lines.append(("sent", shown(run_at_once(value) if iscoroutine(value) else value)))

    def _wrap(self, receiver: Any) -> Any:
        self.lines.append(("wrapped", receiver.__name__))
        return lambda sender, **payload: run_at_once(receiver(sender, **payload))

    def _fail_to_wrap(self, receiver: Any) -> Any:
        raise FailureError(receiver.__name__)

    # What receivers, instruments and the log do.

    def turn(self, label: str, sender: object, /, **payload: object) -> Any:
        """Write down that a receiver was called; then let it do what it was told to."""
        self.lines.append(("called", label, who(sender), tuple(payload.items())))
        return self._play(label.rpartition(" ")[0], label)

    def _play(self, name: str, label: str) -> str | None:
        scripts = self.scripts.get(name)
        if not scripts:
            return label
        told = scripts.pop(0)
        for action in told.script:
            self.perform(action)
        return self._end(told.end, label)

    def _end(self, end: End, label: str) -> str | None:
        match end:
            case "error":
                raise FailureError(label)
            case "old error":
                raise self.old_error
            case "leave":
                raise Leave(label)
            case "nothing":
                return None
            case "value":
                return label

    def tell(self, emission: Emission) -> None:
        """Write down what the instrument was told."""
        parent = emission.parent and emission.parent.signal.name
        deliveries = tuple(map(_delivered, emission.deliveries))
        payload = tuple(emission.payload.items())
        about = who(emission.sender), payload, parent, emission.muted
        self.lines.append(("told", emission.signal.name, *about, deliveries))
        self._play("instrument", "instrument")

    def emit(self, record: LogRecord) -> None:
        """Write down what was logged."""
        error = record.exc_info and record.exc_info[1]
        self.lines.append(("logged", record.getMessage(), error and described(error)))

    # Who there is.

    def _receiver(self, name: str) -> Any:
        if name == "relay":
            return self.signals["echo"].send
        name, _, method = name.partition(".")
        kept = self._kept(name, lambda label: _MAKERS[name](label, self.turn))
        if name == "tally":
            return kept.append
        return getattr(kept, method) if method else kept

    def _sender(self, name: str, *, proxy: bool = False) -> Any:
        if name in VALUES:
            sender = VALUES[name]()
        elif name == "id of thing":
            sender = id(self._sender("thing"))
        else:
            sender = self._kept(name, OBJECTS[name])
        return Proxy(lambda: sender) if proxy else sender

    def _kept(self, name: str, make: Callable[[str], Any]) -> Any:
        if name not in self.kept:
            label = f"{name} {len(self.seen)}"
            made = self.kept[name] = make(label)
            try:
                self.seen[label] = ref(made)
            except TypeError:
                self.seen[label] = ref(World)  # It cannot be seen whether it is alive.
        return self.kept[name]

    def _state(self) -> Iterator[Line]:
        """Say who is alive, and what the signals say about themselves."""
        yield ("alive", *(label for label, seen in self.seen.items() if seen() is not None))
        for name, signal in self.signals.items():
            connections = [
                (
                    shown(c.receiver),
                    who(c.sender),
                    c.weak,
                    c.priority,
                    c.on_error,
                    c.receiver_failures,
                    c.connected,
                )
                for c in signal.connections
            ]
            yield name, signal.is_muted, shown(tuple(signal.receivers)), tuple(connections)
            for sender in ("shop", *(self.kept[it] for it in OBJECTS if it in self.kept)):
                heard = signal.has_receivers_for(sender)
                yield "would be called", heard, shown(list(signal.receivers_for(sender)))


def _as_good(receiver: Any) -> Any:
    """Return another partial that makes the very same call; what is no partial, as it is."""
    if isinstance(receiver, partial):
        return partial(receiver.func, *receiver.args)
    return receiver


def _backwards(signal: Any, sender: Any) -> Any:
    return reversed(list(type(signal).receivers_for(signal, sender)))


def _delivered(delivery: Delivery) -> Line:
    error = None if delivery.error is None else described(delivery.error)
    return shown(delivery.receiver), shown(delivery.value), error


def who(sender: Any) -> Hashable:
    """Say who a sender is; ids of objects are others in each world."""
    if type(sender) is int and 1 < sender < 1 << 64:
        return "an id"
    return identity(sender)


def shown(it: Any) -> object:
    """Return what is equal in two worlds instead of a value, receivers being labels."""
    if isinstance(it, (list, tuple)):
        return tuple(map(shown, it))
    if it is None or isinstance(it, str):
        return it
    if isinstance(it, MethodType) and isinstance(it.__self__, Signal):
        return f"send of {it.__self__.name}"
    return name_of(it)


class Described(NamedTuple):
    """All of an error, apart from where it was raised."""

    kind: str
    text: str
    notes: tuple[str, ...]
    parts: tuple[Described, ...]
    context: Described | None


def described(error: BaseException) -> Described:
    """Say what an error is."""
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    context = None if error.__context__ is None else described(error.__context__)
    notes = tuple(getattr(error, "__notes__", ()))
    return Described(type(error).__name__, str(error), notes, tuple(map(described, parts)), context)


def without_words(line: Any) -> Any:
    """Leave out of a line what Heliograph has said: its messages and its notes."""
    match line:
        case Described(kind, text, _, parts, context):
            ours = bool(parts) or hasattr(heliograph, kind)
            return kind, without_words(parts), *(() if ours else (text, without_words(context)))
        case ("logged", str(), error):
            return "logged", without_words(error)
        case tuple():
            return tuple(map(without_words, line))
        case _:
            return line
