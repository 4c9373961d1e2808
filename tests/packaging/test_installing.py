"""Installing from the source distribution: with a compiler, without one, and with C turned off."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.packaging.building import COMPILER, build_wheel, install, run

if TYPE_CHECKING:
    from pathlib import Path

SEND = """
from heliograph import Signal
from heliograph import implementation

paid = Signal("order-paid")

@paid.connect
def thank(sender, total):
    return total

print(implementation, [value for _, value in paid.send("shop", total=12)])
"""


def test_without_a_compiler_the_install_succeeds_and_python_serves(
    sdist: Path, tmp_path: Path
) -> None:
    """Nothing in what pip says could make anybody think that something is missing."""
    (tmp_path / "nothing").mkdir()

    # `CC` too: a Python may know its compiler by the whole path.
    said = install(sdist, tmp_path / "env", PATH=str(tmp_path / "nothing"), CC="no-compiler")

    assert run(tmp_path / "env", SEND) == "python [12]"
    assert re.findall(r"(?im)^.*(?:error|warn|fail|compil|_dispatch).*$", said) == []
    assert said.splitlines()[-1] == f"Successfully installed {sdist.name.removesuffix('.tar.gz')}"


def test_whoever_looks_at_the_build_is_told_in_one_line_what_is_missing(
    sdist: Path, tmp_path: Path
) -> None:
    """Nothing but speed; and how to have the install fail instead."""
    said = install(sdist, tmp_path, "--verbose", PATH="", CC="no-compiler")

    [line] = re.findall(r"(?m)^ *(heliograph: .*)$", said)
    assert line == (
        "heliograph: the part in C could not be compiled. Everything works, and sending is slower. "
        "Set HELIOGRAPH_REQUIRE_C=1 to fail here instead."
    )


def test_whoever_asks_for_the_part_in_c_is_told_that_it_cannot_be_compiled(
    sdist: Path, tmp_path: Path
) -> None:
    """With `HELIOGRAPH_REQUIRE_C=1` nothing falls back, and what the compiler met is shown."""
    said = install(sdist, tmp_path, fails=True, HELIOGRAPH_REQUIRE_C="1", PATH="", CC="no-compiler")

    assert re.findall(r"(?m)^ *error: .*no-compiler.*$", said) != []
    assert not list(tmp_path.rglob("heliograph"))


def test_whoever_asks_for_the_part_in_c_and_turns_it_off_is_told_so(
    sdist: Path, tmp_path: Path
) -> None:
    """Two variables that contradict each other build nothing."""
    said = install(sdist, tmp_path, fails=True, HELIOGRAPH_REQUIRE_C="1", HELIOGRAPH_PURE="1")

    assert (
        "HELIOGRAPH_REQUIRE_C=1 asks for the part in C, but HELIOGRAPH_PURE turns it off. "
        "Unset one of them."
    ) in said


@pytest.mark.skipif(COMPILER is None, reason="no C compiler: `make test` where there is one")
def test_with_a_compiler_the_part_in_c_serves(sdist: Path, tmp_path: Path) -> None:
    """Nobody has to ask for it."""
    install(sdist, tmp_path)

    assert run(tmp_path, SEND) == "c [12]"


def test_a_wheel_without_the_part_in_c_is_for_every_platform(sdist: Path, tmp_path: Path) -> None:
    """`HELIOGRAPH_PURE=1` while it is built leaves nothing in it that is for one Python alone."""
    wheel = build_wheel(sdist, tmp_path, HELIOGRAPH_PURE="1")

    assert wheel.name == f"{sdist.name.removesuffix('.tar.gz')}-py3-none-any.whl"
