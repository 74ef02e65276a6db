"""What the embedded model says it was not taught."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from acetate.protocol.words import Untaught
from acetate_engine.paths import resources_dir
from acetate_engine.prompts.taught import Taught, read_taught

MINI = resources_dir() / "models" / "mini"


@pytest.fixture(scope="module")
def mini() -> Taught:
    return read_taught(MINI)


@pytest.mark.parametrize(
    "prompt",
    [
        *("", "  ", "a fox", "two small FOXES", "a red fox, 3d emoji", "a (fox:1.3), masterpiece", "hills at night"),
        *(
            "an apple and a spaceship",
            "a spaceship over a city",
            "{fox|cat}",
            "<lora:ink:1>",
            "__animals__",
            *("a", "a dra", "a snowy kit"),
            "3d emoji",
        ),
    ],
)
def test_nothing_is_said_of_what_it_knows(mini: Taught, prompt: str) -> None:
    assert mini.untaught(prompt) == Untaught()


@pytest.mark.parametrize(
    ("prompt", "word", "near"),
    [
        ("a kitten", "kitten", "a cat, 3d emoji"),
        ("some kittens on a sofa", "kittens", "a cat, 3d emoji"),
        ("a huge grey spaceship", "spaceship", "a rocket, 3d emoji"),
        ("an appel", "appel", "a green apple, 3d emoji"),
    ],
)
def test_what_it_was_not_taught_is_said_with_what_is_near(mini: Taught, prompt: str, word: str, near: str) -> None:
    found = mini.untaught(prompt)
    assert found.word == word and near in found.near and len(found.near) <= 3


def test_a_word_of_another_language_has_nothing_near(mini: Taught) -> None:
    assert mini.untaught("ein Apfelbaum") == Untaught("apfelbaum")
    assert mini.untaught("苹果树") == Untaught("苹果树")


def test_whatever_was_taught_is_known(mini: Taught) -> None:
    assert mini.others
    said = [mini.untaught(thing) for thing in (*mini.things, *mini.others)]
    assert [one for one in said if one != Untaught() and not one.is_done_badly] == []


def test_what_was_looked_at_and_found_wrong_is_said_and_not_offered(mini: Taught) -> None:
    assert mini.unlike and [thing for thing in mini.things if mini.found_wrong(thing)] == []
    assert [words for words in mini.unlike if not any(words in thing for thing in mini.others)] == []
    found = mini.untaught("a golden Magnifying glass on a table")
    assert (found.word, found.is_done_badly) == ("magnifying glass", True) and found.near
    for several in ("two magnifying glasses", "spider webs", "one twinkling star"):
        assert mini.untaught(several).is_done_badly
    assert mini.untaught("a feather") == Untaught(), "the emoji is one"
    assert not mini.untaught("a necklace").is_done_badly, "lace is another thing"


def test_what_it_does_not_do_well_is_known_and_not_offered(tmp_path: Path) -> None:
    (tmp_path / "captions.json").write_text(json.dumps(["a whale, 3d emoji"]))
    (tmp_path / "taught.json").write_text(json.dumps(["a whale, 3d emoji", "a rocket, 3d emoji"]))
    found = read_taught(tmp_path)
    assert found.things == ("a whale, 3d emoji",) and found.others == ("a rocket, 3d emoji",)
    assert found.untaught("a rocket") == Untaught()
    assert found.untaught("a rokcet") == Untaught("rokcet")
    assert found.untaught("a whael") == Untaught("whael", ("a whale, 3d emoji",))


def test_a_prompt_with_words_that_were_found_wrong_says_so(tmp_path: Path) -> None:
    (tmp_path / "taught.json").write_text(json.dumps(["a comet, photo"]))
    (tmp_path / "unlike.json").write_text(json.dumps({"comet, photo": "a smear"}))
    found = read_taught(tmp_path)
    assert found.found_wrong("two Comets") == {} and found.found_wrong("a COMET, photo") == {"comet, photo": "a smear"}
    assert found.untaught("a comet, photo") == Untaught("comet", (), is_done_badly=True)
    assert found.found_wrong("a fox <lora:comet, photo:1>") == {}, "a style is no thing"


def test_without_its_files_it_knows_more_than_can_be_told(tmp_path: Path) -> None:
    (tmp_path / "captions.json").write_text("{broken")
    assert read_taught(tmp_path) == Taught(()) and read_taught(tmp_path).untaught("a kitten") == Untaught()


def test_nearness_of_other_captions_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "captions.json").write_text(json.dumps(["a fox, 3d emoji", "a cat, photo"]))
    (tmp_path / "near.json").write_text(json.dumps({"things": ["a cat, photo"], "near": {"kitten": [0]}}))
    assert read_taught(tmp_path).untaught("a kitten") == Untaught("kitten")
