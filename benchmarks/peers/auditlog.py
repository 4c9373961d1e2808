"""django-auditlog's entries, in a file of SQLite that is as safe as that of a trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


def entering(file: Path, synchronous: str) -> Callable[[Iterable[object]], None]:
    """Return what writes an entry for each item, committed one by one.

    Args:
        file: Where.
        synchronous: How SQLite waits for the disk: "FULL", as in a trail, or "OFF".
    """
    alias = file.parent.name
    _set_up(alias, file, synchronous)
    call_command("migrate", verbosity=0, database=alias)
    from auditlog.models import LogEntry
    from django.contrib.auth.models import Group

    order = Group.objects.using(alias).create(name="order")
    changes = {"order_id": ["", "7"], "user": ["", "ada"], "total": ["", "12"]}
    enter = LogEntry.objects.db_manager(alias).log_create
    update = LogEntry.Action.UPDATE

    def run(items: Iterable[object]) -> None:
        for _ in items:
            enter(order, force_log=True, action=update, changes=changes, actor=None)

    return run


def _set_up(alias: str, file: Path, synchronous: str) -> None:
    database = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": file,
        "OPTIONS": {
            "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous};",
            "transaction_mode": "IMMEDIATE",
        },
    }
    if not settings.configured:
        settings.configure(
            DATABASES={"default": database, alias: database},
            INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "auditlog"],
            USE_TZ=True,
        )
        django.setup()
    connections.settings[alias] = {**connections.settings["default"], **database}
