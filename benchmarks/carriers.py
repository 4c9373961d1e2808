"""The processes of one way to carry signals: one that sends, and one that hears.

``python -m benchmarks.carriers WAY ROLE URL COUNT PAUSE`` prints one line of JSON: when the first
was sent, when the last had arrived, and how long each took, by the clock of the machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SKU = "a1" * 500
ROOM = 900
"""How many wait in the process that sends, before it waits as well."""


class Heard:
    """What one process hears: the n-th one was sent at the time that it carries."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._latencies: list[float] = []
        self.done = threading.Event()
        self.last = 0.0

    def hear(self, sent: float) -> None:
        """Note one."""
        self.last = time.time()
        self._latencies.append(self.last - sent)
        if len(self._latencies) >= self._count:
            self.done.set()

    def report(self) -> dict[str, Any]:
        """Return what was heard."""
        self.done.wait(60)
        found = sorted(self._latencies) or [0.0]
        return {"last": self.last, "heard": len(self._latencies), "median": found[len(found) // 2]}


def _ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def _tell(it: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(it) + "\n")
    sys.stdout.flush()


def _sending(count: int, pause: float, send: Callable[[float], object]) -> float:
    """Send so many, at a pace if there is one; return when the first was sent."""
    first = time.time()
    for n in range(count):
        send(time.time())
        if pause:
            time.sleep(max(0.0, first + (n + 1) * pause - time.time()))
    return first


def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


class ByHand:
    """nats-py, as one writes it by hand for a program with threads."""

    subject = "benchmarks.by-hand"

    def hear(self, url: str, heard: Heard) -> None:
        """Begin to hear."""
        import nats

        async def run() -> None:
            client = await nats.connect(url)

            async def take(message: Any) -> None:
                heard.hear(json.loads(message.data)["sent"])

            await client.subscribe(
                self.subject, cb=take, pending_msgs_limit=-1, pending_bytes_limit=-1
            )
            await client.flush()
            _ready()

        asyncio.run_coroutine_threadsafe(run(), _loop()).result()
        _tell(heard.report())

    def send(self, url: str, count: int, pause: float) -> None:
        """Hand everything to a loop in a thread."""
        import nats

        loop, waiting = _loop(), deque[bytes]()
        client: Any = asyncio.run_coroutine_threadsafe(nats.connect(url), loop).result()
        busy = False

        async def hand_over() -> None:
            nonlocal busy
            busy = False
            while waiting:
                await client.publish(self.subject, waiting.popleft())

        def send(sent: float) -> None:
            nonlocal busy
            waiting.append(json.dumps({"sent": sent, "sku": SKU}).encode())
            if not busy:
                busy = True
                loop.call_soon_threadsafe(lambda: loop.create_task(hand_over()))
            while len(waiting) > ROOM:
                time.sleep(0.0005)

        first = _sending(count, pause, send)
        while waiting:
            time.sleep(0.001)
        asyncio.run_coroutine_threadsafe(client.flush(), loop).result()
        _tell({"first": first})


class JetStreamByHand:
    """JetStream by nats-py: each publish waits for its answer, and a loop pulls."""

    stream, subject = "benchmarks-by-hand", "benchmarks.stored"

    def hear(self, url: str, heard: Heard) -> None:
        """Pull and acknowledge, ten at a time."""
        import nats
        from nats.errors import TimeoutError as NothingError

        async def run() -> None:
            client = await nats.connect(url)
            stored = client.jetstream()
            await stored.add_stream(name=self.stream, subjects=[self.subject])
            await stored.purge_stream(self.stream)
            pull = await stored.pull_subscribe(self.subject, durable="billing")
            _ready()
            while not heard.done.is_set():
                try:
                    messages = await pull.fetch(10, timeout=5)
                except NothingError:
                    continue
                for it in messages:
                    heard.hear(json.loads(it.data)["sent"])
                    await it.ack()

        asyncio.run(run())
        _tell(heard.report())

    def send(self, url: str, count: int, pause: float) -> None:
        """Publish one after the other."""
        import nats

        async def run() -> float:
            client = await nats.connect(url)
            stored = client.jetstream()
            first = time.time()
            for n in range(count):
                await stored.publish(
                    self.subject, json.dumps({"sent": time.time(), "sku": SKU}).encode()
                )
                if pause:
                    await asyncio.sleep(max(0.0, first + (n + 1) * pause - time.time()))
            return first

        _tell({"first": asyncio.run(run())})


class Relayed:
    """Heliograph's relay.

    Args:
        mode: How the signal crosses.
    """

    def __init__(self, mode: str) -> None:
        self._mode = mode

    def _relay(self, url: str, groups: tuple[str, ...] = ()) -> Any:
        from heliograph import Namespace
        from heliograph.relay import Limits, Relay

        def changed(sender: str, *, sent: float, sku: str) -> None:
            """A price is not what it was."""

        shop = Namespace("benchmarks")
        shop.declare(changed)
        relay = Relay(url, app="benchmarks", groups=groups, limits=Limits(waiting=1000))
        getattr(relay, self._mode)(shop.signal("changed"))
        return relay, shop.signal("changed")

    def hear(self, url: str, heard: Heard) -> None:
        """Connect a receiver."""
        durable = self._mode == "durable"
        relay, signal = self._relay(url)

        def note(sender: str, *, sent: float, sku: str) -> None:
            heard.hear(sent)

        relay.connect(signal, note, **({"group": "billing"} if durable else {"scope": "each"}))
        relay.start(["billing"] if durable else [])
        _ready()
        _tell(heard.report())
        relay.stop()

    def send(self, url: str, count: int, pause: float) -> None:
        """Send, and let the relay hand over."""
        relay, signal = self._relay(url)
        room = ROOM

        def send(sent: float) -> None:
            nonlocal room
            while room <= 0:
                room = ROOM - relay.health().waiting
                if room <= 0:
                    time.sleep(0.0005)
            signal.send("shop", sent=sent, sku=SKU)
            room -= 1

        with relay:
            first = _sending(count, pause, send)
            relay.flush(60)
            _tell({"first": first})


class FastStream:
    """FastStream over NATS."""

    subject = "benchmarks.faststream"

    def hear(self, url: str, heard: Heard) -> None:
        """Begin to hear."""
        from faststream.nats import NatsBroker

        async def run() -> None:
            broker = NatsBroker(url, logger=None)

            @broker.subscriber(self.subject)  # type: ignore[untyped-decorator]  # Typed where it is installed.
            async def take(sent: float, sku: str) -> None:
                heard.hear(sent)

            await broker.start()
            _ready()
            await asyncio.to_thread(heard.done.wait, 120)
            await broker.stop()

        asyncio.run(run())
        _tell(heard.report())

    def send(self, url: str, count: int, pause: float) -> None:
        """Publish one after the other."""
        from faststream.nats import NatsBroker

        async def run() -> float:
            async with NatsBroker(url, logger=None) as broker:
                first = time.time()
                for n in range(count):
                    await broker.publish({"sent": time.time(), "sku": SKU}, self.subject)
                    if pause:
                        await asyncio.sleep(max(0.0, first + (n + 1) * pause - time.time()))
                return first

        _tell({"first": asyncio.run(run())})


class OpenEdx:
    """openedx-events over its bus for Redis."""

    def _signal(self, url: str) -> Any:
        import django
        from django.conf import settings

        settings.configure(
            EVENT_BUS_REDIS_CONNECTION_URL=url,
            EVENT_BUS_TOPIC_PREFIX="benchmarks",
            EVENT_BUS_PRODUCER="edx_event_bus_redis.create_producer",
            EVENT_BUS_CONSUMER="edx_event_bus_redis.RedisEventConsumer",
            SERVICE_VARIANT="benchmarks",
            INSTALLED_APPS=["openedx_events"],
            USE_TZ=True,
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        )
        django.setup()
        from openedx_events.tooling import OpenEdxPublicSignal

        return OpenEdxPublicSignal(
            event_type="org.openedx.benchmarks.price.changed.v1", data={"sent": float, "sku": str}
        )

    def hear(self, url: str, heard: Heard) -> None:
        """Consume in a thread."""
        signal = self._signal(url)
        from edx_event_bus_redis.internal.consumer import RedisEventConsumer

        def note(sent: float, **_: Any) -> None:
            heard.hear(sent)

        signal.connect(note)
        threading.Thread(target=self._tell_and_end, args=(heard,), daemon=True).start()
        # It sets an alarm for each look, which only the main thread may.
        RedisEventConsumer(
            topic="prices", group_id="billing", consumer_name="one"
        ).consume_indefinitely()

    def _tell_and_end(self, heard: Heard) -> None:
        time.sleep(1.0)
        _ready()
        _tell(heard.report())
        os._exit(0)

    def send(self, url: str, count: int, pause: float) -> None:
        """Send one after the other."""
        signal = self._signal(url)
        from edx_event_bus_redis.internal.producer import create_producer

        producer: Any = create_producer()
        metadata = signal.generate_signal_metadata()

        def send(sent: float) -> None:
            producer.send(
                signal=signal,
                topic="prices",
                event_key_field="sku",
                event_data={"sent": sent, "sku": SKU},
                event_metadata=metadata,
            )

        _tell({"first": _sending(count, pause, send)})


WAYS: dict[str, Any] = {
    "nats-py by hand": ByHand(),
    "broadcast": Relayed("broadcast"),
    "FastStream": FastStream(),
    "JetStream by hand": JetStreamByHand(),
    "durable": Relayed("durable"),
    "openedx-events": OpenEdx(),
}
"""All ways, by what the table calls them."""


def main() -> None:
    """Play one role of one way."""
    way, role, url, count, pause = sys.argv[1:]
    if role == "hear":
        WAYS[way].hear(url, Heard(int(count)))
    else:
        WAYS[way].send(url, int(count), float(pause))


if __name__ == "__main__":
    main()
