"""An application of Quart, one of whose receivers blocks the event loop."""

from __future__ import annotations

import asyncio
import time

from quart import Quart, request_started

from heliograph import Signal

app = Quart(__name__)
patient_called = Signal("patient-called")


@patient_called.connect
def wait(sender: object, **extra: object) -> None:
    """Wait for the patient, and let everybody wait."""
    time.sleep(0.01)  # <- blocking-receiver


@patient_called.connect
async def wait_aside(sender: object, **extra: object) -> None:
    """Wait for the patient, and let others go on."""
    await asyncio.sleep(0.01)


@request_started.connect
def look_at_the_clock(sender: object, **extra: object) -> None:
    """Take a while, in a thread: Quart calls plain receivers of its own signals there."""
    time.sleep(0.01)


@app.get("/")
async def call() -> str:
    """Call a patient."""
    await patient_called.send_async("ward")
    return "Please come in."
