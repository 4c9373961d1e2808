"""Hostile: whoever can write to the broker lets no code run but receivers that fit."""

from __future__ import annotations

import json
import sys
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph import Signal
from heliograph.relay.envelopes import Envelope
from tests.relay.processes import Process, new_url, process, until

ENVELOPE = {
    "v": 1,
    "id": "1",
    "signal": "changed",
    "origin": "elsewhere",
    "sender": "shop",
    "time": 1.0,
    "seq": 1,
    "payload": {"n": 1},
}


def changed(**changes: Any) -> bytes:
    """Return an envelope with other fields."""
    return json.dumps({**ENVELOPE, **changes}).encode()


def without(name: str) -> bytes:
    """Return an envelope that lacks a field."""
    return json.dumps({key: value for key, value in ENVELOPE.items() if key != name}).encode()


DEEP = b'{"n":1,"x":' * 10_000
HOSTILE = {
    "nothing": (b"", "lost by the broker"),
    "no JSON": (b"\x80\x04\x95cos\nsystem\n", "malformed"),
    "a text": (b'"changed"', "malformed"),
    "deep": (b"[" * 10_000 + b"]" * 10_000, "too deep"),
    "a deep payload": (b'{"payload":' + DEEP + b"1" + b"}" * 10_001, "too large"),
    "deep, but small": (changed().replace(b'"n": 1', b'"n": ' + b"[" * 40 + b"]" * 40), "too deep"),
    "large": (changed(payload={"n": 1, "note": "x" * 100_000}), "too large"),
    "10 MiB": (b"x" * 10 * 1024 * 1024, "too large"),
    "a huge number": (changed().replace(b'"n": 1', b'"n": ' + b"9" * 30_000), "payload"),
    "a huge seq": (changed(seq=10**30), "malformed"),
    "a negative seq": (changed(seq=-1), "malformed"),
    "from the future": (changed(v=2), "version"),
    "of no version": (without("v"), "version"),
    "without a signal": (without("signal"), "malformed"),
    "without an origin": (without("origin"), "malformed"),
    "without a time": (without("time"), "malformed"),
    "another signal": (changed(signal="os.system"), "unknown signal"),
    "a signal of another type": (changed(signal=["changed"]), "malformed"),
    "a sender of another type": (changed(sender={"a": 1}), "malformed"),
    "a long way": (changed(hops=9), "hops"),
    "a payload of another type": (changed(payload=["n"]), "payload"),
    "an argument of another type": (changed(payload={"n": "1"}), "payload"),
    "an argument too few": (changed(payload={}), "payload"),
    "no payload": (without("payload"), "payload"),
}
ACCEPTED = {
    "as it is": changed(),
    "fields of a later version": changed(colour="red", payload={"n": 1, "currency": "EUR"}),
    "a key twice": changed().replace(b'"n": 1', b'"n": 2, "n": 1'),
    "a sender that nobody knows": changed(sender="__import__('os')"),
    "no number": without("seq"),
    "a strange origin": changed(origin="\x00'; DROP TABLE orders"),
    "a strange trace": changed(traceparent="x" * 1000, tracestate="y"),
}


def feed(made: Process, data: bytes) -> None:
    """Hand some bytes over as a broker does."""
    crossing = made.relay.running.crossings[0]
    transport: Any = made.relay.running.transport
    log = transport._place.log(crossing.channel)
    if crossing.channel.mode == "broadcast":
        log.tell(data)
    else:
        log.append(str(uuid4()), data)


def imported() -> set[str]:
    """Return what has been imported, but for what the engine itself loads with a first send."""
    return {it for it in sys.modules if not it.startswith("heliograph.core.")}


@pytest.mark.parametrize("mode", ["broadcast", "replay"])
def test_what_is_hostile_is_counted_and_calls_nobody(
    mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged once for each reason, and nothing is imported; what comes after is heard."""
    made = process(new_url(), mode)
    with made.relay:
        feed(made, changed())
        until(lambda: made.heard)
        before = imported()
        for data, _ in HOSTILE.values():
            feed(made, data)
        feed(made, changed(seq=2))
        until(lambda: made.heard[-1] == 1 and made.relay.health().received == 2)

    assert imported() == before
    expected: dict[str, int] = {}
    for _, reason in HOSTILE.values():
        expected[reason] = expected.get(reason, 0) + 1
    assert made.relay.health().dropped == expected
    assert [it for it in made.heard if isinstance(it, int)] == [1, 1]
    told = [it for it in caplog.messages if it.startswith("What arrived for ")]
    assert len(told) == len(expected)
    assert (
        "What arrived for 'changed' of 'shop' is dropped, and so are others like it, which are "
        "counted as 'unknown signal': It is of another signal than 'changed' of 'shop'."
    ) in told
    assert not any("os.system" in it or "DROP" in it for it in told)


@pytest.mark.parametrize("mode", ["broadcast", "replay", "durable"])
def test_what_fits_is_received_whoever_sent_it(mode: str) -> None:
    """From older and newer programs."""
    made = process(new_url(), mode, groups=["*"])
    if mode == "durable":
        made.relay.connect(made.signal, made.hear, group="billing")
    with made.relay:
        for data in ACCEPTED.values():
            feed(made, data)
        until(lambda: made.relay.health().received == len(ACCEPTED))

    assert made.heard == [1] * len(ACCEPTED)
    assert made.relay.health().dropped == {}


def test_what_is_hostile_is_put_aside_by_groups() -> None:
    """It is not tried again, and can be looked at."""
    made = process(new_url(), "durable", groups=["billing"])
    made.relay.connect(made.signal, made.hear, group="billing")
    with made.relay:
        for data, _ in HOSTILE.values():
            feed(made, data)
        feed(made, changed())
        until(lambda: made.relay.health().received)
        with made.relay.look() as look:
            letters = look.dead_letters(100)

    assert made.heard == [1]
    assert made.relay.health().dead == len(letters) == len(HOSTILE)
    assert made.relay.health().failed == 0
    assert [it.letter.data for it in letters] == [data for data, _ in HOSTILE.values()]


def test_an_origin_can_be_forged_and_only_hides_itself() -> None:
    """What says that it is of this process is taken for an echo, and nothing else happens."""
    made = process(new_url())
    with made.relay:
        feed(made, changed(origin=made.relay.origin))
        feed(made, changed())
        until(lambda: made.heard)

    assert (made.heard, made.relay.health().own) == ([1], 1)


def test_a_sender_that_fails_to_be_compared_holds_nothing_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What the program registered may be odd; what comes after it is heard."""

    class Unbound:
        """A proxy that is bound for as long as it is registered."""

        bound = True

        def _get_current_object(self) -> object:
            if not self.bound:
                msg = "working outside of application context"
                raise RuntimeError(msg)
            return self

    made = process(new_url())
    Unbound.bound = True
    odd = Unbound()
    made.relay.name_sender("odd", odd)
    made.relay.connect(made.signal, made.hear, "kiosk", scope="each")
    made.signal.disconnect(made.hear)
    made.relay.connect(made.signal, made.hear, "kiosk", scope="each")
    Unbound.bound = False
    with made.relay:
        feed(made, changed(sender="odd"))
        feed(made, changed(sender="kiosk", seq=2))
        until(lambda: made.heard)

    assert made.relay.health().dropped == {"failed here": 1}
    assert "signal 'changed' cannot be received." in caplog.messages


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.dictionaries(st.sampled_from([*Envelope.__struct_fields__, "x"]), JSON)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.binary(max_size=100) | FIELDS.map(lambda it: changed(**it)), max_size=30))
def test_no_bytes_do_harm_to_a_relay(several: list[bytes]) -> None:
    """Each is counted once: as received, as its own, as a notice or as dropped for a reason."""
    url = new_url()
    made, last = process(url), process(url)
    called: list[Any] = []

    @made.signal.connect
    def never(sender: object, **_: object) -> None:
        called.append(sender)

    before = imported()
    with made.relay, last.relay:
        for data in several:
            feed(made, data)
        last.signal.send("the last one", n=-1)
        until(lambda: made.heard[-1:] == [-1])
        health = made.relay.health()

    notices = sum(_is_notice(it) for it in several)
    assert imported() == before
    assert called == []
    assert health.received + health.own + sum(health.dropped.values()) + notices == len(several) + 1
    assert {type(it) for it in made.heard} <= {int, tuple}
    assert health.failed == 0


def _is_notice(data: bytes) -> bool:
    from heliograph.relay import EnvelopeError, Limits
    from heliograph.relay.envelopes import read

    try:
        found = read(data, Limits())
    except EnvelopeError:
        return False
    return found.notice and found.signal == "changed"


def test_nothing_is_looked_up_by_a_name_in_an_envelope() -> None:
    """A signal that this process has, and does not let cross, is not reached."""
    made = process(new_url())
    secret = Signal("secret")
    heard: list[object] = []
    secret.connect(heard.append, weak=False)
    with made.relay:
        feed(made, changed(signal="secret"))
        feed(made, changed())
        until(lambda: made.heard)

    assert heard == []
