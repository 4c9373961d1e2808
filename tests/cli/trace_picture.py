"""Draws the picture of the README, a traced order of the shop; `make pages` runs it.

What is drawn is what the command prints in a terminal, durations and all.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "pictures" / "order.svg"
COMMAND = ("trace", "--no-check", "shop:app", "POST /orders item=3")
_COLUMNS = 100


def traced() -> str:
    """Run the command in the folder of the examples, and return what it prints, with colours."""
    program = [sys.executable, "-m", "heliograph", *COMMAND]
    terminal = {"COLUMNS": str(_COLUMNS), "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    run = subprocess.run(
        program,
        cwd=ROOT / "examples",
        env=os.environ | terminal,
        capture_output=True,
        check=True,
        encoding="utf-8",
        timeout=60,
    )
    return run.stdout


def picture(printed: str) -> str:
    """Return the picture of what was printed."""
    console = Console(
        file=StringIO(), record=True, width=_COLUMNS, force_terminal=True, highlight=False
    )
    console.print(Text.from_ansi(printed.rstrip()))
    called = " ".join(f'"{it}"' if " " in it else it for it in ("heliograph", *COMMAND))
    drawn = console.export_svg(title=called, unique_id="order")
    # Whoever looks at it has a font of their own: it fetches none.
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    return "\n".join(it.rstrip() for it in drawn.splitlines()) + "\n"


def words(drawn: str) -> list[str]:
    """Return what a picture says, without durations, lines of Flask's, and where it says it."""
    said = re.findall(r"<text[^>]*>([^<]*)</text>", drawn)
    text = " ".join(said).replace("&#160;", " ")
    text = re.sub(r"\d[\d.,]* (µs|ms|s)\b( slow)?", "a while", text)
    return re.sub(r"(flask/\w+\.py):\d+", r"\1", text).split()


if __name__ == "__main__":
    PICTURE.write_text(picture(traced()), encoding="utf-8", newline="\n")
