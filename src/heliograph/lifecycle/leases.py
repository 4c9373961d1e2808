"""Leases: files of the runs that are open, so that those of killed processes are told as lost."""

from __future__ import annotations

import fcntl
import json
import logging
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import quote
from weakref import ref

from heliograph import ArgumentError, StateError
from heliograph.lifecycle.job_info import JobInfo
from heliograph.lifecycle.jobs import LOST, Run
from heliograph.lifecycle.request import new_id
from heliograph.lifecycle.signals import job_failed, job_finished, job_started

if TYPE_CHECKING:
    from collections.abc import Iterator

_RUN, _PROCESS, _MADE = ".run", ".process", ".made"

_KEPT = ("attempt", "eager", "id", "name", "redelivered", "requested_by", "run_id", "started")

_LOG = logging.getLogger("heliograph")


class Leases:
    """Notes in a folder which runs are open, and tells on request of those that are lost.

    Each run has a file, which is locked by the process that runs it; so has each process in which
    this was started. The system frees these locks when a process ends, however it ends. A run is
    lost if it has not ended, and if neither the process that ran it nor the one that it was forked
    from, which may tell of its end, is there any more.

    Start it where the receivers are imported: in each process that runs jobs. A context manager.

    Args:
        folder: Where the files are, on a disk of this machine. It is made at the start.

    Example:
        >>> from tempfile import mkdtemp
        >>> from heliograph.lifecycle import job
        >>> from heliograph.lifecycle.leases import Leases
        >>> @job
        ... def count():
        ...     return [it.name.rpartition(".")[2] for it in leases.open()]
        >>> with Leases(mkdtemp()) as leases:
        ...     count(), leases.open(), leases.tell_lost()
        (['count'], [], [])
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._locks = _Locks()
        self._process = ""
        os.register_at_fork(after_in_child=partial(_forget, ref(self._locks)))

    def start(self) -> None:
        """Note each run that begins in this process, and in those that are forked from it.

        Raises:
            ArgumentError: If the folder cannot be made, or nothing can be written there.
            StateError: If it was started already.
        """
        if self._process:
            msg = "These leases were started already, in this process or before it was forked."
            raise StateError(msg)
        name = f"{new_id()}{_PROCESS}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._locks[name] = _made(self._folder / name, {"process": os.getpid()})
        except OSError as error:
            msg = f"Leases cannot be kept in {self._folder}: {error.strerror}. Pass a folder."
            raise ArgumentError(msg) from error
        self._process = name
        job_started.connect(self._begin)
        # Before all others: an end that is told twice is worse than one that is not told.
        job_finished.connect(self._end, priority=1_000)
        job_failed.connect(self._end, priority=1_000)

    def stop(self) -> None:
        """Note no more runs. Doing so twice is no error.

        What is still open is lost when this process ends.
        """
        job_started.disconnect(self._begin)
        job_finished.disconnect(self._end)
        job_failed.disconnect(self._end)
        if self._process in self._locks:  # Otherwise it is that of the parent.
            self._give_back(self._process)
        self._process = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def open(self) -> list[JobInfo]:
        """Return the runs that have not ended, of all processes; lost ones are among them."""
        return [it.job for it in self._noted()]

    def tell_lost(self, *, sender: object = None, job_id: str | None = None) -> list[JobInfo]:
        """Send `job_failed` with the outcome "lost" for each run that is lost.

        Once, whoever asks, in any process. Nobody can know whether such a job runs again.

        Args:
            sender: The sender; by default these leases: that of the start is gone.
            job_id: The id of a job, if only its runs are meant.

        Returns:
            The runs.
        """
        lost = [it.job for it in self._noted() if job_id in (None, it.job.id) and it.is_lost()]
        for job in lost:
            Run(job, self if sender is None else sender).end(LOST)
        return lost

    def _noted(self) -> Iterator[_Lease]:
        for path in sorted(self._folder.glob(f"*{_RUN}")):
            try:
                noted = json.loads(path.read_text(encoding="utf-8"))
                lease = _Lease(path, path.with_name(noted["process"]), _job_of(noted))
            except FileNotFoundError:
                continue  # It has ended meanwhile.
            except (ValueError, TypeError, KeyError) as error:
                _LOG.warning("%s is no lease, and is left alone: %r.", path, error)
                continue
            # What somebody else has written must not remove anything else.
            if lease.process.suffix == _PROCESS:
                yield lease

    def _begin(self, sender: object, *, job: JobInfo) -> None:
        if job.redelivered:
            self.tell_lost(sender=sender, job_id=job.id)
        noted = {key: getattr(job, key) for key in _KEPT}
        name = _name_of(job)
        self._locks[name] = _made(
            self._folder / name, {"system": job.system, "process": self._process, **noted}
        )

    def _end(self, sender: object, *, job: JobInfo, **_: object) -> None:  # noqa: ARG002 - a receiver gets it.
        self._give_back(_name_of(job))

    def _give_back(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)
        lock = self._locks.pop(name, None)
        if lock is not None:
            os.close(lock)


class _Lease(NamedTuple):
    """What is noted of a run."""

    path: Path
    process: Path
    job: JobInfo

    def is_lost(self) -> bool:
        """Tell whether the run is lost, to the first one who asks."""
        _taken(self.process)
        return not self.process.exists() and _taken(self.path)


def _job_of(noted: dict[str, Any]) -> JobInfo:
    job = JobInfo(noted["system"], **{key: noted[key] for key in _KEPT})
    # It takes those around it, which are none of the run's.
    job.parent = job.request = None
    job.requested_by = noted["requested_by"]
    return job


def _name_of(job: JobInfo) -> str:
    return f"{quote(job.run_id, safe='')}{_RUN}"


def _made(path: Path, noted: dict[str, Any]) -> int:
    """Make a file that is locked before anybody finds it; returns what holds the lock."""
    made = path.with_suffix(_MADE)
    lock = os.open(made, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.write(lock, json.dumps(noted).encode())
    made.rename(path)
    return lock


def _taken(path: Path) -> bool:
    """Remove a file that nobody holds; tells whether that was done, and by nobody else."""
    try:
        lock = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except (BlockingIOError, FileNotFoundError):
        return False
    finally:
        os.close(lock)
    return True


class _Locks(dict[str, int]):
    """The files that this process holds locked, by their names."""


def _forget(found: ref[_Locks]) -> None:
    """Hold nothing in a child that its parent holds: it would be held when that is gone."""
    locks = found()
    while locks:
        os.close(locks.popitem()[1])
