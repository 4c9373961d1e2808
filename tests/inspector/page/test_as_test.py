"""A trace as a test: what is written, and that it is Python whatever the names are."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph import Namespace, Signal
from heliograph.inspector.page.as_test import as_test
from heliograph.inspector.page.wiring import Held
from tests.inspector.page.seen_values import a_request, an_emission

shop = Namespace("shop")
placed, paid = shop.signal("order-placed"), shop.signal("order-paid")
HELD = [
    Held(placed, "order-placed", "shop", "shop.signals.order_placed", "shop.signals.shop"),
    Held(paid, "order-paid", "shop", "", "shop.signals.shop"),
]


def test_a_request_becomes_a_test_of_what_it_sends() -> None:
    """Signals are imported from where they are held, or taken out of their namespace."""
    emissions = [
        an_emission(0, signal="request-started", namespace="lifecycle"),
        an_emission(2, signal="order-paid"),
        an_emission(1, payload={"item": "'mirror'", "total": "950", "id": "17", "user": None}),
        an_emission(3, signal="order-paid"),
    ]

    written = as_test(a_request(), emissions, HELD)

    assert written.test == dedent('''\
        from shop.signals import order_placed, shop


        def test_get_orders_sends_its_signals(client, signals):
            """GET /orders sends these signals."""
            client.get("/orders")

            signals.assert_sent(order_placed, times=1, item="mirror", total=950)
            signals.assert_sent(shop.signal("order-paid"), times=2)
            signals.assert_order(order_placed, shop.signal("order-paid"))
        ''')
    assert written.note == (
        "It needs a fixture `client`: the test client of your framework. "
        "The query of the request is not recorded: add it if there was one."
    )


def test_a_body_has_to_be_added_by_hand() -> None:
    """It may be large and secret, so nobody records it; and the note says so."""
    written = as_test(a_request(method="POST"), [an_emission()], HELD)

    assert 'client.post("/orders")' in written.test
    assert "The query and the body of the request are not recorded: add them." in written.note


def test_a_method_without_a_function_of_its_own_is_passed() -> None:
    """As Flask's and Django's clients take it."""
    written = as_test(a_request(method="PROPFIND", path="/a b/ü"), [an_emission()], HELD)

    assert 'client.open("/a%20b/%C3%BC", method="PROPFIND")' in written.test


def test_what_no_test_can_import_is_found_by_its_name() -> None:
    """A program's own module has another name in a test."""
    main = [Held(placed, "order-placed", "shop", "__main__.order_placed", "")]
    other = [Held(placed, "order-placed", "shop", "shop.class", "")]

    for held in (main, other, []):
        written = as_test(a_request(), [an_emission(0), an_emission(1)], held)
        assert written.test == dedent('''\
            def test_get_orders_sends_its_signals(client, signals):
                """GET /orders sends these signals."""
                client.get("/orders")

                found = [it for it in signals if it.signal.name == "order-placed"]
                assert len(found) == 2
            ''')


def test_two_variables_of_one_name_do_not_meet() -> None:
    """The second is found by its name."""
    twice = [
        Held(placed, "order-placed", "shop", "a.placed", ""),
        Held(paid, "order-paid", "shop", "b.placed", ""),
    ]
    written = as_test(a_request(), [an_emission(0), an_emission(1, signal="order-paid")], twice)

    assert written.test.startswith("from a import placed\n")
    assert 'it.signal.name == "order-paid"' in written.test


def test_what_every_request_sends_is_kept_where_there_is_nothing_else() -> None:
    """A test that asserts nothing would be none."""
    started = Held(
        Signal(), "request-started", "lifecycle", "heliograph.lifecycle.signals.request_started", ""
    )
    written = as_test(
        a_request(), [an_emission(signal="request-started", namespace="lifecycle")], [started]
    )

    assert "signals.assert_sent(request_started, times=1)" in written.test


def test_a_request_that_sent_nothing_is_expected_to_send_nothing() -> None:
    """So the test holds that."""
    assert "assert len(signals) == 0" in as_test(a_request(), [], HELD).test


def test_outside_of_requests_the_place_of_the_send_is_told() -> None:
    """Whoever copies it writes the call."""
    written = as_test(None, [an_emission(0, request=None), an_emission(1, location=None)], HELD)

    assert written.test == dedent('''\
        from shop.signals import order_placed


        def test_order_placed_is_sent(signals):
            """These signals are sent."""
            # Write here what sends them.
            # Sent at shop/views.py:9.

            signals.assert_sent(order_placed, times=2)
        ''')
    assert written.note == (
        "These signals were sent outside of a request: write what sends them into the test."
    )
    assert "def test_nothing_is_sent(signals)" in as_test(None, [], []).test


def test_keys_that_are_no_keywords_are_in_a_mapping() -> None:
    """`times` and `class` are keys like others."""
    payload = {"times": "3", "class": "'a'", "text": '"it\'s"', "long": "'…", "pair": "(1, 2)"}
    written = as_test(a_request(), [an_emission(payload=payload)], HELD)

    assert (
        'signals.assert_sent(order_placed, {"times": 3, "class": "a"}, times=1, text="it\'s")'
    ) in written.test


def test_a_long_assertion_has_a_line_for_each_argument() -> None:
    """Formatters would make it so."""
    payload = {f"key_{at}": f"'{'x' * 30}'" for at in range(3)}
    written = as_test(a_request(), [an_emission(payload=payload)], HELD)

    assert "    signals.assert_sent(\n        order_placed,\n        times=1,\n" in written.test


@pytest.mark.unmeasured
@given(st.text(), st.text(), st.text(min_size=1), st.text(), st.text())
def test_whatever_the_names_are_it_is_one_python_function(
    path: str, name: str, key: str, value: str, place: str
) -> None:
    """Nothing of the program becomes code."""
    emissions = [
        an_emission(0, signal=name, payload={key: repr(value)}, location=place),
        an_emission(1, signal=name + "2", payload={key: value}),
    ]
    held = [Held(placed, name, "shop", "", "shop.signals.shop"), *HELD]
    for request in (a_request(path=path, method=name), None):
        tree = ast.parse(as_test(request, emissions, held).test)
        kinds = [type(it) for it in tree.body]
        assert kinds in ([ast.ImportFrom, ast.FunctionDef], [ast.FunctionDef])
