"""Places orders in the shop, shows what its trail tells of them, and lets `verify` find a forger.

Run by `make demo-audit`.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory

from heliograph.audit import Key
from heliograph.lifecycle.flask import install

from . import create_app
from .trail import trail_of_shop

COMMAND = str(Path(sysconfig.get_path("scripts")) / "heliograph")


def main() -> int:
    """Run the demo; return the exit status of a check that did what it should."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "key").write_bytes(b"only for this demo, of course")
        order(place)
        audit(place, "stats")
        audit(place, "timeline", "order-1")
        audit(place, "seal", "--anchor", str(place / "anchors"))
        audit(place, "verify", "--anchors", str(place / "anchors"))
        forge(place)
        return 0 if audit(place, "verify", "--anchors", str(place / "anchors")) == 1 else 1


def order(place: Path) -> None:
    """Let two visitors look around and order."""
    app = create_app()
    install(app)
    with trail_of_shop(
        f"sqlite:///{place / 'trail.db'}", Key("demo", (place / "key").read_bytes())
    ):
        for number, name in enumerate(("ada", "grace"), start=1):
            visitor = app.test_client()
            with visitor.session_transaction() as session:
                session["visitor"] = name
            visitor.get("/products/mirror")
            headers = {"X-Request-ID": f"order-{number}"}
            visitor.post("/orders", data={"item": "mirror", "quantity": number}, headers=headers)
    print("Two visitors have looked at a mirror and ordered it.\n")


def forge(place: Path) -> None:
    """Change who placed the first order, as somebody can who may write to the file."""
    connection = sqlite3.connect(place / "trail.db")
    forged = "UPDATE audit_entry SET actor_id = 'grace' WHERE action = 'order.place'"
    try:
        connection.execute(forged)
    except sqlite3.IntegrityError as error:
        print(f"Somebody tries to change an entry. The database refuses: {error}.")
    connection.execute("DROP TRIGGER audit_entry_update")
    connection.execute(forged)
    connection.commit()
    connection.close()
    print("Now without the trigger that guards it: the entry says that grace has ordered.\n")


def audit(place: Path, *words: str) -> int:
    """Show and run a command of the trail; return its exit status."""
    shown = " ".join(Path(it).name if it.startswith(str(place)) else it for it in words)
    print(f"$ heliograph audit {shown}", flush=True)
    options = ["--url", f"sqlite:///{place / 'trail.db'}", "--key", f"demo:{place / 'key'}"]
    status = subprocess.run([COMMAND, "audit", *options, *words], check=False).returncode
    print(flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
