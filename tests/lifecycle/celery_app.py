"""A Celery application whose tasks end in every way: the first argument says how."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from celery import Celery
from celery.exceptions import Ignore, Reject

from heliograph.lifecycle.celery import install
from heliograph.lifecycle.leases import Leases

app = Celery("shop", broker=os.environ.get("BROKER"), backend=os.environ.get("BROKER"))
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
)

if "DIARY" in os.environ:
    install(app)
    import tests.lifecycle.diary  # noqa: F401 - begins to write.

    leases = Leases(os.environ["LEASES"])
    leases.start()


def end(task: Any, how: str) -> Any:  # noqa: C901, PLR0912, PLR0915 - a list.
    """End as the argument says."""
    match how:
        case "fail":
            raise LookupError
        case "retry":
            if task.request.retries == 0:
                raise task.retry(countdown=0)
        case "give up":
            raise task.retry(exc=LookupError(), countdown=0, max_retries=0)
        case "ignore":
            raise Ignore
        case "reject":
            raise Reject(None, requeue=False)
        case "exit":
            sys.exit(3)
        case "vanish":
            time.sleep(0.2)
            os._exit(0)
        case "kill":
            # At once, Celery would take the task for one that has not begun.
            time.sleep(0.2)
            os.kill(os.getpid(), signal.SIGKILL)
        case "terminate":
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        case "stubborn":
            with suppress(BaseException):
                time.sleep(5)
        case "unserializable":
            return object()
        case "publish":
            work.apply_async(("return",), task_id="published", queue=os.environ["QUEUE"])
        case _ if how.startswith("sleep"):
            time.sleep(float(how.removeprefix("sleep")))
        case _ if how.startswith("kill once "):
            marker = Path(how.removeprefix("kill once "))
            if not marker.exists():
                marker.touch()
                time.sleep(0.2)
                os.kill(os.getpid(), signal.SIGKILL)
    return 7


work = app.task(end, shared=False, bind=True, name="work")
stored = app.task(end, shared=False, bind=True, name="stored", ignore_result=False)
late = app.task(
    end, shared=False, bind=True, name="late", acks_late=True, reject_on_worker_lost=True
)
