"""Serves a WSGI application with Werkzeug's server: `module:app` and a port."""

from __future__ import annotations

import sys
from importlib import import_module

from werkzeug.serving import run_simple

name, port = sys.argv[1:]
module, _, attribute = name.partition(":")
run_simple("127.0.0.1", int(port), getattr(import_module(module), attribute), threaded=True)
