"""Puts the hot path that is written in C in the place of `Signal.send`, where there is one."""

from __future__ import annotations

import os
from functools import update_wrapper

from heliograph.core.connection import Connection
from heliograph.core.emission import PLACE, Delivery, Emission, outlive
from heliograph.core.failing import AT_ONCE
from heliograph.core.instruments import TELLERS, switch_off, whoever_runs
from heliograph.core.nesting import Place
from heliograph.core.plan import Group, Plan
from heliograph.core.record import MethodRecord, Record
from heliograph.core.registry import Registry
from heliograph.core.signal import Signal
from heliograph.core.watched import finish_watched
from heliograph.core.watching import end_watching
from heliograph.core.wishes import Watchers
from heliograph.core.writer import waiting


def _put_in_place() -> str:
    if os.environ.get("HELIOGRAPH_PURE", "0") not in ("", "0"):
        return "python"
    try:
        from heliograph.core._dispatch import Send
    except ImportError:  # pragma: no cover - where it could not be compiled, this runs.
        return "python"
    send = Send(
        in_python=Signal.send,
        finish=Signal._finish,
        waiting=waiting,
        at_once=AT_ONCE,
        registry=Registry,
        group=Group,
        connection=Connection,
        plan=Plan,
        record=Record,
        method_record=MethodRecord,
        tellers=TELLERS,
        inside=PLACE,
        finish_watched=finish_watched,
        end_watching=end_watching,
        outlive=outlive,
        whoever_runs=whoever_runs,
        switch_off=switch_off,
        watchers=Watchers,
        place=Place,
        emission=Emission,
        delivery=Delivery,
    )
    Registry.keeps_plans = False
    # Type checkers go on seeing the method that it stands for.
    Signal.send = update_wrapper(send, Signal.send)  # type: ignore[assignment, method-assign]
    return "c"


implementation: str = _put_in_place()
"""What sends: ``"c"``, or ``"python"`` without a compiler or with ``HELIOGRAPH_PURE=1``."""
