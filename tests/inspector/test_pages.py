"""What is known of signals, as a page for people and as one for programs."""

from __future__ import annotations

import json
from dataclasses import replace
from textwrap import dedent

from heliograph.inspector import (
    Catalogue,
    KnownArgument,
    KnownNamespace,
    KnownReceiver,
    KnownSend,
    KnownSignal,
    as_json,
    as_markdown,
)

PLAIN = KnownSignal(
    name="lost",
    variable="",
    doc=None,
    declared=False,
    location=None,
    sender="",
    payload=(),
    deprecated=None,
    receivers=(),
    sends=(),
)
COUNT = KnownReceiver(
    name="count",
    location="shop.py:7",
    sender="ANY",
    priority=0,
    on_error="raise",
    is_async=False,
    takes_extra=True,
)
PAID = KnownSignal(
    name="paid",
    variable="shop.paid",
    doc="All is paid.\n\nIn full.",
    declared=True,
    location="shop.py:3",
    sender="Shop",
    payload=(
        KnownArgument("order", "Order | None", required=True, default=None, deprecated=None),
        KnownArgument("note", "", required=False, default="'`|`'", deprecated="use\n order"),
    ),
    deprecated="use settled.",
    receivers=(
        COUNT,
        replace(
            COUNT, sender="a Shop", priority=-1, on_error="log", is_async=True, takes_extra=False
        ),
    ),
    sends=(KnownSend("shop.pay", "shop.py:9"),),
)


def page(*namespaces: KnownNamespace) -> str:
    """Return a page in Markdown, without its first lines."""
    written = as_markdown(Catalogue("shop", namespaces))
    return written.partition("mended in the declarations.\n\n")[2]


def test_a_page_says_what_it_is_about_and_where_it_comes_from() -> None:
    """So that nobody mends it by hand."""
    assert as_markdown(Catalogue("shop:shop", ())) == dedent("""\
        # Signals of `shop:shop`

        Made by `heliograph signals`: what is wrong here is mended in the declarations.
        """)


def test_a_signal_has_a_section_with_all_that_is_known_of_it() -> None:
    """Text and deprecations, payload, receivers in their order, and sends."""
    assert page(KnownNamespace("our shop", "shop.shop", (PAID,))) == dedent("""\
        ## `our shop`

        It is imported as `shop.shop`.

        ### `paid`

        **Deprecated**: use settled.

        All is paid.

        In full.

        It is imported as `shop.paid`.
        It is declared at `shop.py:3`.
        Its senders are of type `Shop`.

        | payload | type | default | remarks |
        | --- | --- | --- | --- |
        | `order` | `Order \\| None` | required |  |
        | `note` |  | `` '`\\|`' `` | deprecated: use order |

        | receiver | hears | remarks | connected at |
        | --- | --- | --- | --- |
        | `count` | `ANY` |  | `shop.py:7` |
        | `count` | `a Shop` | priority -1, errors logged, async, without `**extra` | `shop.py:7` |

        | sent by | at |
        | --- | --- |
        | `shop.pay` | `shop.py:9` |
        """)


def test_what_is_not_known_of_a_signal_is_said() -> None:
    """An empty place would leave it open whether somebody has looked."""
    bare = replace(PLAIN, name="bare", declared=True, location="shop.py:4")

    assert page(KnownNamespace(None, "", (PLAIN, bare))) == dedent("""\
        ## In no namespace

        ### `lost`

        It is not declared, and may carry anything.

        Nobody is connected.

        No place is known that sends it.

        ### `bare`

        It is declared at `shop.py:4`.
        It carries nothing.

        Nobody is connected.

        No place is known that sends it.
        """)


def test_a_namespace_without_a_name_is_called_by_its_variable_once() -> None:
    """Saying where it is imported from would say it twice."""
    assert page(KnownNamespace("shop.shop", "shop.shop", ())) == "## `shop.shop`\n"


def test_programs_read_all_that_is_known() -> None:
    """The names are those of the attributes, and the text is ASCII."""
    signal = replace(
        PLAIN,
        name="payé",
        payload=(KnownArgument("order", "int", required=True, default=None, deprecated=None),),
        receivers=(COUNT,),
        sends=(KnownSend("shop.pay", "shop.py:9"),),
    )

    written = as_json(Catalogue("shop", (KnownNamespace(None, "", (signal,)),)))

    assert written.isascii()
    assert json.loads(written) == {
        "target": "shop",
        "namespaces": [
            {
                "name": None,
                "variable": "",
                "signals": [
                    {
                        "name": "payé",
                        "variable": "",
                        "doc": None,
                        "declared": False,
                        "location": None,
                        "sender": "",
                        "payload": [
                            {
                                "name": "order",
                                "type": "int",
                                "required": True,
                                "default": None,
                                "deprecated": None,
                            }
                        ],
                        "deprecated": None,
                        "receivers": [
                            {
                                "name": "count",
                                "location": "shop.py:7",
                                "sender": "ANY",
                                "priority": 0,
                                "on_error": "raise",
                                "is_async": False,
                                "takes_extra": True,
                            }
                        ],
                        "sends": [{"name": "shop.pay", "location": "shop.py:9"}],
                    }
                ],
            }
        ],
    }
