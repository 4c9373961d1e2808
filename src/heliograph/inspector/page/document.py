"""The page as it is served: one HTML file, and the policy that lets nothing else run in it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

# In this order: each stands on those before it.
_SCRIPTS = (
    "dom", "store", "arrange", "windowed",
    "waterfall", "live", "tables", "signal",
    "talk", "taking", "start",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """The page.

    Attributes:
        body: Its bytes.
        policy: The Content-Security-Policy that belongs to these bytes.
    """

    body: bytes
    policy: str


@cache
def document() -> Document:
    """Return the page; the same bytes on every machine."""
    return assembled(files(__name__.rpartition(".")[0]) / "parts")


def assembled(folder: Traversable) -> Document:
    """Put the page together from its parts in a folder."""
    style = _part(folder, "style.css")
    script = "".join(_part(folder, f"{it}.js") for it in _SCRIPTS)
    html = _part(folder, "page.html").replace("{style}", style).replace("{script}", script)
    return Document(html.encode(), policy(style, script))


def _part(folder: Traversable, name: str) -> str:
    # A browser hashes what it has made of the lines' ends, whatever a checkout made of them:
    # this reads each of them as one character.
    return folder.joinpath(name).read_text(encoding="utf-8")


def policy(style: str, script: str) -> str:
    """Return the policy that lets one script and one style run, by what is in them."""
    rules = (
        "default-src 'none'",
        f"script-src '{_hash(script)}'",
        f"style-src '{_hash(style)}'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
    return "; ".join(rules)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
