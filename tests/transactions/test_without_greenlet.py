"""Plain sessions need nothing but SQLAlchemy, which brings no greenlet from 2.1 on."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys

sys.modules["greenlet"] = None  # As where it is not installed.

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import heliograph
import heliograph.audit
from heliograph.transactions import using
from heliograph.transactions.async_sessions import pause
from heliograph.transactions.sqlalchemy import install

paid = heliograph.signal("order-paid")
mails = []

@paid.connect(when="after_commit")
def mail(sender, *, order):
    mails.append(order)

install()
sessions = scoped_session(sessionmaker(create_engine("sqlite://")))
sessions.execute(text("SELECT 1"))
with using(sessions):
    paid.send("shop", order=7)
sessions.commit()
pause(0)
print(mails, "sqlalchemy.ext.asyncio" in sys.modules)
"""


def test_delivery_on_commit_works_where_greenlet_is_not_installed() -> None:
    """Nothing of async sessions is imported for a program that has none."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )

    assert (ran.stdout, ran.stderr) == ("[7] False\n", "")


def test_an_async_receiver_is_refused_where_greenlet_is_not_installed() -> None:
    """A plain session awaits nothing, and that is told without asking what async sessions are."""
    program = PROGRAM.replace("def mail", "async def mail")

    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert "AsyncReceiverError: __main__.mail is async" in ran.stderr
