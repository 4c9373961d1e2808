#!/usr/bin/env bash
# Two applications in one process: if the first shows few of Flask-DebugToolbar's panels, the
# second, with the usual ones, cannot be made.
#
# Package: Flask-DebugToolbar 0.16.0 with Flask 3.1.3.
#
# Behaviour: A panel is imported when an application that names it is initialised. The panels for
# templates, SQLAlchemy and the debugger's console add their pages to the toolbar's one blueprint
# while they are imported. Once an application has registered that blueprint, Flask refuses more
# pages, and the error speaks of a blueprint and of setup methods, not of panels. In the other
# order both are made.
#
# Seen:
#   few    ok, then usual: The setup method 'route' can no longer be called
#   usual  ok, then few:   ok
#
# Why it matters: A test suite makes many applications in one process, and in random order this
# fails in some runs and not in others. Import the panels that any of them shows before the first
# application is made.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/python -m pip install -qq --disable-pip-version-check \
    flask-debugtoolbar==0.16.0 flask==3.1.3 werkzeug==3.1.9

cat >applications.py <<'PY'
import sys

from flask import Flask
from flask_debugtoolbar import DebugToolbarExtension


def make(panels):
    app = Flask("shop")
    app.config.update(DEBUG_TB_ENABLED=True, SECRET_KEY="nothing of worth")
    if panels == "few":
        app.config["DEBUG_TB_PANELS"] = ["flask_debugtoolbar.panels.timer.TimerDebugPanel"]
    try:
        DebugToolbarExtension(app)
    except AssertionError as refused:
        return str(refused).partition(" on ")[0]
    return "ok"


first, second = sys.argv[1:]
print(f"{first:<6} {make(first)}, then {second + ':':<6} {make(second)}")
PY

cat >expected <<'TEXT'
few    ok, then usual: The setup method 'route' can no longer be called
usual  ok, then few:   ok
TEXT

{ venv/bin/python applications.py few usual; venv/bin/python applications.py usual few; } | tee seen
diff expected seen
