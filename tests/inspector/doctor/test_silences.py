"""Comments that silence findings, and what is found of the comments themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from heliograph.inspector.doctor import Observer
from heliograph.inspector.doctor.silences import silences_in
from tests.inspector.doctor.diagnosing import found, looked_at, messages

if TYPE_CHECKING:
    from tests.inspector.conftest import Program

pytestmark = [
    pytest.mark.filterwarnings("ignore::heliograph.ReceiverWarning"),
    pytest.mark.once,
]


def test_a_comment_silences_the_line_that_it_stands_in_or_above(program: Program) -> None:
    """All lines of the statement count; other checks and other lines do not."""
    files = {
        "kiosk.py": """\
            from heliograph import Signal

            paid = Signal("paid")
            paid.send("kiosk")
            paid.connect(lambda it, **extra: 1)  # heliograph: ignore[weak-lambda] - for the docs
            # heliograph: ignore[weak-lambda, no-extra] - another one
            paid.connect(lambda it: 2)
            paid.connect(
                lambda it, **extra: 3,
            )  # heliograph: ignore[weak-lambda]: as above

            def create_app():
                @paid.connect
                def book(  # heliograph: ignore[weak-nested] - it is a test
                    sender,
                ): ...

            if paid:  # heliograph: ignore[weak-lambda] - not for what is inside
                paid.connect(lambda it, **extra: 4)
            """,
    }
    examined = looked_at(program(files))

    assert found(examined) == [
        ("useless-silence", "kiosk.py:18"),
        ("useless-silence", "kiosk.py:6"),
        ("weak-lambda", "kiosk.py:19"),
    ]
    assert [(it.check, it.location) for it in examined.silenced] == [
        ("weak-lambda", "kiosk.py:5"),
        ("weak-lambda", "kiosk.py:7"),
        ("weak-lambda", "kiosk.py:8"),
        ("weak-nested", "kiosk.py:13"),
    ]


def test_a_silence_says_why_and_what(program: Program) -> None:
    """One without a reason silences, and is found itself; so is one that silences nothing."""
    files = {
        "kiosk.py": """\
            from heliograph import Signal

            paid = Signal("paid")
            paid.send("kiosk")
            paid.connect(lambda it, **extra: 1)  # heliograph: ignore[weak-lambda]
            paid.connect(lambda it, **extra: 2)  # heliograph: ignore - it is right
            said = "# heliograph: ignore[weak-lambda]"  # heliograph: ignore[week-lambda] - a slip
            # heliograph: ignore
            # heliograph: ignored, as we shall see
            """,
    }
    examined = looked_at(program(files))

    assert found(examined) == [
        ("silence-without-reason", "kiosk.py:5"),
        ("silence-without-reason", "kiosk.py:8"),
        ("useless-silence", "kiosk.py:6"),
        ("useless-silence", "kiosk.py:7"),
        ("useless-silence", "kiosk.py:8"),
        ("weak-lambda", "kiosk.py:6"),
    ]
    assert messages(examined)[1:] == [
        "`heliograph: ignore[weak-lambda]` gives no reason.",
        "`heliograph: ignore` gives no reason.",
        "It names no check: write `heliograph: ignore[check] - why`.",
        "There is no check 'week-lambda'.",
        "It names no check: write `heliograph: ignore[check] - why`.",
    ]


def test_a_silence_of_a_check_that_was_not_asked_is_not_useless(program: Program) -> None:
    """Without requests nobody can tell whether a receiver is slow."""
    files = {
        "kiosk.py": """\
            paid = 1  # heliograph: ignore[slow-receiver] - it waits for the printer
            seen = 2  # heliograph: ignore[proxy-sender, blocking-receiver] - elsewhere
            """,
    }
    modules = program(files)

    assert found(looked_at(modules)) == []
    assert found(looked_at(modules, observer=Observer(), is_async=True, blinkers=["paid"])) == [
        ("useless-silence", "kiosk.py:1"),
        ("useless-silence", "kiosk.py:2"),
        ("useless-silence", "kiosk.py:2"),
    ]


def test_silences_are_read_from_comments_alone() -> None:
    """With their checks and their reasons."""
    text = 'x = "# heliograph: ignore[a]"\ny = 1 #heliograph:ignore[ b,c ,] – why not\n'

    [silence] = silences_in("kiosk.py", text)

    assert (silence.location, silence.names, silence.reason, silence.alone) == (
        "kiosk.py:2",
        ("b", "c"),
        "why not",
        False,
    )
