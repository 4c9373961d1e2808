"""A configuration of gunicorn that patches before the application is loaded."""

from __future__ import annotations

from importlib import import_module

import_module("gevent.monkey").patch_all()
