"""The command ``python -m benchmarks``: runs what was asked for and prints the tables."""

from __future__ import annotations

import argparse
import json
import re
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from benchmarks import circumstances, losses, pages
from benchmarks.effort import FULL, QUICK, Effort
from benchmarks.sections import SECTIONS, WITHOUT_ROWS


def main() -> None:
    """Measure and print, section by section."""
    options = _options()
    results: dict[str, object] = circumstances.values()
    texts: dict[str, str] = {}
    if not (options.sections or options.rows) or not pages.are_of_this_python():
        # Otherwise the page keeps the figures of another run, and its circumstances.
        texts["circumstances"] = circumstances.line()
    started = time.monotonic()

    print(circumstances.preface())
    for section in options.sections or _sections(options.rows):
        for finding in SECTIONS[section](_effort(options)):
            print(finding.table.text(), flush=True)
            texts[finding.key] = finding.table.markdown()
            if finding.values is not None:
                results[finding.key] = finding.values
    if pages.are_of_this_python():
        print(losses.losses_table(losses.ratios(results), losses.landed()).text())
    print(f"{time.monotonic() - started:.0f} seconds")

    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.docs:
        _document(texts, results)


def _document(texts: dict[str, str], results: dict[str, object]) -> None:
    from benchmarks import plots  # Only this needs matplotlib.

    pages.write(texts)
    if pages.are_of_this_python():
        losses.land(losses.ratios(results))
        plots.draw(results, pages.PLOTS)


def _sections(rows: str) -> list[str]:
    """Return all sections, or those with rows if only some rows are wanted."""
    return [section for section in SECTIONS if not rows or section not in WITHOUT_ROWS]


def _effort(options: argparse.Namespace) -> Effort:
    effort = QUICK if options.quick else FULL
    return replace(effort, rows=options.rows, senders=options.senders or effort.senders)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "sections",
        nargs="*",
        type=_section,
        metavar="SECTION",
        help=f"only these of {', '.join(SECTIONS)}",
    )
    parser.add_argument("--quick", action="store_true", help="few rounds, for trying out")
    parser.add_argument(
        "--rows",
        type=_pattern,
        default="",
        metavar="PATTERN",
        help="only rows whose name holds this regular expression",
    )
    parser.add_argument(
        "--senders", type=_at_least_one, metavar="N", help="weigh connections to N senders"
    )
    parser.add_argument(
        "--json", type=_writable, metavar="FILE", help="write all figures there as well"
    )
    parser.add_argument(
        "--docs", action="store_true", help="put tables and plots into the documentation"
    )
    options = parser.parse_args()
    if options.docs and (options.quick or options.rows):
        parser.error("--docs wants figures that can stand there: without --quick and --rows")
    if options.docs and find_spec("matplotlib") is None:
        parser.error("--docs draws with matplotlib, which `make bench` has in its environment")
    return options


def _section(text: str) -> str:
    if text not in SECTIONS:
        msg = f"{text!r} is not one of {', '.join(SECTIONS)}"
        raise argparse.ArgumentTypeError(msg)
    return text


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        msg = f"{text!r} is not a regular expression: {error}"
        raise argparse.ArgumentTypeError(msg) from None
    return text


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        msg = f"{text!r} is not a number of at least 1"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _writable(text: str) -> Path:
    # Asked before minutes of measuring, not after.
    try:
        Path(text).open("a").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return Path(text)


if __name__ == "__main__":
    main()
