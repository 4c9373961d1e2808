"""All processes of one application as one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heliograph import ArgumentError
from heliograph.inspector.attaching.asking import Address, ask_all
from heliograph.inspector.attaching.folder import Folder
from heliograph.inspector.attaching.messages import AmbiguousError
from heliograph.inspector.seen import from_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heliograph.inspector.attaching.asking import Reply
    from heliograph.inspector.attaching.folder import Entry
    from heliograph.inspector.attaching.messages import Message
    from heliograph.inspector.filters import Only
    from heliograph.inspector.seen import Seen

    Cursor = Mapping[str, int]

FROM_NOW = -1
"""The position after all that a process has seen."""


@dataclass(frozen=True)
class Picture:
    """What was seen since a cursor, by all processes together.

    Attributes:
        seen: Emissions and requests, process by process.
        cursor: Where to ask from next time: the position of each process, by its name.
        lost: How many each process has given up before they were asked for, by its name.
        processes: What each process that answers says of itself: ``process``, ``pid``, ``name``,
            ``program`` and ``started``.
        gone: Why the others did not answer, by their pid, or by their address.
    """

    seen: list[Seen]
    cursor: dict[str, int]
    lost: dict[str, int]
    processes: list[Message]
    gone: dict[str, str]


class Workers:
    """The processes of one application, on this machine and of this user.

    Args:
        name: The name of the application, or None if there is only one.
        folder: Where they are found; by default the usual place.
        address: Ask one process, by its port, and no folder.
    """

    def __init__(
        self,
        name: str | None = None,
        folder: Folder | None = None,
        *,
        address: Address | None = None,
    ) -> None:
        self.name: str | None = name
        self.folder: Folder = Folder() if folder is None else folder
        self._address = address

    def places(self) -> list[Entry] | list[Address]:
        """Return where the processes are to be asked.

        Raises:
            AmbiguousError: If there are several applications, and none was named.
            AttachError: If the folder is not private.
        """
        if self._address is not None:
            return [self._address]
        found = [it for it in self.folder.entries() if self.name in (None, it.name)]
        names = sorted({it.name for it in found})
        if len(names) > 1:
            msg = f"There are several applications: name one of {', '.join(names)}."
            raise AmbiguousError(msg)
        return found

    def after(
        self,
        cursor: Cursor | None,
        *,
        only: Only | None = None,
        requests: bool = True,
        most: int = 2000,
        patience: float | None = None,
    ) -> Picture:
        """Return what was seen since a cursor. From the first call on, the processes record.

        They stop some seconds after the last call.

        Args:
            cursor: That of the last picture; {} for all that is kept; None for what comes from
                now on.
            only: Which emissions are wanted.
            requests: Whether requests are wanted.
            most: How many each process tells at a time.
            patience: Seconds that a process has for its next word, 1 by default.

        Raises:
            AttachError: As `places`.
        """

        def question(hello: Message) -> Message:
            begin = FROM_NOW if cursor is None else cursor.get(str(hello.get("process")), 0)
            wanted = only.as_dict() if only is not None else {}
            asked = {"position": begin, "most": most, "only": wanted, "requests": requests}
            return {"ask": "after", **asked}

        return _picture(ask_all(self.places(), question, patience=patience))

    def ask(self, what: str, *, patience: float | None = None) -> list[Reply]:
        """Ask all processes something else: ``"counts"``, ``"health"`` or ``"report"``.

        Raises:
            AttachError: As `places`.
        """
        return ask_all(self.places(), lambda _: {"ask": what}, patience=patience)


def _picture(replies: list[Reply]) -> Picture:
    picture = Picture([], {}, {}, [], {})
    for it in replies:
        problem = it.problem
        if problem is None:
            try:
                _add(picture, it.hello, it.answer)
            except (ArgumentError, KeyError, TypeError, ValueError):
                problem = "it answers something else than a process of Heliograph's"
        if problem is not None:
            picture.gone[place_of(it)] = problem
    return picture


def place_of(reply: Reply) -> str:
    """Return what people call the process: its number, or its address."""
    place = reply.place
    return str(place) if isinstance(place, Address) else str(place.pid)


def _add(picture: Picture, hello: Message, answer: Message) -> None:
    process, position, lost = str(hello["process"]), int(answer["position"]), int(answer["lost"])
    if process in picture.cursor:
        return  # It has two inspectors, and both have seen the same.
    seen: Any = from_rows(answer["rows"], answer["columns"])
    picture.seen.extend(seen)
    picture.cursor[process] = position
    if lost:
        picture.lost[process] = lost
    picture.processes.append(hello)
