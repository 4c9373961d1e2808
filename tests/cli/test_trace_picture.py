"""The picture of a traced order in the README."""

from __future__ import annotations

from tests.cli.trace_picture import PICTURE, picture, traced, words


def test_the_picture_shows_what_the_command_prints_today() -> None:
    """All but durations, which are those of the day it was drawn; `make pages` draws it again."""
    drawn = PICTURE.read_text(encoding="utf-8")

    assert words(drawn) == words(picture(traced()))
    assert "order_placed" in words(drawn)


def test_the_picture_fetches_nothing() -> None:
    """No font of anybody else."""
    drawn = PICTURE.read_text(encoding="utf-8")

    assert 'url("http' not in drawn
    assert "@font-face" not in drawn
