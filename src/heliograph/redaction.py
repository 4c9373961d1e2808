"""Short texts for the values of a payload, with secrets hidden by the names that they have."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from heliograph import ArgumentError
from heliograph.describe import full_repr, short_repr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

__all__ = ["HIDDEN", "SECRET_KEYS", "Redaction"]

HIDDEN = "[redacted]"
"""What stands in the place of a secret."""

SECRET_KEYS = (
    "accesskey", "apikey", "auth", "authorization", "bearer", "cardnumber", "cookie", "credential",
    "creditcard", "csrf", "cvc", "cvv", "iban", "jwt", "otp", "passphrase", "passwd", "password",
    "pin", "privatekey", "pwd", "secret", "session", "signature", "ssn", "token", "xsrf",
)  # fmt: skip
"""The names that hide a value, in lower case and without signs. The short ones are whole words."""

# "author" and "shipping" are no secrets, though "auth" and "pin" are in them.
_LONGEST_WORD = 4
_SIGNS = re.compile(r"[\W_]+")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

# Known by how they look, wherever they stand: tokens of the web and of well-known services,
# private keys, the user and the password in an address, numbers as long as those of cards.
_SHAPES = re.compile(
    r"\beyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*"
    r"|(?<=\bBearer )[\w.~+/=-]{8,}"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\b(?:gh[oprsu]_|github_pat_|xox[abprs]-|[rs]k_live_)[\w-]{16,}"
    r"|(?<=://)[^\s/@:]{0,200}:[^\s/@]{1,200}(?=@)"
    r"|(?<![\w.-])[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,4}(?![\w-])",
    re.DOTALL,
)

_SHORTEST_SHAPE = 13  # The number of a card; an address, which may be shorter, has a colon.
_MOST_LETTERS = 1000
_MOST_ITEMS = 12
_MOST_KNOWN = 1000
_LONGEST_KNOWN = 100
_DEEPEST = 4

_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}


class Redaction:
    """Rules that say which values nobody may see, and a short text for all others.

    A value is hidden by its name: that of the argument, or its key in a dict. Names are compared
    without case, dashes and underscores, and a name that contains one of the rules' is hidden as
    well: ``user_password``, ``X-CSRF-Token``. The text of an object may contain such names too,
    as in ``User(password='…')``: what follows them is hidden.

    Args:
        keys: Further names to hide, besides `SECRET_KEYS`.
        width: The most characters of a text.

    Raises:
        ArgumentError: If *keys* is one text and not several, or contains something else, or
            nothing but signs.

    Example:
        >>> redaction = Redaction(["customer"])
        >>> redaction.redacted("total", 12), redaction.redacted("Api-Key", "k3y")
        ('12', '[redacted]')
        >>> redaction.redacted("form", {"customer": "Ada", "password": "s3cret", "count": 2})
        "{'customer': [redacted], 'password': [redacted], 'count': 2}"
    """

    def __init__(self, keys: Iterable[str] = (), *, width: int = 120) -> None:
        self._width = width
        self._own = tuple(_plain(keys))
        self._keys = frozenset((*SECRET_KEYS, *self._own))
        self._inside = tuple(sorted(it for it in self._keys if len(it) > _LONGEST_WORD))
        self._named = _pattern(self._keys)
        self._known: dict[str, bool] = {}

    def with_keys(self, keys: Iterable[str]) -> Redaction:
        """Return rules that hide further names as well."""
        return Redaction((*self._own, *_plain(keys)), width=self._width)

    def hides(self, name: object) -> bool:
        """Tell whether values of this name are hidden."""
        if not isinstance(name, str):
            return False
        if type(name) is not str:  # A class of the program's may do anything where it is compared.
            return self._hides(name[:_MOST_LETTERS])
        known = self._known.get(name)
        if known is None:
            known = self._hides(name[:_MOST_LETTERS])
            # The names of arguments are few and short; a stranger's may be neither.
            if len(name) <= _LONGEST_KNOWN and len(self._known) < _MOST_KNOWN:
                self._known[name] = known
        return known

    def _hides(self, text: str) -> bool:
        plain = _SIGNS.sub("", text).lower()
        if plain in self._keys or any(it in plain for it in self._inside):
            return True
        return any(it.lower() in self._keys for it in _WORDS.findall(text))

    def redacted(self, name: object, value: object) -> str:
        """Return a short text for a value, or `HIDDEN`. It never fails.

        Of the program's own code it calls nothing but the ``__repr__`` of objects that are no
        plain values.
        """
        if self.hides(name):
            return HIDDEN
        return self.text("".join(self._pieces(value, 0)))

    def without_secrets(self, text: str) -> str:
        """Return the whole text with what looks like a secret hidden.

        That is what follows the name of one, as in ``password=…``, and what is known by its
        shape: tokens, private keys, passwords in addresses, numbers of cards.

        Example:
            >>> Redaction().without_secrets("postgresql://ada:s3cret@db/shop?api_key=k3y")
            'postgresql://[redacted]@db/shop?api_key=[redacted]'
        """
        if ":" in text or "=" in text or "," in text:  # One of them stands before a value.
            text = self._named.sub(rf"\g<1>{HIDDEN}", text)
        elif len(text) < _SHORTEST_SHAPE:
            return text
        return _SHAPES.sub(_hidden_unless_no_card, text)

    def text(self, text: str) -> str:
        """Return a text with what looks like a secret hidden, cut to the width."""
        text = self.without_secrets(text[:_MOST_LETTERS])
        return text if len(text) <= self._width else f"{text[: self._width - 2]} …"

    def _pieces(self, value: Any, depth: int) -> Iterator[str]:
        kind = type(value)
        if issubclass(kind, dict):
            yield from self._of_dict(value, depth)
        elif kind in _BRACKETS:
            yield from self._of_items(value, depth)
        else:
            part = value[:_MOST_LETTERS] if kind in (str, bytes, bytearray) else value
            yield full_repr(part)[:_MOST_LETTERS]

    def _of_dict(self, value: dict[Any, Any], depth: int) -> Iterator[str]:
        # Not by its own methods, as a class of the program's may do anything in them.
        items = _first(dict.items(value), depth)
        yield "{"
        for at, (key, inner) in enumerate(items):
            yield f"{', ' if at else ''}{full_repr(key)[:_MOST_LETTERS]}: "
            yield from [HIDDEN] if self.hides(key) else self._pieces(inner, depth + 1)
        yield from _rest(dict.__len__(value), len(items))
        yield "}"

    def _of_items(self, value: Any, depth: int) -> Iterator[str]:
        items = _first(value, depth)
        opened, closed = _BRACKETS[type(value)]
        yield opened
        for at, inner in enumerate(items):
            yield ", " if at else ""
            yield from self._pieces(inner, depth + 1)
        yield from _rest(len(value), len(items))
        yield closed


def _hidden_unless_no_card(found: re.Match[str]) -> str:
    digits = re.sub("[ -]", "", found[0])
    return HIDDEN if not digits.isdigit() or _is_of_a_card(digits) else found[0]


def _is_of_a_card(digits: str) -> bool:
    """Tell whether the last digit checks the others, as in the number of a card (Luhn)."""
    backwards = [int(it) for it in reversed(digits)]
    doubled = [it * 2 - 9 if it > 4 else it * 2 for it in backwards[1::2]]  # noqa: PLR2004 - two digits.
    return (sum(backwards[::2]) + sum(doubled)) % 10 == 0


def _first(values: Iterable[T], depth: int) -> list[T]:
    """Return the values that are shown: before any of their code runs, which may add some."""
    found: list[T] = []
    with suppress(RuntimeError):  # Another thread changes it just now.
        found.extend(islice(values, _MOST_ITEMS if depth < _DEEPEST else 0))
    return found


def _rest(several: int, shown: int) -> Iterator[str]:
    if several > shown:
        yield ", …" if shown else "…"


def _plain(keys: Iterable[str]) -> Iterator[str]:
    if isinstance(keys, str):
        msg = f"keys={keys!r} is one name: pass a list, as in Redaction([{keys!r}])."
        raise ArgumentError(msg)
    given: Iterable[object] = keys
    for key in given:
        plain = _SIGNS.sub("", key).lower() if isinstance(key, str) else ""
        if not plain:
            msg = f"{short_repr(key)} is no name to hide values by: pass a text with letters."
            raise ArgumentError(msg)
        yield plain


def _pattern(keys: Iterable[str]) -> re.Pattern[str]:
    """Return what finds a name of a secret and its value in any text, in one pass over it."""
    # With its signs, which `plain` has not: api_key, Api-Key.
    spelt = {it: "[-_]?".join(map(re.escape, it)) for it in sorted(keys)}
    whole = "|".join(word for it, word in spelt.items() if len(it) <= _LONGEST_WORD)
    inside = "|".join(word for it, word in spelt.items() if len(it) > _LONGEST_WORD)
    name = rf"(?:(?<![^\W_])(?:{whole})(?![^\W_])|(?:{inside})[\w-]{{0,40}})"
    between = r"(?:[\"']?\s{0,3}(?:=>|[=:])|[\"']\s{0,3},)\s{0,3}"
    quoted = r"b?'(?:[^'\\]|\\.)*(?:'|$)|b?\"(?:[^\"\\]|\\.)*(?:\"|$)"
    word = r"(?:(?:Basic|Bearer|Digest|Token)\s+)?[^\s,;&)}\]'\"]+"
    return re.compile(
        rf"({name}{between})(?!{re.escape(HIDDEN)})(?:{quoted}|{word})", re.IGNORECASE
    )
