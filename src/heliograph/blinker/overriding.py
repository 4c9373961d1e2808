"""Lets subclasses and instances replace methods and tables of a signal, as Blinker does."""

from __future__ import annotations

import weakref
from contextvars import ContextVar
from functools import wraps
from types import MethodType

import heliograph
from heliograph import ANY
from heliograph.blinker.patching import ASKED, Patchable
from heliograph.blinker.tables import Receivers, receiver_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

    from heliograph import Connection


class _Block:
    """A `connected_to` block whose connection goes through an overridden ``connect``."""

    def __init__(self, signal: object, options: Any) -> None:
        self.signal = signal
        self.options = options
        self.made: list[Connection] = []


_BLOCK: ContextVar[_Block | None] = ContextVar("heliograph_blinker_block", default=None)


class _RegistryInTables:
    """Keeps the connections of a signal in the tables of its subclass.

    Subclasses of Blinker's signals can make properties of the tables, to have other
    receivers in each thread or request. The registry is then kept in such a table.
    """

    def __get__(self, signal: Overridable | None, owner: type) -> Any:
        if signal is None:
            return self
        tables = signal._weak_senders
        if "heliograph" not in tables:
            tables.setdefault("heliograph", signal._new_registry())
        return tables["heliograph"]

    def __set__(self, signal: Overridable, registry: object) -> None:
        # While the signal is being made, its tables are not there yet.
        tables = getattr(signal, "_weak_senders", None)
        if tables is not None:
            tables["heliograph"] = registry


# With a metaclass, pyright takes the `__dict__` of an object for that of its class.
_TYPE: dict[str, Any] = {}
if not TYPE_CHECKING:  # pragma: no branch - false for pyright alone.
    _TYPE["metaclass"] = Patchable


class Overridable(heliograph.Signal, **_TYPE):
    """A signal that calls its own methods wherever Blinker's signals do, not only the engine."""

    # What a signal notes of itself alone.
    _not_copied = heliograph.Signal._not_copied | {
        "_replaced",
        "_taken_out",
        "receivers_for",
    }
    _overrides = False
    _weak_senders: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._note_overrides()

    @classmethod
    def _note_overrides(cls) -> None:
        cls._overrides = any(getattr(cls, it) is not getattr(Overridable, it) for it in ASKED)
        cls._tells = cls._brings_tables()
        if cls._tells:
            descriptor: Any = _RegistryInTables()
            cls._registry = descriptor

    def _ask_again(self) -> None:
        """Let sends call a method that was replaced, on the signal or on its class."""
        self._registry.override(on=self._overrides or "receivers_for" in self.__dict__)

    @classmethod
    def _brings_tables(cls) -> bool:
        return cls.receivers is not Overridable.receivers

    def __new__(cls, *_: object, **__: object) -> Self:
        """Make a signal without receivers."""
        made = super().__new__(cls)
        made._registry = cls._new_registry()
        return made

    @classmethod
    def _new_registry(cls) -> Any:
        registry = cls._registry_class()
        registry.strict = False
        if cls._overrides:
            registry.override(on=True)
        return registry

    if TYPE_CHECKING:
        # The receivers by id, as Blinker has them.
        receivers: Any
    else:

        @wraps(heliograph.Signal.connect)
        def connect(self, receiver=..., sender=ANY, weak=True, **options):
            """Connect a receiver; inside `connected_to`, only for the length of the block."""
            block = _BLOCK.get()
            if block is None or block.signal is not self:
                return super().connect(receiver, sender, weak, **options)
            block.made += super()._connect_with(receiver, sender, block.options)
            return receiver

    def _new_view(self) -> Any:
        return Receivers(self)

    def _set_receivers(self, table: Any) -> None:
        if type(table) is Receivers and table.registry is self._registry:
            return  # As after `|=`.
        before, taken = self.connections, self.__dict__.get("_taken_out", {})
        is_back = type(table) is Receivers
        self._replace_registry(table.registry if is_back else self._new_registry())
        for key, held in {} if is_back else dict(table).items():
            weak = issubclass(type(held), weakref.ref)
            receiver: Any = held() if weak else held
            # A copy of the table does not name the senders: unknown receivers get `ANY`.
            known = [c for c in before if receiver_key(c._receiver_ref, c.receiver) == key]
            senders = [c.sender for c in known or taken.get(key, ()) if c() is not None]
            for sender in senders or [ANY]:
                self.connect(receiver, sender, weak)

    def _replace_registry(self, registry: Any) -> None:
        replaced = self.__dict__.get("_replaced", ())
        # Weakly: a table that the program has not kept is given up.
        kept = [it for it in replaced if it() is not None and it() is not registry]
        self.__dict__["_replaced"] = [*kept, weakref.ref(self._registry)]
        self._use(registry)

    def _use(self, registry: Any) -> None:
        # In Blinker, a signal with another table is as muted as before.
        registry.succeed(self._registry)
        self.__dict__.pop("receivers", None)
        self._registry = registry

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute; sends call what is put in the place of `receivers_for`."""
        if name != "receivers_for" or hasattr(type(type(self).receivers_for), "__set__"):
            super().__setattr__(name, value)
            return
        # By its type: a tracer's wrapper claims to be the method and compares equal to it.
        back = type(value) is MethodType and value == MethodType(Overridable.receivers_for, self)
        if back:
            self.__dict__.pop("receivers_for", None)
        else:
            self.__dict__["receivers_for"] = value
        self._ask_again()

    def __delattr__(self, name: str) -> None:
        """Delete an attribute; what it has replaced is back then."""
        if name == "receivers" and type(self).receivers is Overridable.receivers:
            self._put_back_receivers()
            return
        if name == "receivers_for" and name not in self.__dict__:
            msg = "receivers_for cannot be deleted: it was not replaced."
            raise AttributeError(msg)
        super().__delattr__(name)
        if name == "receivers_for":
            self._ask_again()

    def _put_back_receivers(self) -> None:
        # `mock.patch.object` deletes the attribute to put back what it has replaced.
        replaced = self.__dict__.get("_replaced", [])
        registry = replaced.pop()() if replaced else None
        if registry is None:
            msg = "receivers cannot be deleted: they were not replaced."
            raise AttributeError(msg)
        self._use(registry)

    @property
    def is_muted(self) -> bool:
        """Whether sends call no receivers. May be assigned."""
        return super().is_muted

    @is_muted.setter
    def is_muted(self, muted: bool) -> None:
        self._registry.mute_by_hand(on=bool(muted))

    @is_muted.deleter
    def is_muted(self) -> None:
        self.is_muted = False

    def _connect_with(
        self, receiver: Callable[..., Any], sender: Any, options: Any
    ) -> list[Connection]:
        replaced = "connect" in self.__dict__ or type(self).connect is not Overridable.connect
        if not replaced:
            return super()._connect_with(receiver, sender, options)
        block, outer = _Block(self, options), _BLOCK.get()
        try:
            _BLOCK.set(block)  # Inside the `try`, as a signal handler may raise after any call.
            self.connect(receiver, sender=sender, weak=False)
        finally:
            _BLOCK.set(outer)
        return block.made

    def _mirror(self) -> None:
        # `if signal.receivers` must work for the table of a subclass, too.
        if self._brings_tables():
            self.receivers.clear()
            self.receivers.update(Receivers(self))
