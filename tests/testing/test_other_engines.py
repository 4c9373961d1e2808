"""Captures of plain Blinker signals, in processes where nobody has installed Heliograph."""

from __future__ import annotations

from tests.blinker.processes import in_a_fresh_process


@in_a_fresh_process
def test_a_plain_blinker_signal_is_captured() -> None:
    """With sender, payload and the line that sent it; deliveries are not known."""
    import blinker

    from heliograph.testing import capture, expect

    saved = blinker.signal("saved")
    with capture(saved) as sent, capture(saved, sender="a model") as of_a_model:
        saved.send("a model", created=True)
        saved.send("another", created=False)
    with expect(saved, created=True):
        saved.send("a model", created=True)
    saved.send("afterwards")
    first = sent.first

    assert type(saved).__module__ == "blinker.base"
    assert [(it.sender, dict(it.payload)) for it in sent] == [
        ("a model", {"created": True}),
        ("another", {"created": False}),
    ]
    assert of_a_model.one().sender == "a model"
    assert str(first.location).startswith(f"{__file__}:")
    assert (first.deliveries, first.duration, first.muted) == ((), 0.0, False)
    assert not saved.receivers


@in_a_fresh_process
def test_a_plain_blinker_signal_is_waited_for() -> None:
    """As any other; and its payload is kept as it was sent."""
    from threading import Thread

    import blinker

    from heliograph.testing import capture

    saved, context = blinker.Signal(), {"items": 10}
    with capture(saved) as sent:
        thread = Thread(target=saved.send, kwargs={"context": context})
        thread.start()
        found = sent.wait(saved, timeout=60)
        thread.join()
    context.clear()

    assert found["context"] == {"items": 10}


@in_a_fresh_process
def test_what_cannot_be_copied_breaks_nobody_who_sends_on_blinker() -> None:
    """The test is told at the end of the block."""
    from threading import Lock

    import blinker
    import pytest

    from heliograph import ArgumentError
    from heliograph.testing import capture

    saved = blinker.signal("saved")
    with (
        pytest.raises(ArgumentError, match="'lock' in the payload of 'saved' cannot be"),
        capture(saved, snapshot="deep") as sent,
    ):
        saved.send("a model", lock=Lock())

    assert sent.one().sender == "a model"


@in_a_fresh_process
def test_async_sends_of_blinker_are_captured() -> None:
    """The receiver that listens is async if others are, for Blinker wants all to be alike."""
    import asyncio

    import blinker

    from heliograph.testing import capture

    saved = blinker.signal("saved")

    async def receive(sender: object) -> None:
        """Receive it."""

    saved.connect(receive, weak=False)
    with capture(saved) as sent:
        asyncio.run(saved.send_async("a model"))

    saved.disconnect(receive)
    saved.connect(receive)
    with capture(saved) as again:
        asyncio.run(saved.send_async("a model"))

    assert [it.sender for it in (*sent, *again)] == ["a model", "a model"]


@in_a_fresh_process
def test_what_another_test_sends_on_blinker_does_not_count() -> None:
    """The rule is the same for every engine."""
    from contextvars import copy_context

    import blinker

    from heliograph.testing import capture
    from heliograph.testing.belonging import started_by

    saved = blinker.signal("saved")
    with started_by("another test"):
        context = copy_context()
    with started_by("this test"), capture(saved) as sent:
        context.run(saved.send, "another test")
        saved.send("this test")

    assert [it.sender for it in sent] == ["this test"]


@in_a_fresh_process
def test_messages_say_whose_signal_it_is() -> None:
    """A capture of everything sees Heliograph's alone, and so do muting and connections."""
    import blinker
    import pytest

    from heliograph import ArgumentError
    from heliograph.testing import ExpectationError, assert_connected, capture, mute

    saved, other = blinker.signal("saved"), blinker.signal("other")
    with capture(saved, other) as sent, capture() as everything:
        other.send("a model")

    with pytest.raises(ExpectationError) as told:
        sent.assert_order(saved)
    lines = str(told.value).splitlines()
    with pytest.raises(ArgumentError) as not_captured:
        everything.assert_sent(saved)
    with pytest.raises(ArgumentError, match=r"a signal of Blinker, and mute\(\) works only with"):
        mute(saved)
    with pytest.raises(ArgumentError, match=r"call heliograph\.blinker\.install\(\)"):
        assert_connected(saved, print)

    assert str(not_captured.value) == (
        "'saved' is not captured here, only Heliograph's signals, and it is a signal of "
        "Blinker. Capture it with capture() or with the fixture capture_signals. To make Blinker's "
        "signals Heliograph's, run pytest with --signals-install or set signals_install = true; "
        "without pytest, call heliograph.blinker.install()."
    )
    assert lines[:2] == ["Expected in this order: 'saved'.", "'saved' was not sent."]
    assert lines[-1] == "     from 'a model'; sent by another engine"


@in_a_fresh_process
def test_a_name_finds_signals_of_blinker_too() -> None:
    """It is by the variable that a signal is passed."""
    import sys
    from types import ModuleType

    import blinker
    import pytest

    from heliograph import ArgumentError
    from heliograph.testing import capture

    module = sys.modules["notes"] = ModuleType("notes")
    vars(module)["saved"] = blinker.signal("record-saved")

    for name in ("record-saved", "record_saved", "saved"):
        with pytest.raises(ArgumentError, match=r"pass the signal itself, notes\.saved\.$"):
            capture(name)


@in_a_fresh_process
def test_a_capture_goes_on_when_heliograph_takes_over() -> None:
    """Everything that is sent is there once."""
    import blinker

    import heliograph.blinker
    from heliograph.testing import capture

    saved = blinker.signal("saved")
    with capture(saved) as sent:
        saved.send("before")
        heliograph.blinker.install()
        saved.send("after")

    assert isinstance(saved, heliograph.Signal)
    assert [it.sender for it in sent] == ["before", "after"]


@in_a_fresh_process
def test_templates_need_a_framework() -> None:
    """Nobody can render one where neither Flask nor Quart has been imported."""
    import pytest

    from heliograph import ArgumentError
    from heliograph.testing import Flashes, Templates

    with pytest.raises(ArgumentError) as told:
        Templates()
    with pytest.raises(ArgumentError, match="so nothing can send 'message_flashed'"):
        Flashes()

    assert str(told.value) == (
        "Neither Flask nor Quart has been imported, so nothing can send 'template_rendered'."
    )
