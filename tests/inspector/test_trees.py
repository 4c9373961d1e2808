"""Trees of styled text: their guides, their lines in a width, and what terminals must not obey."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.inspector.trees import Branch, Piece, as_html, as_text, columns, draw


def branch(text: str, *below: Branch, more: str = "") -> Branch:
    """Return a branch of one line, or of two."""
    lines = [text, more] if more else [text]
    return Branch(tuple((Piece(it),) for it in lines), below)


TREE = branch(
    "a",
    branch("b", branch("c"), more="more of b"),
    branch("d", branch("e"), more="more of d"),
)


def test_branches_hang_on_guides() -> None:
    """Further lines of a branch stand beside the guide of the next one."""
    assert as_text([TREE, branch("f")]) == (
        "a\n├── b\n│   more of b\n│   └── c\n└── d\n    more of d\n    └── e\n\nf\n\n"
    )


def test_a_tree_can_be_drawn_with_ascii() -> None:
    """And so can the signs in its words."""
    tree = branch("× 3 → 1 µs …", branch("b"), branch("c"))

    assert as_text([tree], ascii_only=True) == "x 3 -> 1 us ...\n+-- b\n`-- c\n\n"


def test_a_line_that_is_too_long_goes_on_beside_the_guides() -> None:
    """It is broken between words; what belongs together stays together."""
    line = (Piece("a few words"), Piece("of many"), Piece("12 ms", whole=True), Piece("end"))
    tree = Branch(((Piece("top"),),), (Branch((line,)), branch("last")))

    assert as_text([tree], 28) == ("top\n├── a few words  of many\n│     12 ms  end\n└── last\n\n")


def test_a_word_that_is_longer_than_a_line_is_cut_into_lines() -> None:
    """Nothing of it is lost."""
    assert as_text([branch("x" * 50 + " y")], 24) == (
        f"{'x' * 24}\n  {'x' * 22}\n  {'x' * 4} y\n\n"
    )


def test_letters_that_need_two_columns_count_as_two() -> None:
    """And those that need none as none."""
    assert (columns("abc"), columns("日本"), columns("e\u0301")) == (3, 4, 1)
    assert as_text([branch("日本語 " * 6)], 24).splitlines()[0].strip() == "日本語 日本語 日本語"


def test_what_a_terminal_would_obey_is_escaped() -> None:
    """Colours, line breaks, and letters that turn the direction of a text."""
    hostile = Piece("a\x1b[31m\nb\u202ec\x9b")

    assert as_text([Branch(((hostile,),))]) == "a\\x1b[31m\\x0ab\\x202ec\\x9b\n\n"


def test_neighbours_of_one_style_are_drawn_as_one() -> None:
    """A terminal gets fewer codes."""
    line = (Piece("a b", "quiet"), Piece("c", "quiet"), Piece("d"))

    assert list(draw(Branch((line,)))) == [[Piece("a b  c", "quiet"), Piece("  d")]]


def test_a_notebook_gets_text_with_styles() -> None:
    """What looks like HTML is text."""
    tree = Branch(((Piece("<b>", "bad"), Piece("&")),))

    assert as_html([tree, branch("c")]) == (
        '<pre style="line-height: 1.25">'
        '<span style="color: #cf222e; font-weight: bold">&lt;b&gt;</span>  &amp;'
        "\n\nc</pre>"
    )


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
pieces = st.builds(Piece, texts, whole=st.booleans())
trees = st.recursive(
    st.builds(lambda line: Branch((tuple(line),)), st.lists(pieces, min_size=1, max_size=4)),
    lambda below: st.builds(
        lambda line, it: Branch((tuple(line),), tuple(it)),
        st.lists(pieces, min_size=1, max_size=3),
        st.lists(below, max_size=3),
    ),
    max_leaves=6,
)


@given(trees, st.integers(40, 90))
def test_no_line_is_too_long_and_nothing_is_lost(tree: Branch, width: int) -> None:
    """Whatever the words are."""

    def letters(text: str) -> str:
        return "".join(it for it in text if it not in " \n├└│─")

    narrow, wide = as_text([tree], width), as_text([tree])

    assert max(map(columns, narrow.split("\n"))) <= width
    assert letters(narrow) == letters(wide)


@pytest.mark.parametrize("width", range(24, 60))
def test_a_number_is_never_torn_from_its_unit(width: int) -> None:
    """In any width that has room for both."""
    line = (Piece("some.receiver"), Piece("12.5 ms", whole=True))
    tree = Branch(((Piece("x"),),), (Branch((line,)),))

    assert any("12.5 ms" in it for it in as_text([tree], width).splitlines())
