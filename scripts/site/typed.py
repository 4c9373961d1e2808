"""Types the tutorial in: writes its files, runs its commands, compares what they print.

``python -m scripts.site.typed`` does so in an environment that has nothing, with what this
checkout is in place of the package that users install.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple, Self

from scripts.site.markdown import DOCS, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = ("first-signal", "tests", "metrics", "trail", "second-process")
_BLOCK = re.compile(r"^```(python|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What the pages call ports is replaced by free ones, so that two runs do not meet.
_PORTS = re.compile(r"\b1\d{4}\b")
_SETS_UP = ("python -m venv ", ". .venv/bin/activate", "pip install ")


class Step(NamedTuple):
    """A block of the tutorial: its page, the number of its line, its language, and its text."""

    page: str
    line: int
    language: str
    text: str


def steps() -> Iterator[Step]:
    """Yield what has to be typed in, in its order."""
    ports = dict[str, str]()
    for page in PAGES:
        text = DOCS.joinpath("tutorial", f"{page}.md").read_text(encoding="utf-8")
        for block in _BLOCK.finditer(text):
            typed = _PORTS.sub(lambda it: ports.setdefault(it[0], _free_port()), block[2])
            yield Step(page, text.count("\n", 0, block.start()) + 1, block[1], typed)


class Typist:
    """Somebody who types the tutorial in, in a folder; leaving the block ends what still runs.

    Args:
        folder: An empty folder.
        programs: The folder of an environment's programs, in which everything is installed.
            Without it, an environment is made and filled as the tutorial says.
    """

    def __init__(self, folder: Path, programs: Path | None = None) -> None:
        self.folder = folder
        self._installs = programs is None
        self._programs = programs or folder / ".venv" / "bin"
        self._running: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for program in reversed(self._running):
            program.terminate()
            program.communicate(timeout=30)

    def follow(self, step: Step) -> Iterator[str]:
        """Do what a step says; yield what is not as the page has it."""
        if step.language == "python":
            name, _, _ = step.text.partition("\n")
            self.folder.joinpath(name.removeprefix("# ")).write_text(step.text, encoding="utf-8")
            return
        for command, expected in _commands(step.text):
            if command.startswith(_SETS_UP):
                self._set_up(command)
            elif command.endswith(" &"):
                self._running.append(self._start(f"exec {command[:-2]}"))
            else:
                printed, _ = self._start(command).communicate(timeout=120)
                if not _fits(printed, expected):
                    yield f"{step.page}:{step.line}: $ {command}\n{printed}\n--- not:\n{expected}"

    def _set_up(self, command: str) -> None:
        if not self._installs or command.startswith("."):
            return
        typed = re.sub(r"'?heliograph(\[[\w,]+\])'?", rf"'{ROOT}\1'", command)
        interpreter = self._programs / "python"
        typed = re.sub(r"^pip ", f"{interpreter} -m pip -q ", typed)
        done = self._start(typed.replace("python -m venv", f"{sys.executable} -m venv"))
        printed, _ = done.communicate(timeout=600)
        if done.returncode:
            raise OSError(printed)

    def _start(self, command: str) -> subprocess.Popen[str]:
        ours = ("COLUMNS", "FORCE_COLOR", "HELIOGRAPH_", "PYTEST_", "PYTHON")
        kept = {name: it for name, it in os.environ.items() if not name.startswith(ours)}
        return subprocess.Popen(
            ["/bin/bash", "-c", command],
            cwd=self.folder,
            env={
                **kept,
                "LC_ALL": "C.UTF-8",
                "PATH": f"{self._programs}{os.pathsep}{os.environ['PATH']}",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield the commands of a block, each with what it prints."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        yield command, expected


def _fits(printed: str, expected: str) -> bool:
    """Tell whether a text is what the page shows, where … stands for any text or any lines."""
    shown = "".join(f"{it.rstrip()}\n" for it in printed.strip().splitlines())
    pattern = "".join(_pattern(it.rstrip()) for it in expected.strip().splitlines())
    return re.fullmatch(pattern, shown) is not None


def _pattern(line: str) -> str:
    if line == "…":
        return r"(?:.*\n)*"
    # In a table, columns are as wide as what is in them.
    parts = [re.escape(it) for it in re.split(r"…| {2,}", line)]
    between = [" *.*" if it == "…" else " +" for it in re.findall(r"…| {2,}", line)]
    return "".join(it for pair in zip(parts, [*between, ""], strict=True) for it in pair) + r"\n"


def _free_port() -> str:
    with socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def main() -> int:
    """Type it all in where nothing is installed; print what is not as the pages have it."""
    wrong = 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        typist = stack.enter_context(Typist(folder))
        for step in steps():
            for problem in typist.follow(step):
                print(problem)
                wrong += 1
            print(f"{step.page}:{step.line}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
