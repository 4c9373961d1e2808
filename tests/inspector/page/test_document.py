"""The page as one file: what is in it is what its policy names."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from typing import TYPE_CHECKING

from heliograph.inspector.page.document import assembled, document

if TYPE_CHECKING:
    from pathlib import Path

PARTS = files("heliograph.inspector.page") / "parts"


def hash_of(tag: str, body: bytes) -> str:
    """Return the hash of what is in a tag, as a policy has it."""
    [inside] = re.findall(f"<{tag}[^>]*>(.*?)</{tag}>".encode(), body, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(inside).digest()).decode()}'"


def test_the_policy_has_the_hashes_of_the_bytes_that_are_served() -> None:
    """And nothing that is not needed."""
    page = document()

    assert page.policy == (
        f"default-src 'none'; script-src {hash_of('script', page.body)}; "
        f"style-src {hash_of('style', page.body)}; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )


def test_a_changed_byte_is_another_policy(tmp_path: Path) -> None:
    """What is not the page's own script does not run under the policy that was served with it."""
    for it in PARTS.iterdir():
        (tmp_path / it.name).write_bytes(it.read_bytes())
    script = tmp_path / "start.js"
    script.write_bytes(script.read_bytes() + b" ")

    assert assembled(tmp_path).policy != document().policy


def test_a_checkout_with_the_line_ends_of_windows_is_the_same_page(tmp_path: Path) -> None:
    """Browsers hash one line end, whatever was served."""
    for it in PARTS.iterdir():
        (tmp_path / it.name).write_bytes(it.read_bytes().replace(b"\n", b"\r\n"))

    assert assembled(tmp_path) == document()


def test_nothing_of_the_page_is_elsewhere() -> None:
    """It works without a network, and asks nobody but the application."""
    text = document().body.decode()

    assert re.findall(r"""(?:src|href)=["']?(?!#)[^"'>]+""", text) == []
    assert re.findall(r"https?://", text) == []


def test_no_text_becomes_markup() -> None:
    """All text of the program goes in as text."""
    text = document().body.decode()

    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|srcdoc", text) == []
    )
