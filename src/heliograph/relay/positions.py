"""Positions: how far a process has heard, kept in a file from one run to the next."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import TYPE_CHECKING

from heliograph import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from heliograph.relay.crossing import Crossing


class Positions:
    """The positions of one process in replay channels.

    Args:
        path: The file; None to keep nothing.
    """

    def __init__(self, path: str | None) -> None:
        self._path = None if path is None else Path(path)
        self._kept: dict[str, str] = {}
        self._lock = Lock()

    def read(self, crossings: Iterable[Crossing]) -> None:
        """Give all channels the positions that were kept.

        Raises:
            ArgumentError: If the file holds something else.
        """
        if self._path is None or not self._path.exists():
            return
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            kept = {name: "".join(at) for name, at in found.items()}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            msg = f"{self._path} holds no positions of a relay: remove it, or name another file."
            raise ArgumentError(msg) from error
        self._kept = kept
        for it in crossings:
            it.position = self._kept.get(it.channel.name)

    def write(self, crossings: Iterable[Crossing]) -> None:
        """Keep the positions of all channels, if one has changed."""
        if self._path is None:
            return
        with self._lock:
            self._write(self._path, {it.channel.name: it.position for it in crossings})

    def _write(self, path: Path, positions: Mapping[str, str | None]) -> None:
        found = {name: at for name, at in positions.items() if at is not None}
        if found.items() <= self._kept.items():
            return
        # Whoever reads it finds all of it, old or new.
        with NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=path.name, delete=False
        ) as file:
            json.dump(self._kept | found, file)
        Path(file.name).replace(path)
        self._kept |= found
