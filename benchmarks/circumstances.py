"""Says how figures were measured and how the engines differ."""

from __future__ import annotations

import inspect
import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import heliograph
from benchmarks.roster import MISSING
from benchmarks.vectorcall import compiled

CPUINFO = Path("/proc/cpuinfo")
COMPARED = (
    "blinker",
    "django",
    "psygnal",
    "pluggy",
    "sqlalchemy",
    "zope.event",
    "flask",
    "quart",
    "django-auditlog",
)

PREFACE = """\
{line}
Heliograph sends in {implementation}.{gaps}

Engines take turns in one process; no garbage collection; the empty loop is subtracted.
Times are processor time, except for two threads; the waits of Quart's threads are not counted.
Only ratios hold (medians over the rounds); nanoseconds are this machine's, today.
Unless a row says otherwise, a send carries 1 keyword to weakly held receivers of all senders:
`def receiver(sender, **kw): return None`, or for "exact", `def receiver(sender, a)`.
Differences:
- Django passes `signal` as well, so it has no exact receivers.
- psygnal (`emit_fast`) and SQLAlchemy always have exact receivers, and collect nothing.
- pluggy always has exact receivers, and returns only their values.
- zope.event passes one object, a tuple of the values, and collects nothing.
- Those four know no senders and hold receivers strongly, except for methods in psygnal.
- A guard asks whether there are receivers: `has_receivers_for`, Django's `has_listeners`.
- The loops hold receivers strongly, and call all of them for every send.
"""


def values() -> dict[str, object]:
    """Return the circumstances for programs that read the figures."""
    return {
        "python": _python(),
        "cpu": _cpu(),
        "cpus": os.cpu_count(),
        "date": datetime.now(tz=UTC).date().isoformat(),
        "versions": _versions(),
        "implementation": _implementation(),
    }


def line() -> str:
    """Return the circumstances in one line, to stand beside the figures."""
    today = datetime.now(tz=UTC).date().isoformat()
    versions = ", ".join(f"{name} {found}" for name, found in _versions().items())
    return f"{_python()} on {os.cpu_count()} CPUs ({_cpu()}), {today}, beside {versions}."


def preface() -> str:
    """Return the lines above all tables."""
    return PREFACE.format(line=line(), implementation=_implementation(), gaps=_gaps())


def _python() -> str:
    return f"{platform.python_implementation()} {platform.python_version()}"


def _cpu() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _cpuinfo(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _cpuinfo() -> str:
    return CPUINFO.read_text() if CPUINFO.exists() else ""


def _versions() -> dict[str, str]:
    found = {}
    for name in COMPARED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _implementation() -> str:
    # A compiled method is not a Python function.
    return "Python" if inspect.isfunction(heliograph.Signal.send) else "C"


def _gaps() -> str:
    gaps = [f"Not installed: {', '.join(MISSING)}."] if MISSING else []
    if compiled() is None:
        gaps.append("There is no C loop: no compiler was found.")
    return "".join(f"\n{gap}" for gap in gaps)
