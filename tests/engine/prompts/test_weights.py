from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acetate_engine.prompts.weights import DOWN, UP, Piece, escaped, not_understood, parse, plain


@pytest.mark.parametrize(
    ("prompt", "pieces"),
    [
        ("a red apple", [("a red apple", 1)]),
        ("a (red) apple", [("a ", 1), ("red", UP), (" apple", 1)]),
        ("((red))", [("red", UP**2)]),
        ("[red]", [("red", DOWN)]),
        ("(red:1.3) apple", [("red", 1.3), (" apple", 1)]),
        ("(red : 1.3 )", [("red ", 1.3)]),
        ("(red:.5)", [("red", 0.5)]),
        ("(a (b:2) c:0.5)", [("a ", 0.5), ("b", 1.0), (" c", 0.5)]),
        (r"a \(red\) \[b\]", [("a (red) [b]", 1)]),
        (r"(\(red\):2)", [("(red)", 2)]),
        ("(red", [("red", UP)]),
        ("red) [blue", [("red) ", 1), ("blue", DOWN)]),
        ("16:9 picture: a cat", [("16:9 picture: a cat", 1)]),
        ("smile :) and :1.2)", [("smile :) and :1.2)", 1)]),
        ("Big BREAKfast", [("Big BREAKfast", 1)]),
        ("(red:0) apple", [("red", 0), (" apple", 1)]),
        ("(red:-1.5)", [("red", -1.5)]),
        ("(red:1.2", [("red:1.2", UP)]),
        ("(red:1.2.3)", [("red:1.2.3", UP)]),
        ("[[[red]]]", [("red", DOWN**3)]),
        ("([red)]", [("red)", UP * DOWN)]),
        ("()", []),
        ("", []),
    ],
)
def test_what_each_mark_means(prompt: str, pieces: list[tuple[str, float]]) -> None:
    found = parse(prompt)
    assert [piece.text for piece in found] == [text for text, _ in pieces]
    assert [piece.weight for piece in found] == pytest.approx([weight for _, weight in pieces])


def test_break_begins_a_chunk() -> None:
    assert parse("BREAK a") == [Piece(" a", begins_chunk=True)]
    assert parse("a BREAK") == [Piece("a ")]
    assert parse("a BREAK b") == [Piece("a "), Piece(" b", begins_chunk=True)]


@given(st.text(alphabet="ab ()[]:\\.0123BREAK", max_size=60))
def test_nothing_fails_and_no_word_is_lost(prompt: str) -> None:
    found = "".join(piece.text for piece in parse(prompt))
    assert set(found) <= set(prompt)
    assert found.count("a") == prompt.count("a") and found.count("b") == prompt.count("b")


def test_words_alone() -> None:
    assert plain("a (red:1.2) [apple] BREAK now") == "a red apple now"
    assert plain("a  plain one") == "a  plain one"


@given(st.text(max_size=60).filter(lambda text: "BREAK" not in text))
def test_escaped_words_mean_themselves(words: str) -> None:
    assert "".join(piece.text for piece in parse(escaped(words))) == words
    assert all(piece.weight == 1 for piece in parse(escaped(words)))


def test_marks_of_other_programs_are_found() -> None:
    assert not_understood("[a:b:0.5] and [c|d], [e]") == ["[a:b:0.5]", "[c|d]"]
    assert not_understood("[a:12] [b::0.5] [:c:.5] [d:e] [f]") == ["[a:12]", "[b::0.5]", "[:c:.5]"]
