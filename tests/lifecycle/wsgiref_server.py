"""Serves a WSGI application with the standard library's server: `module:app` and a port."""

from __future__ import annotations

import sys
from importlib import import_module
from wsgiref.simple_server import make_server

name, port = sys.argv[1:]
module, _, attribute = name.partition(":")
make_server("127.0.0.1", int(port), getattr(import_module(module), attribute)).serve_forever()
