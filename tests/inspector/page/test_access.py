"""Who may see the page, and what the others are told."""

from __future__ import annotations

import pytest

from heliograph.inspector.page.access import REFUSALS, Door, Verdict
from heliograph.inspector.page.visits import Visit

HERE = Visit("GET", client="127.0.0.1", host="localhost:5000")
TOKEN = "open sesame"  # noqa: S105 - it opens nothing but a test.


def developing() -> bool:
    """Say yes."""
    return True


def serving() -> bool:
    """Say no."""
    return False


def visit(**changes: object) -> Visit:
    """Return a visit from this machine, but for some changes."""
    values = {name: getattr(HERE, name) for name in Visit.__dataclass_fields__}
    return Visit(**{**values, **changes})


def test_the_page_is_off_in_production() -> None:
    """Without a token there is none."""
    assert Door(None, serving).judge(HERE) is Verdict.OFF


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", None])
@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5000", "shop.localhost", "127.0.0.1:80", "[::1]:5000"]
)
def test_whoever_develops_here_needs_no_token(client: str | None, host: str) -> None:
    """The page is opened on the machine that runs the program, as what it is."""
    assert Door(None, developing).judge(visit(client=client, host=host)) is Verdict.WELCOME


@pytest.mark.parametrize("client", ["192.168.0.7", "2001:db8::1", "testclient"])
def test_others_in_the_network_need_a_token(client: str) -> None:
    """A server of a developer often listens to all addresses."""
    assert Door(None, developing).judge(visit(client=client)) is Verdict.FROM_ELSEWHERE


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "127.0.0.1.nip.io"])
def test_a_site_that_points_its_name_at_this_machine_reads_nothing(host: str) -> None:
    """Whatever name a browser was told, it is not that of the page."""
    assert Door(None, developing).judge(visit(host=host)) is Verdict.UNDER_A_NAME


def test_a_token_opens_it_from_everywhere() -> None:
    """In production too, under any name."""
    door = Door(TOKEN, serving)
    there = visit(client="192.0.2.1", host="shop.example")
    bearer = visit(client="192.0.2.1", host="shop.example", authorization=f"Bearer {TOKEN}")

    assert door.judge(there) is Verdict.NEEDS_TOKEN
    assert door.judge(bearer) is Verdict.WELCOME


@pytest.mark.parametrize(
    "authorization", ["Bearer wrong", "Bearer", "Basic open sesame", "Bearer é"]
)
def test_a_wrong_token_opens_nothing(authorization: str) -> None:
    """And breaks nothing."""
    assert Door(TOKEN, serving).judge(visit(authorization=authorization)) is Verdict.NEEDS_TOKEN


def test_the_token_in_the_address_becomes_a_cookie() -> None:
    """The cookie opens the page, and is not the token."""
    door = Door(TOKEN, serving)
    ticket = door.ticket(visit(query={"token": TOKEN}, secure=True))

    assert ticket is not None
    cookie, *more = ticket[1].split("; ")
    assert (ticket[0], more) == ("Set-Cookie", ["Path=/", "HttpOnly", "SameSite=Strict", "Secure"])
    assert TOKEN not in cookie
    assert door.judge(visit(cookie=f'odd="; a=b; {cookie}')) is Verdict.WELCOME
    assert door.judge(visit(cookie=f"{cookie}0")) is Verdict.NEEDS_TOKEN


def test_over_http_the_cookie_is_not_kept_for_https() -> None:
    """Browsers would not send it."""
    ticket = Door(TOKEN, serving).ticket(visit(query={"token": TOKEN}))

    assert ticket is not None
    assert ticket[1].endswith("; SameSite=Strict")


@pytest.mark.parametrize("query", [{}, {"token": "wrong"}, {"token": ""}])
def test_no_other_address_gives_a_cookie(query: dict[str, str]) -> None:
    """Nor does any without a token to compare with."""
    assert Door(TOKEN, serving).ticket(visit(query=query)) is None
    assert Door(None, developing).ticket(visit(query=query)) is None


def test_programs_on_one_machine_have_cookies_of_their_own() -> None:
    """Cookies do not know ports."""
    tickets = [Door(it, serving).ticket(visit(query={"token": it})) for it in ("one", "two")]

    assert len({it[1].partition("=")[0] for it in tickets if it}) == 2


def test_in_development_a_token_is_asked_of_others_only() -> None:
    """Whoever develops here goes in; others are told of the token."""
    door = Door(TOKEN, developing)

    assert door.judge(HERE) is Verdict.WELCOME
    assert door.judge(visit(client="192.168.0.7")) is Verdict.NEEDS_TOKEN


def test_each_refusal_says_what_to_do() -> None:
    """Whoever reads it can go on."""
    assert set(REFUSALS) == set(Verdict) - {Verdict.WELCOME, Verdict.OFF}
    assert all("token" in it for it in REFUSALS.values())
