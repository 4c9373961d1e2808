"""Which sessions are async; SQLAlchemy's own module cannot be imported without greenlet."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.orm import Session, scoped_session
from sqlalchemy.util import await_only

# A plain program needs no greenlet: who has an async session has imported this module.
_MODULE = "sqlalchemy.ext.asyncio"


def is_async(session: Session) -> bool:
    """Tell whether an async session uses this plain one."""
    loaded: Any = sys.modules.get(_MODULE)
    return loaded is not None and loaded.async_session(session) is not None


def plain_session(it: object) -> Session | None:
    """Return the plain session of a session, an async one, or a scoped one of either."""
    loaded: Any = sys.modules.get(_MODULE)
    if isinstance(it, scoped_session) or (loaded and isinstance(it, loaded.async_scoped_session)):
        scoped: Any = it
        it = scoped()
    if loaded and isinstance(it, loaded.AsyncSession):
        given: Any = it
        it = given.sync_session
    return it if isinstance(it, Session) else None


def pause(seconds: float) -> None:
    """Wait; in an async session, others may go on meanwhile."""
    if _MODULE not in sys.modules:
        time.sleep(seconds)
        return
    try:
        await_only(asyncio.sleep(seconds))
    except MissingGreenlet:
        time.sleep(seconds)
