"""Lets a fuzzer that sees which lines are reached look for bytes that the decoder fails on.

``python -m tests.relay.fuzz_reading 60`` does so for 60 seconds.
"""

from __future__ import annotations

import sys

import atheris

from heliograph import Namespace
from heliograph.relay import envelopes
from heliograph.relay.envelopes import Envelope, readable, write
from heliograph.relay.errors import EnvelopeError
from heliograph.relay.limits import Limits
from heliograph.relay.payloads import Payload

# To instrument what is imported would put code into the stubs of declarations, too.
envelopes.is_deeper = atheris.instrument_func(envelopes.is_deeper)
read = atheris.instrument_func(envelopes.read)
Payload.read = atheris.instrument_func(Payload.read)  # type: ignore[method-assign]  # On purpose.


def _stub(sender: str, *, order_id: int, lines: list[dict[str, float]], note: str = "") -> None: ...


_shop = Namespace("fuzzed")
_shop.declare(name="paid")(_stub)
_payload = Payload(_shop.signal("paid"), Limits())


def look(data: bytes) -> None:
    """Read some bytes as a process does that gets them from a broker."""
    try:
        envelope = read(data, Limits())
        readable(envelope)
        _payload.read(envelope.payload)
    except EnvelopeError:
        return
    # What is taken is written and read again as the same.
    assert read(write(envelope), Limits()) == envelope


def main() -> None:
    """Begin with one that is right, for so many seconds."""
    right = Envelope(v=1, id="1", signal="paid", origin="shop", time=1.0)
    look(write(right))
    atheris.Setup([sys.argv[0], f"-max_total_time={sys.argv[1]}", "-max_len=4096"], look)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
