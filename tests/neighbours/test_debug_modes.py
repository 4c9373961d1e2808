"""Debug modes of real frameworks, in programs of their own: what runs pytest is development."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

DECLARED = """
from heliograph import Namespace

@Namespace("shop").declare
def order_paid(sender: object, *, total: int) -> None: ...

def sent_wrongly():
    try:
        order_paid.send("Berlin")
    except TypeError:
        return "refused"
    return "let pass"
"""

DJANGO = """
from django.conf import settings
settings.configure(DEBUG={debug})
print(sent_wrongly())
"""

QUART = """
import asyncio
from quart import Quart

app = Quart("shop")
seen = [sent_wrongly()]

@app.get("/")
async def index():
    seen.append(sent_wrongly())
    return ""

app.debug = {debug}
asyncio.run(app.test_client().get("/"))
print(seen[-1])
"""


@pytest.mark.parametrize(("debug", "answer"), [(True, "refused"), (False, "let pass")])
@pytest.mark.parametrize("program", [DJANGO, QUART], ids=["django", "quart"])
def test_wrong_payloads_are_refused_in_debug_mode_alone(
    program: str, *, debug: bool, answer: str
) -> None:
    """Also by a signal that was sent before the application came into use."""
    said = ("PYTEST", "PYTHONDEVMODE", "HELIOGRAPH_CHECK")
    environment = {name: it for name, it in os.environ.items() if not name.startswith(said)}
    command = [sys.executable, "-c", DECLARED + program.format(debug=debug)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.split("\n") == [answer, ""]
