"""How a prompt could go on, and what was written before."""

from __future__ import annotations

import pytest

from acetate.protocol.events import ModelInfo
from acetate.protocol.words import Vocabulary
from acetate.session.completion import Completion, completions
from acetate.session.prompt_walk import PromptWalk

MODEL = ModelInfo("dream", "Dream", "sdxl", (), 64, True, styles=("ink", "sub/Oil Paint"), embeddings=("easyneg", "ez"))
WORDS = Vocabulary(
    ("a dog, photo", "a red apple, 3d emoji", "a red fox, 3d emoji", "red brick, photo"), ("animals", "animals/cats")
)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("do", [(0, "a dog, photo")]),
        ("a re", [(0, "a red apple, 3d emoji"), (0, "a red fox, 3d emoji")]),
        ("re", [(0, "red brick, photo"), (0, "a red apple, 3d emoji"), (0, "a red fox, 3d emoji")]),
        ("red fo", [(0, "a red fox, 3d emoji")]),
        ("RED AP", [(0, "a red apple, 3d emoji")]),
        ("a cat beside a do", [(13, "a dog, photo")]),
        ("a house, do", [(9, "a dog, photo")]),
        ("first line\ndo", [(11, "a dog, photo")]),
        ("<", [(0, "<lora:ink:1>"), (0, "<lora:sub/Oil Paint:1>")]),
        ("a fox <lora:SUB", [(6, "<lora:sub/Oil Paint:1>")]),
        ("a __", [(2, "__animals__"), (2, "__animals/cats__")]),
        ("a __animals/", [(2, "__animals/cats__")]),
        ("easy", [(0, "easyneg")]),
        ("bad, embedding:ea", [(5, "easyneg")]),
    ],
)
def test_what_is_offered(typed: str, offered: list[tuple[int, str]]) -> None:
    assert completions(typed, MODEL, WORDS) == [Completion(*each) for each in offered]


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "d",
        "a ",
        "a dog, photo",
        "a dog ",
        "xyz",
        "dog bird",
        "a fox, pho",
        "do\n",
        "<\n",
        "easy\n",
        "<lora:ink:1> ",
        "é",
        "\\(",
    ],
)
def test_what_is_whole_or_hardly_begun_offers_nothing(typed: str) -> None:
    assert completions(typed, MODEL, WORDS) == []


def test_without_a_model_nothing_is_offered() -> None:
    assert completions("<lora:i", None, Vocabulary()) == []


def test_back_to_what_was_written_before_and_forth_again() -> None:
    earlier = PromptWalk(lambda: ["a fox", "a dog", "", "a fox", "a cat"])
    shown = ["draft"]
    for back in (True, True, True, True, False, False, False, False):
        shown.append(earlier.step(shown[-1], back=back) or shown[-1])
    assert shown == ["draft", "a fox", "a dog", "a cat", "a cat", "a dog", "a fox", "draft", "draft"]


def test_a_changed_text_begins_a_walk_of_its_own() -> None:
    earlier = PromptWalk(lambda: ["a fox", "a dog"])
    assert earlier.step("", back=True) == "a fox"
    assert earlier.step("a fox!", back=True) == "a fox" and earlier.step("a fox", back=False) == "a fox!"
    assert PromptWalk(list).step("", back=True) is None
