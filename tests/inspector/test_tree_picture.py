"""The picture of a traced tree in the documentation."""

from __future__ import annotations

from tests.inspector.tree_picture import PICTURE, picture


def test_the_picture_shows_what_a_tree_looks_like() -> None:
    """`make pages` draws it again."""
    assert PICTURE.read_text(encoding="utf-8") == picture()


def test_the_picture_fetches_nothing() -> None:
    """No font of anybody else."""
    assert 'url("http' not in picture()
    assert "@font-face" not in picture()
