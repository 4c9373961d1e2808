"""Jobs of RQ that end in every way, and what a worker of RQ is started with."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from rq import Retry

from heliograph.lifecycle.leases import Leases
from heliograph.lifecycle.rq import SimpleWorker, Worker

__all__ = ["SimpleWorker", "Worker"]

if "DIARY" in os.environ:
    import tests.lifecycle.diary  # noqa: F401 - begins to write.

    leases = Leases(os.environ["LEASES"])
    leases.start()


def work(how: str) -> Any:
    """End as the argument says."""
    match how:
        case "fail" | "retry fails":
            raise LookupError
        case "retry":
            return Retry(max=1)
        case "exit":
            sys.exit(0)
        case "vanish":
            os._exit(0)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "unserializable":
            return lambda: 7
        case _ if how.startswith("sleep"):
            time.sleep(float(how.removeprefix("sleep")))
        case _ if how.startswith("once "):
            marker = Path(how.removeprefix("once "))
            if not marker.exists():
                marker.touch()
                raise LookupError
    return 7


def fail_back(*_: Any) -> None:
    """Be a callback that fails."""
    raise ArithmeticError
