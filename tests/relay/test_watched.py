"""Watched: instruments see what arrives from elsewhere, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from heliograph import add_instrument, remove_instrument
from tests.relay.processes import declared, new_url, process, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph import Emission


@pytest.fixture
def seen() -> Iterator[list[Emission]]:
    """Give what an instrument sees."""
    found: list[Emission] = []
    add_instrument(found.append)
    yield found
    remove_instrument(found.append)


def test_an_instrument_sees_what_arrives_with_its_origin(seen: list[Emission]) -> None:
    """One emission for each receiver there, and the send itself, which has none."""
    url = new_url()
    made, other = process(url), process(url)
    other.relay.connect(other.signal, lambda _, *, n: None, scope="each")
    with made.relay, other.relay:
        made.signal.send("shop", n=1)
        until(lambda: len(seen) == 3)

    [sent] = [it for it in seen if it.origin is None]
    arrived = [it for it in seen if it.origin is not None]
    assert (sent.signal, sent.origin, len(sent.deliveries)) == (made.signal, None, 1)
    assert [(it.signal, it.sender, it.payload, it.origin) for it in arrived] == [
        (other.signal, "shop", {"n": 1}, made.relay.origin)
    ] * 2
    assert [it.receiver for it in arrived[0].deliveries] == [other.hear]
    assert [it.envelopes for it in seen] == [sent.envelopes] * 3
    assert len(sent.envelopes) == 1


def test_an_instrument_sees_each_try_of_a_group(seen: list[Emission]) -> None:
    """With what it has failed with."""
    made = process(new_url(), "durable", groups=["billing"])
    tries: list[int] = []

    def work(sender: object, *, n: int) -> None:
        tries.append(n)
        if len(tries) == 1:
            msg = "out of ink"
            raise OSError(msg)

    made.relay.connect(made.signal, work, group="billing", backoff=(0.001, 0.001))
    with made.relay:
        made.signal.send("shop", n=1)
        until(lambda: made.relay.health().received)

    tried = [it for it in seen if it.origin == made.relay.origin]
    assert [[type(one.error) for one in it.deliveries] for it in tried] == [
        [OSError],
        [type(None)],
    ]
    [sent] = [it for it in seen if it.origin is None]  # A try may be told of before it.
    assert sent.deliveries == ()


def test_what_a_receiver_sends_is_inside_of_what_it_was_called_for(seen: list[Emission]) -> None:
    """As with any send; what it was called for is the first of all."""
    made = process(new_url(), "durable", groups=["billing"])
    local = declared("local")

    def work(sender: object, *, n: int) -> None:
        local.send("shop", n=n)

    made.relay.connect(made.signal, work, group="billing")
    with made.relay:
        made.signal.send("shop", n=1)
        until(lambda: len(seen) == 3)

    inner, outer = (it for it in seen if it.origin or it.signal is local)
    assert (inner.signal, outer.signal) == (local, made.signal)
    assert (inner.parent, outer.parent) == (outer, None)


def test_errors_of_observers_are_logged_and_counted_where_they_were_connected(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Those of others are logged by the relay."""
    url = new_url()
    made, other = process(url), process(url)

    def fail(sender: object, *, n: int) -> None:
        msg = "out of ink"
        raise OSError(msg)

    def observe(sender: object, *, n: int) -> None:
        msg = "out of paper"
        raise OSError(msg)

    other.relay.connect(other.signal, fail, scope="each", priority=1)
    other.relay.connect(other.signal, observe, scope="each", on_error="log", priority=1)
    with made.relay, other.relay:
        made.signal.send("shop", n=1)
        until(lambda: other.heard)

    assert other.relay.health().failed == 1
    [observed] = [it for it in other.signal.connections if it.receiver is observe]
    assert observed.receiver_failures == 1
    assert (
        "A receiver of signal 'changed' failed, when it arrived from another process. The others "
        "are called all the same."
    ) in caplog.messages
