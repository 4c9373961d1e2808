"""How signals are printed for people: in columns, in 80 columns, and what is folded away."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from textwrap import dedent

from rich.console import Console

from heliograph.cli.listing import print_catalogue
from heliograph.inspector import Catalogue, NamespaceInfo
from tests.inspector.graph.programs import PAID, SHOP, THANK


def printed(catalogue: Catalogue, *, width: int, fold: bool = True) -> str:
    """Return what is printed on a terminal of this width."""
    text = StringIO()
    print_catalogue(catalogue, Console(file=text, width=width, highlight=False), fold=fold)
    return text.getvalue()


def test_a_wide_terminal_shows_columns() -> None:
    """And folds away what nobody hears of packages."""
    assert printed(SHOP, width=200) == dedent("""\
        shop  shop.shop
          paid (total: int, note: str = '', any=1)  shop.py:3
            All is paid <b>in full</b>.
            1 shop.thank                    any sender       weak                                                                 shop.py:7
            2 shop.count.<locals>.<lambda>  from 'a "shop"'  strong, async, inline, after the commit, priority -1, errors logged  built in, connected at shop.py:9
            x shop.make.<locals>.log  died; it was connected at shop.py:12
            ? shop.mail is not imported and connects to it: --import shop.mail
          lost  payload not declared
            no receivers

        in no namespace
          sent  payload not declared
            1 shop.thank                    any sender       weak                                                                 shop.py:7

        flask  flask.signals._signals
          no receivers: request-started

        4 signals, 3 receivers, 2 signals unheard, 1 receiver died.
        """)  # noqa: E501 - as wide as the terminal.


def test_eighty_columns_show_each_receiver_in_lines_of_its_own() -> None:
    """Nothing is wider, and the rest of a long line stands under it."""
    deprecated = replace(PAID, deprecated="use\nsettled " + "instead " * 12)
    shown = printed(
        Catalogue("shop", (NamespaceInfo("shop", "shop.shop", (deprecated,)),)), width=80
    )

    assert shown == dedent("""\
        shop  shop.shop
          paid (total: int, note: str = '', any=1)  shop.py:3
            deprecated: use settled instead instead instead instead instead instead
              instead instead instead instead instead instead
            All is paid <b>in full</b>.
            1 shop.thank
              any sender, weak  shop.py:7
            2 shop.count.<locals>.<lambda>
              from 'a "shop"', strong, async, inline, after the commit, priority -1,
                errors logged  built in
              connected at shop.py:9
            x shop.make.<locals>.log  died; it was connected at shop.py:12
            ? shop.mail is not imported and connects to it: --import shop.mail

        1 signal, 2 receivers, 1 receiver died.
        """)
    assert max(map(len, shown.splitlines())) <= 80


def test_what_nobody_hears_is_shown_line_by_line_if_it_is_asked_for() -> None:
    """Then it is what the user looks for."""
    assert "  request-started  payload not declared\n    no receivers\n" in printed(
        SHOP, width=200, fold=False
    )


def test_what_a_relay_calls_is_not_what_a_commit_calls() -> None:
    """Receivers of a group wait for what arrives, and say so."""
    paid = replace(PAID, receivers=(replace(THANK, when="relayed"),))
    shop = replace(SHOP, namespaces=(replace(SHOP.namespaces[0], signals=(paid,)),))

    assert "1 shop.thank  any sender  weak, by the relay  shop.py:7" in printed(shop, width=200)
