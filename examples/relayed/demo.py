"""Starts the shop in several processes over a broker, changes a price, and kills a worker twice.

``python -m relayed.demo`` in the folder above. The exit status is 0 if both processes knew the new
price, and if every order was billed once.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import func, insert, select

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPTS = sysconfig.get_path("scripts")
HELIOGRAPH = str(Path(SCRIPTS) / "heliograph")
NATS = shutil.which("nats-server", path=SCRIPTS) or "nats-server"
PATIENCE = 30.0


def main() -> int:
    """Start, change, order, kill, and count; return the exit status."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        broker, web = free_port(), free_port()
        os.environ["HELIOGRAPH_RELAY_URL"] = f"nats://127.0.0.1:{broker}"
        os.environ["SHOP_DATABASE"] = f"sqlite:///{folder / 'shop.db'}"
        fill()
        stack.enter_context(Process(folder / "nats.log", *nats(broker, folder)))
        wait("the broker", lambda: listens(broker))
        stack.enter_context(Process(folder / "web.log", *gunicorn(web)))
        wait("the shop", lambda: listens(web))
        first, second = two_workers(web)
        print(f"A broker, and a shop in two processes: {first} and {second}.\n")
        change_price(web)
        kill_before_the_commit(web, folder)
        kill_after_the_commit(web, folder)
        finish(folder)
        print(f"\nBills of each order: {bills()}.")
        return 0 if bills() == {1: 1, 2: 1} else 1


def fill() -> None:
    """Make the tables, and put a product into them."""
    from .wiring import engine, products, tables

    tables.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(products).values(sku="mirror", price=4900))


def bills() -> dict[int, int]:
    """Return how many bills each order has."""
    from .wiring import bills, engine

    query = select(bills.c.order_id, func.count().label("several")).group_by(bills.c.order_id)
    with engine.begin() as connection:
        return {it.order_id: it.several for it in connection.execute(query)}


class Process:
    """A program that runs until the block ends, at the latest."""

    def __init__(self, log: Path, *command: str, **environment: str) -> None:
        self._output = log.open("ab")
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=self._output,
            stderr=self._output,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._output.close()

    def kill(self) -> int:
        """End it as ``kill -9`` does; return its number."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        return self._process.pid


def nats(port: int, folder: Path) -> list[str]:
    """Return the command of the broker."""
    return [NATS, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder / "nats")]


def gunicorn(port: int) -> list[str]:
    """Return the command of the shop in two processes."""
    command = [sys.executable, "-m", "gunicorn", "--workers", "2", "--bind", f"127.0.0.1:{port}"]
    return [*command, "relayed.web:app"]


def worker(folder: Path, linger: str = "") -> Process:
    """Return the process that bills."""
    command = [HELIOGRAPH, "worker", "relayed.billing", "--groups", "billing"]
    return Process(folder / "worker.log", *command, SHOP_LINGER=linger)


def log(folder: Path) -> str:
    """Return what the workers have printed."""
    return (folder / "worker.log").read_text()


def two_workers(port: int) -> tuple[int, int]:
    """Wait until both processes of the shop have a connection to the broker."""
    there: set[int] = set()

    def both() -> bool:
        told = visit(port, "GET", "/health")
        there.update([told["process"]] if told["connected"] else [])
        return len(there) > 1

    wait("both processes of the shop", both)
    first, second = sorted(there)
    return first, second


def change_price(port: int) -> None:
    """Change a price in one process, and wait until the other one knows it."""
    cached: dict[int, int] = {}

    def both_cached() -> bool:
        told = visit(port, "GET", "/prices/mirror")
        cached.update({told["process"]: told["price"]} if told["cached"] else {})
        return len(cached) > 1

    wait("both caches", both_cached)
    print(f"Both have the price of the mirror in their cache: {cached}.")
    by = visit(port, "POST", "/prices/mirror", "price=3900")["process"]
    begun = time.monotonic()
    [other] = cached.keys() - {by}

    def knows() -> bool:
        told = visit(port, "GET", "/prices/mirror")
        return told.items() >= {"process": other, "price": 3900}.items()

    wait("the other process", knows)
    took = (time.monotonic() - begun) * 1000
    print(f"Process {by} changes it to 3900. Process {other} says 3900 {took:.0f} ms later.\n")


def kill_before_the_commit(port: int, folder: Path) -> None:
    """Place an order, and kill the worker before it has committed the bill."""
    with worker(folder, "before the commit") as it:
        order(port, 1)
        wait("the worker", lambda: "order 1 is at work, before the commit\n" in log(folder))
        print(f"  kill -9 {it.kill()}: the worker dies before it has committed the bill.")
    print(f"  Bills of each order: {bills()}.")


def kill_after_the_commit(port: int, folder: Path) -> None:
    """Let another worker bill that order; kill it once it has committed the bill of the next."""
    with worker(folder, "after the commit") as it:
        wait("the bill", lambda: bills() == {1: 1})
        print(f"  Another worker gets it. Bills of each order: {bills()}.\n")
        order(port, 2)
        wait("the worker", lambda: "order 2 is at work, after the commit\n" in log(folder))
        print(f"  kill -9 {it.kill()}: the worker dies before it could say that it has billed it.")


def finish(folder: Path) -> None:
    """Let one more worker get the second order again, and look what is left."""
    with worker(folder):
        wait("the last bill", lambda: "order 2 has its bill already\n" in log(folder))
        print("  Another worker gets it, and sees that it has its bill already.\n")
        show("relay", "status", "relayed.billing")


def order(port: int, number: int) -> None:
    """Place an order."""
    visit(port, "POST", "/orders", "sku=mirror")
    print(f"Order {number} is committed, together with its signal.")


def show(*words: str) -> None:
    """Show and run a command."""
    print(f"$ heliograph {' '.join(words)}", flush=True)
    subprocess.run([HELIOGRAPH, *words], check=True)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        port: int = it.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Tell whether somebody listens."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait(what: str, is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > end:
            sys.exit(f"There is no sign of {what}.")
        time.sleep(0.02)


def visit(port: int, method: str, path: str, body: str = "") -> dict[str, Any]:
    """Send a request; return the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    connection.request(method, path, body or None, headers)
    answer: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return answer


if __name__ == "__main__":
    sys.exit(main())
