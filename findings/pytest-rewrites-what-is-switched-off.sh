#!/usr/bin/env bash
# `-p no:NAME` keeps a pytest plugin from being loaded, but not from stopping the run.
#
# Package: pytest 9.2.0, seen with the plugin that anyio 4.16.0 brings along.
#
# Behaviour: before it loads plugins, pytest looks at every installed distribution that has a
# `pytest11` entry point and marks all its modules for assertion rewriting, and not only the
# module that the entry point names. `-p no:NAME` has no say in that. If the package is in
# sys.modules already, as when a script imports it and then calls pytest.main(), marking it gives
# a PytestAssertRewriteWarning. Where warnings are errors this leaves pytest.main() as an
# exception with its traceback, before any test is collected; the plugin that it is about is one
# that nobody uses and that is switched off. Not looking at entry points at all helps
# (--disable-plugin-autoload, which takes all other plugins away too), and so does ignoring just
# this warning.
#
# Seen:
#   anyio not imported, -W error                       passed
#   anyio imported                                     passed, 1 warning
#   anyio imported, -W error                           stopped: PytestAssertRewriteWarning
#   anyio imported, -W error -p no:anyio               stopped: PytestAssertRewriteWarning
#   anyio imported, -W error --disable-plugin-autoload passed
#   anyio imported, -W error, this warning ignored     passed
#
# Why it matters: a library that ships a pytest plugin inside its own distribution makes all of
# its modules part of this, for all who have it installed. Whatever imports the library before
# pytest starts (a runner script, a notebook, an agent that instruments at startup) then breaks
# strict test suites, and the switch that users are told to try first changes nothing.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/python -m pip install -qq --disable-pip-version-check pytest==9.2.0 anyio==4.16.0

cat >test_sum.py <<'PY'
def test_sum():
    assert 1 + 1 == 2
PY

cat >run.py <<'PY'
import importlib
import sys

import pytest

label, imported, *options = sys.argv[1:]
if imported:
    importlib.import_module(imported)


class Summary:
    def pytest_terminal_summary(self, terminalreporter):
        stats = terminalreporter.stats
        self.seen = "passed" if len(stats["passed"]) == 1 else "not passed"
        if stats.get("warnings"):
            self.seen += f", {len(stats['warnings'])} warning"


summary = Summary()
try:
    pytest.main(["-qq", "--no-header", "--no-summary", "-p", "no:cacheprovider", *options], [summary])
except Warning as stopped:
    summary.seen = f"stopped: {type(stopped).__name__}"
print(f"{label:<50} {summary.seen}", file=sys.stderr)
PY

run() { venv/bin/python run.py "$@" 2>&1 >/dev/null | tee -a seen; }

run "anyio not imported, -W error" "" -W error
run "anyio imported" anyio
run "anyio imported, -W error" anyio -W error
run "anyio imported, -W error -p no:anyio" anyio -W error -p no:anyio
run "anyio imported, -W error --disable-plugin-autoload" anyio -W error --disable-plugin-autoload
run "anyio imported, -W error, this warning ignored" anyio -W error \
    -W ignore::pytest.PytestAssertRewriteWarning

cat >expected <<'TEXT'
anyio not imported, -W error                       passed
anyio imported                                     passed, 1 warning
anyio imported, -W error                           stopped: PytestAssertRewriteWarning
anyio imported, -W error -p no:anyio               stopped: PytestAssertRewriteWarning
anyio imported, -W error --disable-plugin-autoload passed
anyio imported, -W error, this warning ignored     passed
TEXT
diff expected seen
