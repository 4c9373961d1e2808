"""Metrics that are kept in the folder of Prometheus's client, by several processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = """
import json, os, sys, time
from heliograph import Signal
from heliograph.metrics import Metrics

paid = Signal("order-paid")
gone = Signal("order-gone")

def metrics_of(**given):
    metrics = Metrics([paid], **given)
    metrics.count(paid, "paid", labels={"plan": "plan"}, expected=[{"plan": "never"}])
    metrics.observe(paid, "sizes", value="size", buckets=(1, 3))
    metrics.gauge(paid, gone, name="open")
    return metrics

def check(sender, **payload):
    if payload.get("size") == 4:
        raise LookupError

paid.connect(check)

def pay(size=2.0):
    try:
        paid.send("shop", plan="yearly", size=size)
    except LookupError:
        pass

def told(metrics, *names):
    status, content_type, text = metrics.wsgi().answer("GET", "")
    assert status == 200, metrics.problems.all()
    found = dict(it.rsplit(" ", 1) for it in text.decode().splitlines() if it[0] != "#")
    return {it: float(value) for it, value in found.items() if it.partition("{")[0] in names}

def in_child(work):
    pid = os.fork()
    if pid == 0:
        work()
        sys.exit()
    os.waitpid(pid, 0)
    return pid
"""


def run(program: str, folder: object) -> Any:
    """Run a program in a process of its own; give what it prints last, through JSON."""
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore::DeprecationWarning",
            "-c",
            BEGIN + textwrap.dedent(program),
        ],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_two_workers_that_are_forked_after_five_counts_make_seven(tmp_path: Path) -> None:
    """No count is lost, and none is there twice: for each kind of metric."""
    found = run(
        """
        metrics = metrics_of()
        page = metrics.wsgi()
        with metrics:
            for _ in range(5):
                pay()
            children = [in_child(pay), in_child(pay)]
            before = told(metrics, "open")
            # What gunicorn calls.
            from heliograph.metrics.prometheus import child_exit
            for pid in children:
                child_exit(None, type("Worker", (), {"pid": pid}))
            counts = told(
                metrics, "paid_total", "sizes_count", "sizes_sum", "sizes_bucket", "open",
                "signals_sent_total", "signals_receiver_duration_seconds_count",
                "signals_receivers",
            )
        print(json.dumps([before, counts]))
        """,
        tmp_path,
    )

    receiver = '{receiver="__main__.check",sender="",signal="order-paid"}'
    assert found == [
        {"open": 7},
        {
            'paid_total{plan="never"}': 0,
            'paid_total{plan="yearly"}': 7,
            'sizes_bucket{le="1.0"}': 0,
            'sizes_bucket{le="3.0"}': 7,
            'sizes_bucket{le="+Inf"}': 7,
            "sizes_count": 7,
            "sizes_sum": 14,
            "open": 5,
            'signals_sent_total{sender="",signal="order-paid"}': 7,
            f"signals_receiver_duration_seconds_count{receiver}": 7,
            'signals_receivers{sender="",signal="order-paid"}': 1,
        },
    ]


def test_figures_of_signals_are_written_from_time_to_time(tmp_path: Path) -> None:
    """A thread does it, with errors, and goes on after a reset; sums are those of the figures."""
    found = run(
        """
        metrics = metrics_of()
        page = metrics.wsgi()
        name = "signals_receiver_duration_seconds_sum"
        with metrics:
            pay()
            pay(4)
            metrics.counting.on_first()  # As at the first emission of another signal.
            time.sleep(1.2)
            from prometheus_client import CollectorRegistry, generate_latest, multiprocess
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
            text = generate_latest(registry).decode()
            exact = metrics.snapshot().signals[0].seconds
            [written] = told(metrics, name).values()
            metrics.reset()
            pay(4)
            errors = told(metrics, "signals_receiver_errors_total", "signals_sent_total")
        print(json.dumps([text.count("LookupError"), exact, written, list(errors.values())]))
        """,
        tmp_path,
    )

    exceptions, exact, written, after = found
    assert exceptions == 1
    assert written == pytest.approx(exact)
    assert after == [3, 2]


def test_a_process_of_multiprocessing_writes_at_its_end(tmp_path: Path) -> None:
    """Such a process ends without what `atexit` calls; servers start their workers so."""
    program = tmp_path / "program.py"
    program.write_text(
        BEGIN
        + textwrap.dedent("""
        import multiprocessing

        def work():
            metrics = metrics_of()
            metrics.wsgi()
            metrics.start()
            pay()

        if __name__ == "__main__":
            worker = multiprocessing.get_context("spawn").Process(target=work)
            worker.start()
            worker.join()
            metrics = metrics_of()
            print(json.dumps(told(metrics, "signals_sent_total")))
        """)
    )
    folder = tmp_path / "files"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert json.loads(done.stdout) == {'signals_sent_total{sender="",signal="order-paid"}': 1}


def test_two_metrics_of_one_process_are_kept_together(tmp_path: Path) -> None:
    """What has one name and one label set is added up; other labels are reported, once."""
    found = run(
        """
        one, other = metrics_of(), metrics_of()
        third = metrics_of(labels={"app": "kiosk"})
        for it in (one, other, third):
            it.wsgi()
            it.start()
        pay()
        counts = told(one, "paid_total", "sizes_sum")
        print(json.dumps([counts, len(third.problems.all()) > 0, third.problems.all()[0]]))
        """,
        tmp_path,
    )

    counts, reported, first = found
    assert counts == {
        'paid_total{plan="never"}': 0,
        'paid_total{plan="yearly"}': 2,
        "sizes_sum": 4,
    }
    assert reported is True
    assert "is kept already, as a counter with other labels" in first


def test_labels_of_everything_are_in_the_folder(tmp_path: Path) -> None:
    """They come last."""
    found = run(
        """
        metrics = metrics_of(labels={"app": "shop"})
        with metrics:
            metrics.wsgi()
            pay()
            print(json.dumps(told(metrics, "paid_total", "sizes_count")))
        """,
        tmp_path,
    )

    assert found == {
        'paid_total{app="shop",plan="never"}': 0,
        'paid_total{app="shop",plan="yearly"}': 1,
        'sizes_count{app="shop"}': 1,
    }


def test_a_folder_that_cannot_be_written_breaks_nothing(tmp_path: Path) -> None:
    """It is reported once for each metric, and requests go on."""
    found = run(
        """
        metrics = metrics_of()
        page = metrics.wsgi()
        with metrics:
            for _ in range(3):
                pay()
        status, _, _ = page.answer("GET", "")
        problems = [it for it in metrics.problems.all() if "'paid'" in it]
        print(json.dumps([status, len(problems), problems[0]]))
        """,
        tmp_path / "missing",
    )

    status, many, problem = found
    assert (status, many) == (500, 1)
    assert problem.startswith(
        "The metric 'paid' cannot be kept in the folder of PROMETHEUS_MULTIPROC_DIR: "
        "FileNotFoundError"
    )


def test_a_folder_that_is_named_too_late_is_refused(tmp_path: Path) -> None:
    """The library decides at its import, and would count in each process alone from then on."""
    program = """
        import prometheus_client
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = os.environ["LATER"]
        from heliograph import StateError
        try:
            metrics_of().wsgi()
        except StateError as error:
            print(json.dumps(str(error)))
    """
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + textwrap.dedent(program)],
        env={**os.environ, "LATER": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert "was set after prometheus_client was imported" in json.loads(done.stdout)


def test_metrics_leave_the_folder(tmp_path: Path) -> None:
    """What was counted stays there; what comes later is not written. Exporting twice is once."""
    found = run(
        """
        from heliograph.metrics.prometheus import export
        metrics = metrics_of()
        exported = export(metrics)
        export(metrics)
        with metrics:
            pay()
            exported.unregister()
            export(metrics).unregister()
            pay()
            counts = told(metrics, "paid_total")
        print(json.dumps(counts))
        """,
        tmp_path,
    )

    assert found['paid_total{plan="yearly"}'] == 1


def test_the_folder_is_emptied_when_gunicorn_starts(tmp_path: Path) -> None:
    """But for the files of the process itself, which may have loaded the application before."""
    found = run(
        """
        from heliograph.metrics.prometheus import child_exit, on_starting
        folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]
        open(f"{folder}/counter_1.db", "w").close()
        open(f"{folder}/notes.txt", "w").close()
        metrics_of().wsgi()
        own = sorted(os.listdir(folder))
        on_starting(None)
        left = sorted(os.listdir(folder))
        del os.environ["PROMETHEUS_MULTIPROC_DIR"]
        on_starting(None)
        child_exit(None, None)
        print(json.dumps([sorted(set(own) - set(left)), len(left) > 1]))
        """,
        tmp_path,
    )

    assert found == [["counter_1.db"], True]


def test_healths_are_kept_in_the_folder(tmp_path: Path) -> None:
    """Counts by what they have grown, truths of all workers, and no age of what is gone."""
    found = run(
        """
        from dataclasses import dataclass, replace

        @dataclass(frozen=True)
        class Health:
            GROWING = ("sent",)
            connected: bool
            sent: int
            oldest: float | None

        now = Health(True, 2, 7.5)
        metrics = metrics_of()
        metrics.health_of(lambda: now, "relay")
        names = "relay_connected", "relay_sent_total", "relay_oldest_seconds"
        with metrics:
            first = told(metrics, *names)
            now = replace(now, sent=5, oldest=None)
            time.sleep(0.6)
            second = told(metrics, *names)
        print(json.dumps([first, second]))
        """,
        tmp_path,
    )

    assert found == [
        {"relay_connected": 1.0, "relay_sent_total": 2.0, "relay_oldest_seconds": 7.5},
        {"relay_connected": 1.0, "relay_sent_total": 5.0, "relay_oldest_seconds": 0.0},
    ]
