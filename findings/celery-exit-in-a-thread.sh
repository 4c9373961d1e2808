#!/usr/bin/env bash
# A task of Celery that calls `sys.exit()` in the pool of threads has no state ever after: whoever
# waits for its result waits forever. In the pool `solo`, the same task ends the worker.
#
# Package: Celery 5.7.0 with kombu 5.7.0.
#
# Behaviour: For an exception that is no Exception, `celery.concurrency.base.apply_target` makes a
# WorkerLostError and hands `ExceptionInfo()` to the callback for results that have come. That one,
# `Request.on_success`, unpacks a tuple of three, and raises "cannot unpack non-iterable
# ExceptionInfo object" in place of the failure. In a thread, the executor keeps this error in a
# future that nobody reads: nothing is logged, the message is acknowledged, no signal but
# `task_postrun` (with the state None) is sent. In `solo`, it leaves the worker's loop. The pool of
# processes tells of the same task as a failure, with a WorkerLostError.
#
# Seen:
#   prefork  FAILURE WorkerLostError   the worker goes on
#   threads  PENDING                   the worker goes on
#   solo     PENDING                   the worker has ended with status 1
#
# Why it matters: Code that is called by a task may call `sys.exit()`: command-line tools, argparse,
# click. Tasks that are tested in the pool of processes, and moved to threads to save memory, lose
# such failures without a trace. An `except SystemExit` around the call in the task helps.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/python -m pip install -qq --disable-pip-version-check celery==5.7.0 kombu==5.7.0

cat >tasks.py <<'PY'
import os
import sys

from celery import Celery

folder = os.environ["FOLDER"]
for name in ("messages", "control", "results"):
    os.makedirs(f"{folder}/{name}", exist_ok=True)
app = Celery("tasks", broker="filesystem://", backend=f"file://{folder}/results")
app.conf.broker_transport_options = {
    "data_folder_in": f"{folder}/messages",
    "data_folder_out": f"{folder}/messages",
    "control_folder": f"{folder}/control",
}


@app.task
def leave():
    sys.exit(3)
PY

cat >seen.py <<'PY'
import os
import subprocess
import sys
import time

pool = sys.argv[1]
os.environ["FOLDER"] = os.path.abspath(pool)
from tasks import leave

command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "-P", pool, "-c", "1"]
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
result = leave.delay()
worker = subprocess.Popen([*command, "--without-gossip", "--without-mingle"], **quiet)
deadline = time.monotonic() + 8
while time.monotonic() < deadline and worker.poll() is None and not result.ready():
    time.sleep(0.1)
status = worker.poll()
seen = result.state
if result.failed():
    seen += f" {type(result.result).__name__}"
goes_on = "the worker goes on" if status is None else f"the worker has ended with status {status}"
print(f"{pool:<8} {seen:<25} {goes_on}")
worker.terminate()
worker.wait()
PY

cat >expected <<'TEXT'
prefork  FAILURE WorkerLostError   the worker goes on
threads  PENDING                   the worker goes on
solo     PENDING                   the worker has ended with status 1
TEXT

for pool in prefork threads solo; do
    venv/bin/python seen.py "$pool"
done | tee seen
diff expected seen
