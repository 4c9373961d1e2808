"""A real Prometheus that scrapes what a test serves, and answers queries."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.debian import needed
from tests.lifecycle.served import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVERY = 500
"""Milliseconds between two scrapes, and what one may take: the page waits for a busy machine."""


class Prometheus:
    """A server that scrapes one target."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/api/v1"

    def query(self, expression: str, at: float | None = None) -> dict[tuple[str, ...], float]:
        """Give the values of an expression, by the values of their labels in order of names."""
        given = {"query": expression} | ({} if at is None else {"time": str(at)})
        data = self._get("query", **given)["data"]
        if data["resultType"] == "scalar":
            return {(): float(data["result"][1])}
        return {
            tuple(
                value
                for name, value in sorted(it["metric"].items())
                if name not in ("__name__", "instance", "job")
            ): float(it["value"][1])
            for it in data["result"]
        }

    def _get(self, what: str, **given: str) -> Any:
        with urllib.request.urlopen(  # noqa: S310 - its own address.
            f"{self.url}/{what}?{urllib.parse.urlencode(given)}", timeout=10
        ) as answer:
            return json.load(answer)

    def wait_for_scrapes(self, many: int = 2) -> None:
        """Wait until so many more scrapes have been made, all of them without an error."""
        before = self._scrapes()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self._scrapes() >= before + many:
                return
            time.sleep(0.05)
        raise TimeoutError(self._get("targets"))

    def _scrapes(self) -> float:
        return sum(self.query("count_over_time(up[1h]) and up == 1").values())


@contextmanager
def scraping(target: int, folder: Path) -> Iterator[Prometheus]:
    """Scrape a port until the block ends."""
    program, port = needed("prometheus"), free_port()
    config = folder / "prometheus.yml"
    config.write_text(
        f"global: {{scrape_interval: {EVERY}ms, scrape_timeout: {EVERY}ms}}\n"
        "scrape_configs:\n"
        f"  - {{job_name: shop, static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}\n"
    )
    log = folder / "prometheus.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=output,
            stderr=output,
        )
        try:
            server = Prometheus(port)
            _wait_until_it_answers(server, process, log)
            yield server
        finally:
            process.terminate()
            process.wait(20)


def _wait_until_it_answers(server: Prometheus, process: Any, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            server.query("1")
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(log.read_text())
