#!/usr/bin/env bash
# A process that is forked after OpenTelemetry's SDK was set up goes on from the sums of its parent,
# with the parent's start time: whoever adds up the processes counts the past once for each child.
#
# Packages: opentelemetry-sdk 1.45.2.
#
# Behaviour: OpenTelemetry's data model, "Sums": a cumulative sum tells of the time since its start;
# the sums of two processes are of different times, and are added up.
#
# Seen: a counter and a histogram, five before the fork and one in each of two children.
#   parent  5 5
#   child   6 6
#   child   6 6
#   together 17 instead of 7
#
# Why it matters: gunicorn with preload_app, and every other server that forks its workers, reports
# too much. Observable counters are given by the program, which can begin again in the child;
# nothing can be done about a histogram through the API.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/python -m pip install -qq --disable-pip-version-check opentelemetry-sdk==1.45.2

cat >seen.py <<'PY'
import os
import sys

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

reader = InMemoryMetricReader()
meter = MeterProvider([reader]).get_meter("seen")
counter, histogram = meter.create_counter("counter"), meter.create_histogram("histogram")


def count(times):
    for _ in range(times):
        counter.add(1)
        histogram.record(1)


def told():
    [resource] = reader.get_metrics_data().resource_metrics
    points = {it.name: it.data.data_points[0] for it in resource.scope_metrics[0].metrics}
    return points["counter"].value, points["histogram"].count


count(5)
counters = [told()]
print("parent ", *counters[0], flush=True)
for _ in range(2):
    reading, writing = os.pipe()
    if os.fork() == 0:
        count(1)
        print("child  ", *told(), flush=True)
        os.write(writing, str(told()[0]).encode())
        os._exit(0)
    os.wait()
    counters.append((int(os.read(reading, 10)), 0))
together = sum(it[0] for it in counters)
print("together", together, "instead of 7")
sys.exit(together == 7)
PY
venv/bin/python seen.py
