"""Starts the shop with metrics under gunicorn, visits it, and shows what was counted.

``python measure.py`` in this folder. Where Prometheus is installed, it scrapes the shop, and the
last lines are its answers.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

VISITS = [
    *[("GET", "/", "")] * 8,
    *[("GET", "/products/mirror", "")] * 5,
    *[("POST", "/orders", "item=1&quantity=2")] * 3,
    ("POST", "/orders", "item=7&quantity=999"),
    ("GET", "/nowhere", ""),
    ("GET", "/broken", ""),
]
SHOWN = (
    "http_server_request_duration_seconds_count",
    "heliograph_http_errors_total",
    "heliograph_messages_flashed_total",
    "heliograph_template_duration_seconds_count",
    "shop_",
    "signals_receiver_errors_total",
    "signals_sent_total",
)
HIDDEN = ("_bucket", " 0.0")
QUERIES = {
    "requests by status": "sum by (http_response_status_code) "
    "(http_server_request_duration_seconds_count)",
    "95 % of requests within": "histogram_quantile(0.95, sum by (le) "
    "(http_server_request_duration_seconds_bucket))",
    "orders": "sum (shop_orders_total)",
    "failed requests in a minute": "sum (increase(heliograph_http_errors_total[1m]))",
}


def main() -> None:
    """Serve, visit, and show."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        port = free_port()
        stack.enter_context(serving(port, folder))
        wait_for(port)
        prometheus = stack.enter_context(scraping(port, folder)) if PROMETHEUS else None
        if prometheus is not None:
            wait_for_scrapes(prometheus, 2)  # It has to see the counters before the first error.
        for method, path, body in VISITS:
            visit(port, method, path, body)
        time.sleep(1)  # The figures of signals are written twice a second.
        show_page(visit(port, "GET", "/metrics", ""))
        if prometheus is None:
            print("\nPrometheus is not installed here: apt-get install prometheus")
        else:
            wait_for_scrapes(prometheus, 2)
            show_answers(prometheus)


PROMETHEUS = shutil.which("prometheus")


class Running:
    """A program that runs until the block ends."""

    def __init__(self, command: list[str], log: Path, **environment: str) -> None:
        self._output = log.open("wb")
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=self._output,
            stderr=self._output,
        )
        self.port = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._output.close()


def serving(port: int, folder: Path) -> Running:
    """Serve the shop by four workers."""
    files = folder / "files"
    files.mkdir()
    command = [sys.executable, "-m", "gunicorn", "--workers", "4", "--bind", f"127.0.0.1:{port}"]
    command += ["--config", "shop/gunicorn_conf.py", "shop.measured:app"]
    return Running(command, folder / "shop.log", PROMETHEUS_MULTIPROC_DIR=str(files))


def scraping(target: int, folder: Path) -> Running:
    """Let Prometheus scrape the shop every second."""
    config, port = folder / "prometheus.yml", free_port()
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        "scrape_configs:\n"
        f"  - {{job_name: shop, static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}\n"
    )
    command = [
        str(PROMETHEUS),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    running = Running(command, folder / "prometheus.log")
    running.port = port
    return running


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        port: int = it.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit("The shop does not start.")


def wait_for_scrapes(prometheus: Running, many: int) -> None:
    """Wait until Prometheus has scraped the shop so often from now on."""
    started = time.time()
    while time.time() < started + 30:
        try:
            found = ask(prometheus.port, "timestamp(up == 1)")
        except OSError:
            found = []
        if found and float(found[0][1]) > started + many - 1:
            return
        time.sleep(0.2)
    sys.exit("Prometheus does not scrape the shop.")


def visit(port: int, method: str, path: str, body: str) -> str:
    """Send a request; return the body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    connection.request(method, path, body or None, headers)
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def show_page(page: str) -> None:
    """Print the samples that say most."""
    lines = page.splitlines()
    samples = [it for it in lines if not it.startswith("#")]
    print(f"The page of metrics has {len(samples)} samples; of these:\n")
    for line in samples:
        if line.startswith(SHOWN) and not any(it in line for it in HIDDEN):
            print(f"  {line}")


def show_answers(prometheus: Running) -> None:
    """Print what Prometheus answers."""
    print("\nPrometheus says:\n")
    for title, query in QUERIES.items():
        for labels, value in ask(prometheus.port, query):
            print(f"  {title}{labels}: {value}")


def ask(port: int, query: str) -> list[tuple[str, str]]:
    """Return labels and values of a query."""
    words = urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(
        f"http://127.0.0.1:{port}/api/v1/query?{words}", timeout=10
    ) as answer:
        found: Any = json.load(answer)
    return [
        (", " + ", ".join(it["metric"].values()) if it["metric"] else "", it["value"][1])
        for it in found["data"]["result"]
    ]


if __name__ == "__main__":
    main()
