"""An application of Flask that has Flask-DebugToolbar, and what the toolbar cannot get on with."""

from __future__ import annotations

from flask import Flask
from flask_compress import Compress
from flask_debugtoolbar import DebugToolbarExtension

app = Flask(__name__)
app.config.update(DEBUG_TB_ENABLED=True, SECRET_KEY="demo-only-not-a-secret")  # noqa: S106 - it signs nothing of worth.


@app.get("/")  # <- toolbar-compress
def index() -> str:
    """Show a page."""
    return "<html><body>A page.</body></html>"


@app.get("/slow")  # <- toolbar-async
async def slow() -> str:
    """Show a page that awaits something."""
    return "<html><body>A slow page.</body></html>"


DebugToolbarExtension(app)
Compress(app)
