"""Which modules of a package would connect receivers, and were not imported."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from heliograph.inspector import UnloadedInfo, unloaded
from tests.cli.children import write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.inspector.conftest import Program


def test_modules_that_connect_are_named_with_what_they_connect_to(
    program: Program, tmp_path: Path
) -> None:
    """By the last name of a signal, or the text that a namespace gets; nothing is imported."""
    program({"kiosk/__init__.py": "", "kiosk/seen.py": "0 and a.connect(f)"})
    kiosk = tmp_path / "kiosk"
    write(
        kiosk / "mail.py",
        """
        import sys, heliograph
        raise RuntimeError("Nobody imports this.")
        signals.order_paid.connect(f)
        @sent.connect_via(shop)
        def g(): ...
        shop["saved"].connect(f)
        blinker.signal("gone", "doc").connect(f)
        (a or b).connect(f)
        other.disconnect(f)
        """,
    )
    write(kiosk / "inner" / "__init__.py", "from blinker import signal\nx.connect(f)")
    write(kiosk / "inner" / "database.py", "from .. import sqlite3\nsqlite3.connect('a.db')")
    write(kiosk / "quiet.py", "heliograph = 1")
    write(kiosk / "prose.py", "'connect'")
    write(kiosk / "tables.py", "import sqlite3, heliograph\nsqlite3.connect('a.db')")
    write(kiosk / "broken.py", "connect (")
    write(kiosk / "demo.py", "a.connect(f)\nif 1: pass\nif __name__ == '__main__': run()")
    write(kiosk / "__main__.py", "a.connect(f)")
    write(kiosk / "no_package" / "skipped.py", "a.connect(f)")

    assert unloaded([sys.modules["kiosk"]]) == [
        UnloadedInfo("kiosk.mail", frozenset({"order_paid", "sent", "saved", "gone"}), makes=True),
        UnloadedInfo("kiosk.inner", frozenset({"x"}), makes=True),
        UnloadedInfo("kiosk.inner.database", frozenset({"sqlite3"}), makes=False),
    ]


def test_a_file_that_cannot_be_read_is_passed_over(program: Program, tmp_path: Path) -> None:
    """Importing it will say why."""
    program({"kiosk/__init__.py": ""})
    (tmp_path / "kiosk" / "binary.py").write_bytes(b"connect \xff")
    (tmp_path / "kiosk" / "folder.py").mkdir()

    assert unloaded([sys.modules["kiosk"]]) == []
