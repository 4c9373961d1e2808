"""Real servers with several processes, under load, scraped by a real Prometheus."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from heliograph import Signal
from heliograph.metrics import Metrics
from heliograph.metrics.dashboards import alerts, dashboard, queries
from tests.debian import needed
from tests.lifecycle.served import ROOT, free_port
from tests.metrics.prometheus_server import scraping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.metrics.prometheus_server import Prometheus

SHOP = "tests.metrics.served_shop"
GUNICORN = "gunicorn --workers 4 --bind 127.0.0.1:{port} --config {config} " + f"{SHOP}:wsgi_app"
UVICORN = "uvicorn --workers 2 --port {port} --log-level warning " + f"{SHOP}:asgi_app"
ROUTES = {GUNICORN: "/orders/<int:number>", UVICORN: "/orders/{number:int}"}


REQUESTS = (
    "sum by (http_response_status_code, http_route) (http_server_request_duration_seconds_count)"
)
IN_BACKGROUND = "heliograph_http_background_duration_seconds"


def all_queries() -> list[str]:
    """Give the queries of the dashboard and of the alert rules of the shop."""
    metrics = Metrics()
    metrics.http(active=True)
    metrics.count(Signal("paid"), "orders", labels={"plan": "plan"})
    metrics.observe(Signal("paid"), "order.value", value="total", unit="EUR")
    return [*queries(dashboard(metrics)), *queries(alerts(metrics))]


def without_samples(prometheus: Prometheus) -> list[str]:
    """Ask Prometheus all queries; give those that find nothing, whatever their thresholds."""
    found = []
    for query in all_queries():
        whole = query.replace("$__rate_interval", "1m")
        prometheus.query(whole)
        if not prometheus.query(whole.partition(" > ")[0]):
            found.append(query)
    return found


class Load:
    """Asks a server, in several threads, and counts what it was answered."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answers: Counter[tuple[str, int]] = Counter()
        self.pids: set[str] = set()
        self._lock = threading.Lock()

    def ask(self, path: str) -> str:
        """Ask once, on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        with self._lock:
            self.answers[path.split("/")[1], answer.status] += 1
            if path == "/pid":
                self.pids.add(text)
        return text

    def ask_many(self, numbers: range) -> None:
        """Ask for orders, in four threads at once."""

        def ask_some(offset: int) -> None:
            for number in numbers[offset::4]:
                self.ask(f"/orders/{number}")

        threads = [threading.Thread(target=ask_some, args=(it,)) for it in range(4)]
        for it in threads:
            it.start()
        for it in threads:
            it.join()

    def ask_all_workers(self, many: int) -> None:
        """Ask until every worker has answered."""
        deadline = time.monotonic() + 30
        while len(self.pids) < many and time.monotonic() < deadline:
            self.ask("/pid")
        assert len(self.pids) >= many


@contextmanager
def serving(command: str, folder: Path) -> Iterator[tuple[Load, subprocess.Popen[bytes]]]:
    """Serve the shop by several processes."""
    port = free_port()
    files, config = folder / "files", folder / "gunicorn.conf.py"
    files.mkdir()
    if command is GUNICORN:  # A former run has left what would break every scrape.
        (files / "counter_1.db").write_bytes(b"")
    config.write_text("from heliograph.metrics.prometheus import child_exit, on_starting\n")
    words = command.format(port=port, config=config).split()
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(files)},
            stdout=output,
            stderr=output,
        )
        try:
            yield _answering(port, process, log), process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _answering(port: int, process: subprocess.Popen[bytes], log: Path) -> Load:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            Load(port).ask("/metrics")
        except OSError:
            time.sleep(0.05)
        else:
            return Load(port)
    raise TimeoutError(log.read_text())


@pytest.mark.parametrize("command", [GUNICORN, UVICORN], ids=["gunicorn", "uvicorn"])
def test_prometheus_has_exactly_what_was_asked(command: str, tmp_path: Path) -> None:
    """With several processes under load, its answers equal the counts of who asked."""
    needed("prometheus")
    route = ROUTES[command]
    with (
        serving(command, tmp_path) as (load, _),
        scraping(load.port, tmp_path) as prometheus,
    ):
        load.ask_all_workers(4 if command is GUNICORN else 2)
        prometheus.wait_for_scrapes()
        before = time.time()
        load.ask_many(range(1, 201))
        for _ in range(3):
            load.ask("/broken")
            load.ask("/nowhere/at/all")
        time.sleep(1.1)  # The figures of signals are written from time to time.
        prometheus.wait_for_scrapes()

        assert prometheus.query(REQUESTS) == {
            ("200", route): 200,
            ("200", "/pid"): load.answers["pid", 200],
            ("500", "/broken"): 3,
            ("404", "<unmatched>"): 3,
        }
        assert prometheus.query("orders_total") == {("never",): 0, ("p0",): 100, ("p1",): 100}
        assert prometheus.query("order_value_eur_count") == {(): 200}
        assert prometheus.query("order_value_eur_sum") == {(): 180 * 20 + 20 * 101}
        assert prometheus.query('order_value_eur_bucket{le="50.0"}') == {("50.0",): 180}
        assert prometheus.query('sum(signals_sent_total{signal="order_paid"})') == {(): 200}
        errors = 'sum(signals_receiver_errors_total{receiver=~".*check"})'
        assert prometheus.query(errors) == {(): 20}
        seconds = 'sum(signals_receiver_duration_seconds_count{receiver=~".*check"})'
        assert prometheus.query(seconds) == {(): 200}
        assert prometheus.query("sum(http_server_active_requests)") == {(): 0}
        # The first errors of all: a series that began with them would have no increase.
        window = f"[{int(time.time() - before) + 5}s]"
        assert prometheus.query(f"increase(heliograph_http_errors_total{window})")[()] >= 1
        if command is GUNICORN:
            # Nothing runs in the background of a WSGI application.
            assert {it for it in without_samples(prometheus) if IN_BACKGROUND not in it} == set()
        first = f"sum(increase(signals_receiver_errors_total{{receiver=~'.*check'}}{window}))"
        assert prometheus.query(first)[()] >= 1


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_workers_that_end_lose_no_counts(end: signal.Signals, tmp_path: Path) -> None:
    """Counts of workers that were stopped, or killed, stay; and no new one has them again."""
    with serving(GUNICORN, tmp_path) as (load, _):
        load.ask_all_workers(4)
        load.ask_many(range(1, 41))
        time.sleep(1.1)
        before = set(load.pids)
        for pid in before:
            os.kill(int(pid), end)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and len(load.pids - before) < 2:
            try:
                load.ask("/pid")
            except OSError:
                time.sleep(0.05)
        load.ask_many(range(1, 41))
        time.sleep(1.1)
        found = dict(
            line.rsplit(" ", 1) for line in load.ask("/metrics").splitlines() if line[0] != "#"
        )

    assert len(load.pids - before) >= 2
    assert [float(found[f'orders_total{{plan="{plan}"}}']) for plan in ("p0", "p1")] == [40, 40]
    assert float(found["order_value_eur_count"]) == 80
    sent = 'signals_sent_total{sender="",signal="order_paid"}'
    assert float(found[sent]) == 80
