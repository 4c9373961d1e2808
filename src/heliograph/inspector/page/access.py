"""Decides who may see the page: whoever develops on this machine, and whoever has the token."""

from __future__ import annotations

import hashlib
import hmac
from enum import Enum
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph.inspector.page.visits import Visit


class Verdict(Enum):
    """What becomes of a visit."""

    WELCOME = "welcome"
    OFF = "off"
    NEEDS_TOKEN = "needs token"  # noqa: S105 - a word, no secret.
    FROM_ELSEWHERE = "from elsewhere"
    UNDER_A_NAME = "under a name"


REFUSALS = {
    Verdict.NEEDS_TOKEN: (
        "This page needs the token that the program gave to its Inspector. "
        "Open it once with ?token=… at the end of its address."
    ),
    Verdict.FROM_ELSEWHERE: (
        "Without a token, this page can be opened only on the machine that runs the program. "
        "Make the Inspector with a token, Inspector(token=…), and open the page with ?token=…"
    ),
    Verdict.UNDER_A_NAME: (
        "Without a token, this page can be opened only as localhost or by an IP address, as any "
        "other name may be that of a site that wants to read along. Open it as localhost, or "
        "make the Inspector with a token, Inspector(token=…), and open the page with ?token=…"
    ),
}
"""What whoever is refused reads: what was refused, and what to do."""


class Door:
    """Who may see what the page shows.

    Args:
        token: A secret that opens it from everywhere, or None.
        is_developed: Tells whether the program is being developed.
    """

    def __init__(self, token: str | None, is_developed: Callable[[], bool]) -> None:
        self._token = token
        self._is_developed = is_developed
        digest = "" if token is None else _digest(token)
        # Cookies do not know ports: each program on a machine needs a name of its own.
        self._cookie = f"heliograph-{digest[:8]}"
        self._ticket = digest[8:]

    def judge(self, visit: Visit) -> Verdict:
        """Decide on a visit."""
        if self._has_ticket(visit):
            return Verdict.WELCOME
        if not self._is_developed():
            return Verdict.OFF if self._token is None else Verdict.NEEDS_TOKEN
        place = _place(visit)
        return place if place is Verdict.WELCOME or self._token is None else Verdict.NEEDS_TOKEN

    def ticket(self, visit: Visit) -> tuple[str, str] | None:
        """Return the header that lets a browser in from now on, if its address has the token."""
        if self._token is None or not _equal(visit.query.get("token", ""), self._token):
            return None
        secure = "; Secure" if visit.secure else ""
        value = f"{self._cookie}={self._ticket}; Path=/; HttpOnly; SameSite=Strict{secure}"
        return ("Set-Cookie", value)

    def _has_ticket(self, visit: Visit) -> bool:
        if self._token is None:
            return False
        scheme, _, given = visit.authorization.partition(" ")
        if scheme.lower() == "bearer" and _equal(given.strip(), self._token):
            return True
        return _equal(_cookies(visit.cookie).get(self._cookie, ""), self._ticket)


def _digest(token: str) -> str:
    # What is in the cookie is of no use elsewhere.
    return hmac.new(token.encode(), b"heliograph page", hashlib.sha256).hexdigest()


def _equal(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def _cookies(header: str) -> dict[str, str]:
    # Python's own parser gives up at the first cookie that it does not like.
    pairs = (it.partition("=") for it in header.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _place(visit: Visit) -> Verdict:
    """Tell whether a visit comes from this machine, and asks for this machine."""
    if visit.client and not _is_loopback(visit.client):
        return Verdict.FROM_ELSEWHERE
    # A site can let its own name point at this machine, and then read what its name serves.
    return Verdict.WELCOME if _is_plain(visit.host) else Verdict.UNDER_A_NAME


def _is_loopback(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_loopback)


def _is_plain(host: str) -> bool:
    name = host.lower()
    name = name[1 : name.find("]")] if name.startswith("[") else name.partition(":")[0]
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
