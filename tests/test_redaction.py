"""Values of a payload as short texts: what is hidden, and that nothing of it fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from heliograph import ArgumentError
from heliograph.redaction import HIDDEN, SECRET_KEYS, Redaction

PRIVATE = "s3cret"


@pytest.mark.parametrize("name", SECRET_KEYS)
def test_a_value_is_hidden_if_its_name_is_that_of_a_secret(name: str) -> None:
    """Each of the names that the rules begin with hides a value."""
    assert Redaction().redacted(name, PRIVATE) == HIDDEN


@pytest.mark.parametrize(
    "name",
    ["Password", "API-Key", "api_key", "x-csrf-token", "userPassword", "access_token", "my_pin"],
)
def test_names_are_compared_without_case_and_signs(name: str) -> None:
    """A name that contains one of the rules' is a secret, too."""
    assert Redaction().redacted(name, PRIVATE) == HIDDEN


@pytest.mark.parametrize(
    "name", ["author", "shipping", "total", "option", "", 12, None, b"password"]
)
def test_a_short_rule_is_a_whole_word(name: object) -> None:
    """Parts of other words hide nothing, nor does what is no text."""
    assert Redaction().redacted(name, PRIVATE) == "'s3cret'"


def test_names_can_be_added() -> None:
    """What is secret elsewhere is told when the rules are made."""
    redaction = Redaction(["Customer-Name"])

    assert redaction.redacted("customer_name", "Ada") == HIDDEN
    assert redaction.redacted("customer", "Ada") == "'Ada'"


def test_secrets_inside_of_dicts_are_hidden() -> None:
    """At each depth, and in lists, by their keys."""
    value = {"user": [{"name": "Ada", "passwd": PRIVATE}], 7: (b"x", {PRIVATE[:1]})}

    shown = Redaction().redacted("form", value)

    assert shown == "{'user': [{'name': 'Ada', 'passwd': [redacted]}], 7: (b'x', {'s'})}"


@dataclass
class Login:
    """Shows all of its fields, as dataclasses do."""

    name: str
    password: str
    api_key: str


class Headers:
    """Shows pairs, as Werkzeug's headers do."""

    def __repr__(self) -> str:
        return f"Headers([('Host', 'shop'), ('Authorization', 'Basic {PRIVATE}')])"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (
            Login("Ada", PRIVATE, PRIVATE),
            "Login(name='Ada', password=[redacted], api_key=[redacted])",
        ),
        (Headers(), "Headers([('Host', 'shop'), ('Authorization', [redacted])])"),
        (f'{{"token": "{PRIVATE}", "n": 1}}', '\'{"token": [redacted], "n": 1}\''),
        (f"a=1&token={PRIVATE}&b=2", "'a=1&token=[redacted]&b=2'"),
        (f"Authorization: Bearer {PRIVATE}", "'Authorization: [redacted]'"),
        ("the token is missing", "'the token is missing'"),
    ],
)
def test_secrets_in_the_text_of_an_object_are_hidden(value: object, shown: str) -> None:
    """What follows the name of a secret is hidden, whoever wrote the text."""
    assert Redaction().redacted("value", value) == shown


def test_a_secret_that_is_cut_off_is_hidden() -> None:
    """The end of a long text has no closing quote."""
    assert Redaction().text("password='" + PRIVATE * 1000) == "password=[redacted]"


class Hostile(dict[Any, Any]):
    """Breaks whoever looks at it."""

    def items(self) -> Any:
        """Break."""
        raise AssertionError

    def __repr__(self) -> str:
        raise AssertionError


class Unshowable:
    """Has no representation."""

    def __repr__(self) -> str:
        raise ValueError(PRIVATE)


def test_no_code_of_the_program_can_break_it() -> None:
    """Dicts are read past their own methods; a repr that raises is said."""
    redacted = Redaction().redacted

    assert redacted("value", Hostile(a=1, token=PRIVATE)) == "{'a': 1, 'token': [redacted]}"
    assert redacted("value", [Unshowable()]) == "[<Unshowable whose repr raises ValueError>]"


def test_texts_are_bounded() -> None:
    """Large, deep and endless values are cut."""
    endless: list[object] = []
    endless.append(endless)
    redacted = Redaction(width=40).redacted

    assert redacted("it", endless) == "[[[[[…]]]]]"
    assert redacted("it", "x" * 1_000_000) == f"'{'x' * 37} …"
    assert (
        redacted("it", list(range(1000))) == "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …"[:38] + " …"
    )
    assert redacted("it", {}) == "{}"
    assert redacted("it", frozenset([1])) == "frozenset({1})"
    assert len(redacted("it", dict.fromkeys(range(10**5)))) == 40


@pytest.mark.parametrize("keys", ["password", ["--"], [12]])
def test_rules_that_hide_nothing_are_refused(keys: Any) -> None:
    """One text instead of a list, and names without letters, are mistakes."""
    with pytest.raises(ArgumentError):
        Redaction(keys)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://ada:s3cret@db/shop", "postgresql://[redacted]@db/shop"),
        ("got eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmVk", "got [redacted]"),
        ("sent Bearer abcdefgh12", "sent Bearer [redacted]"),
        ("key AKIAABCDEFGHIJKLMNOP of 2026", "key [redacted] of 2026"),
        ("ghp_" + "a" * 36, "[redacted]"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----.", "[redacted]."),
        ("paid by 4111 1111 1111 1111", "paid by [redacted]"),
        ("order 4111111111111112", "order 4111111111111112"),
        ("password=hunter2; n=1", "password=[redacted]; n=1"),
        ("https://shop/orders/7", "https://shop/orders/7"),
        ("eyJ", "eyJ"),
    ],
    ids=str,
)
def test_secrets_are_known_by_their_shape(text: str, shown: str) -> None:
    """Whatever the value that has them is called; a number that no card has stays."""
    assert Redaction().without_secrets(text) == shown


def test_many_names_are_remembered_and_no_more() -> None:
    """A stranger's dict may have any number of names, of any length."""
    redaction = Redaction()
    names = [f"password{at}" for at in range(1500)] + ["token" * 30]

    assert all(redaction.hides(it) for it in names * 2)
    assert redaction.hides(type("Text", (str,), {})("password"))
