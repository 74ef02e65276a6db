"""What the embedded model reads of a prompt, and what it says of the rest."""

from __future__ import annotations

import pytest
import torch

from acetate_engine.models.families.mini_parts import _unread
from acetate_engine.models.networks.text import MiniLMTextEncoder
from acetate_engine.prompts.weights import plain

LONG = "a small red fox with a blue hat beside a large old green wooden boat at night under stars"


@pytest.fixture(scope="module")
def encoder() -> MiniLMTextEncoder:
    return MiniLMTextEncoder(16)


def test_what_is_not_read_changes_nothing_and_is_told(encoder: MiniLMTextEncoder) -> None:
    rest = encoder.unread(LONG)
    assert rest == "boat at night under stars"
    short = LONG.removesuffix(rest)
    assert encoder.unread(short) == ""
    told, other = encoder.encode([LONG, short + "zebra zebra zebra"])
    torch.testing.assert_close(told, other)


def test_a_word_that_is_read_in_part_counts_as_not_read(encoder: MiniLMTextEncoder) -> None:
    assert encoder.unread("a b c d e f g h i j k l m hippopotamuses, two") == "hippopotamuses, two"


def notes(encoder: MiniLMTextEncoder, prompt: str) -> list[str]:
    return list(_unread(encoder, [prompt], [plain(prompt)]))


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a (red:1.3) fox and [a hat]", "red, a hat"),
        ("a fox BREAK a hat", "a hat"),
        (LONG, "boat at night under stars"),
        ("a fox embedding:worse", "embedding:worse was not used"),
        ("a fox \U0001f98a", "\U0001f98a"),
    ],
)
def test_notes_name_the_words_that_were_not_used(prompt: str, words: str, encoder: MiniLMTextEncoder) -> None:
    (note,) = notes(encoder, prompt)
    assert words in note and "not " in note


@pytest.mark.parametrize("prompt", ["a red fox", "", r"a \(red\) fox"])
def test_nothing_to_say(prompt: str, encoder: MiniLMTextEncoder) -> None:
    assert notes(encoder, prompt) == []
