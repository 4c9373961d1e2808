"""Publishes seals where nobody who can write to the trail can change them."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

from heliograph import ArgumentError
from heliograph.audit.seals import Anchor

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph.audit.seals import Seal

_LOG = logging.getLogger("heliograph.trail")
_TIMEOUT = 10


def publisher(where: str) -> Callable[[Anchor], None]:
    """Return what publishes anchors.

    Args:
        where: ``"log"`` for the logger ``heliograph.trail``, the address of a webhook
            (``https://…``), or the path of a file, to which a line is added.

    Raises:
        ArgumentError: If the file cannot be written; so nothing is sealed and not published.
    """
    if where == "log":
        return _to_log
    if where.startswith(("http://", "https://")):
        return lambda anchor: _to_webhook(where, anchor)
    _check_file(where)
    return lambda anchor: _to_file(where, anchor)


def anchor_of(seal: Seal) -> Anchor:
    """Return what is published of a seal."""
    return Anchor(seal.id, seal.root.hex(), seal.count, seal.sealed_at)


def read_anchors(path: str) -> list[Anchor]:
    """Read the anchors that were published to a file.

    Raises:
        ArgumentError: If it cannot be read, or a line is no anchor.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        return [Anchor(**json.loads(it)) for it in lines if it.strip()]
    except OSError as error:
        msg = f"{path!r} cannot be read: {error.strerror}."
        raise ArgumentError(msg) from None
    except (TypeError, ValueError):
        msg = f"{path!r} is no file of anchors: each line is one, as JSON."
        raise ArgumentError(msg) from None


def _line(anchor: Anchor) -> str:
    return json.dumps(asdict(anchor), sort_keys=True)


def _to_log(anchor: Anchor) -> None:
    _LOG.info("The trail was sealed: %s", _line(anchor))


def _check_file(path: str) -> None:
    try:
        with Path(path).open("a", encoding="utf-8"):
            pass
    except OSError as error:
        msg = f"Anchors cannot be written to {path!r}: {error.strerror}."
        raise ArgumentError(msg) from None


def _to_file(path: str, anchor: Anchor) -> None:
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(_line(anchor) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _to_webhook(url: str, anchor: Anchor) -> None:
    headers = {"Content-Type": "application/json"}
    request = Request(url, _line(anchor).encode(), headers, method="POST")  # noqa: S310 - http(s).
    with urlopen(request, timeout=_TIMEOUT):  # noqa: S310 - likewise.
        pass
