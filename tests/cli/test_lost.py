"""`heliograph lost`: who asks for runs that were killed, and what they are told."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.children import child, heliograph, write

if TYPE_CHECKING:
    from pathlib import Path

SHOP = """
    from heliograph.lifecycle import job, job_failed
    from heliograph.lifecycle.leases import Leases

    @job_failed.connect
    def tell(sender, *, job, outcome):
        print(f"heard of {job.name}: {outcome}")
"""

KILLED = """
    import os, signal
    import shop

    @shop.job(name="count stock")
    def count_stock():
        os.kill(os.getpid(), signal.SIGKILL)

    leases = shop.Leases("leases")
    leases.start()
    count_stock()
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Make a shop, one of whose jobs was killed."""
    write(tmp_path / "shop.py", SHOP)
    ended = child(sys.executable, str(write(tmp_path / "killed.py", KILLED)), cwd=tmp_path)
    assert ended.status == -9
    return tmp_path


def test_the_receivers_of_a_program_hear_of_what_is_lost(shop: Path) -> None:
    """Once; the exit status tells whether there was something."""
    ended = heliograph("lost", "--app", "shop", "leases", cwd=shop)

    assert (ended.status, ended.err) == (1, "")
    assert "heard of count stock: lost\n" in ended.out
    assert "function │ count stock │" in ended.out
    again = heliograph("lost", "--app", "shop", "leases", cwd=shop)
    assert (again.status, again.out, again.err) == (0, "No run of 'shop' is lost.\n", "")


def test_what_is_lost_can_be_read_by_programs(shop: Path) -> None:
    """All that is known of a run."""
    ended = heliograph("lost", "--app", "shop", "--json", "leases", cwd=shop)

    [told] = json.loads(ended.out.partition("\n")[2])
    assert (told["system"], told["name"], told["attempt"]) == ("function", "count stock", 1)
    assert (ended.status, told["id"]) == (1, told["run_id"])


def test_a_folder_that_is_not_there_is_misuse(shop: Path) -> None:
    """It is not made by asking."""
    ended = heliograph("lost", "--app", "shop", "nowhere", cwd=shop)

    assert ended.status == 2
    assert "'nowhere' does not exist" in ended.err
