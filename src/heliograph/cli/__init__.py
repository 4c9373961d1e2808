"""The `heliograph` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. Most of it needs the extra ``cli``."""
    if sys.argv[1:2] == ["run"]:
        from heliograph.cli.run import main as run

        run(sys.argv[2:])
    try:
        from heliograph.cli.commands import heliograph
    except ModuleNotFoundError as missing:
        if missing.name not in ("click", "rich"):
            raise
        sys.exit(
            f"The command line needs {missing.name}, which is not installed: "
            "pip install 'heliograph[cli]'. Only `heliograph run` works without it."
        )
    heliograph()
