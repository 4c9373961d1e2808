"""Runs Flask's tests in every way in which they have to pass, several at a time.

    python -m scripts.flasks PYTHON_OF_FLASK_2_3

Each way is a separate process, as `install()` cannot be undone. The exit status is 1 if one fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True)
class Way:
    """An implementation, a Flask with the Python that has it, and when `install()` is called."""

    implementation: str
    flask: str
    python: str
    install: str

    def __str__(self) -> str:
        return (
            f"tests {self.implementation}: {self.flask} - install() {self.install} "
            "Flask is imported"
        )

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run the tests to their end."""
        pure = "1" if self.implementation == "in Python" else "0"
        return subprocess.run(
            [self.python, "-m", "coverage", "run", "-m", "pytest", "tests/flask"],
            env=os.environ | {"HELIOGRAPH_PURE": pure, "HELIOGRAPH_INSTALL": self.install},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
        )


def main(flask_2_3: str) -> int:
    """Run all ways, print what each said, and return the exit status."""
    flasks = {"latest Flask": sys.executable, "Flask 2.3": flask_2_3}
    ways = [
        Way(implementation, flask, flasks[flask], install)
        for implementation, flask, install in product(
            ("in C", "in Python"), flasks, ("before", "after")
        )
    ]
    failed = False
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for way, ended in zip(ways, threads.map(Way.run, ways), strict=True):
            print(f"\n== {way}\n{ended.stdout}", end="", flush=True)
            failed = failed or ended.returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
