"""Leaves these tests out where the plugins are not installed that they are about."""

from __future__ import annotations

from importlib.util import find_spec

# `make cover` makes an environment for them: the async tests of all others fail beside them.
collect_ignore_glob = [] if find_spec("pytest_django") else ["test_*.py"]
