"""The blind study: nothing of the page tells the sides apart, and who contradicts themselves does not count."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from acetate.protocol.errors import FileError
from acetate_engine.evaluation.ab import (
    AGAIN,
    EXCHANGED,
    MATTE,
    NATIVE,
    SAME,
    Pair,
    study,
    study_key,
    study_page,
    verdict,
)
from tests.engine.evaluation.test_alpha import discs

PROMPTS = [f"thing {number}" for number in range(40)]


def chosen(pairs: list[Pair], answers: list[str]) -> dict[str, Any]:
    return {"study": study_key(pairs, "mini", "draft")["study"], "choices": answers}


def honest(pairs: list[Pair], wanted: str = NATIVE) -> list[str]:
    """Always the same arm; no difference between equal pictures."""
    return ["none" if pair.control == SAME else ("left", "right")[pair.sides.index(wanted)] for pair in pairs]


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_forty_pairs_and_eight_controls(seed: int) -> None:
    pairs = study(PROMPTS, seed)
    judged = [pair for pair in pairs if not pair.control]
    assert sorted(pair.prompt for pair in judged) == sorted(PROMPTS)
    assert sorted(pair.control for pair in pairs if pair.control) == [AGAIN] * 3 + [EXCHANGED] * 3 + [SAME] * 2
    assert 10 < sum(pair.sides[0] == NATIVE for pair in judged) < 30
    assert all(pair.seed == seed + pair.picture and pair.prompt == PROMPTS[pair.picture] for pair in pairs)
    for number, pair in enumerate(pairs):
        if pair.repeats is not None:
            before = pairs[pair.repeats]
            assert pair.repeats < number and not before.control and before.picture == pair.picture
            assert (pair.sides == before.sides) == (pair.control == AGAIN)


def test_another_seed_is_another_study() -> None:
    assert study(PROMPTS, 3) == study(PROMPTS, 3)
    assert study(PROMPTS, 3) != study(PROMPTS, 4)


def test_the_page_has_all_pictures_and_says_nothing_of_their_arms() -> None:
    pairs = study(PROMPTS, 1)
    page = study_page(pairs, discs(2, 40), discs(8, 40))
    assert page.count("data:image/png;base64,") == 2 * 48
    assert not re.search(f"{NATIVE}|{MATTE}|control|repeats", page)
    told = json.loads(re.search(r"const study = (.*), pairs = study.pairs", page)[1])  # type: ignore[index]
    assert told["id"] == study_key(pairs, "mini", "draft")["study"]
    assert [pair["prompt"] for pair in told["pairs"]] == [pair.prompt for pair in pairs]
    lefts = {side for pair in told["pairs"] for side in pair["sides"][:1]}
    assert len(lefts) == 2, "the sides are shuffled"
    assert not re.search(r"https?://", page), "no other host"


def test_what_a_run_says() -> None:
    pairs = study(PROMPTS, 1)
    key = study_key(pairs, "mini", "draft")
    said = verdict(key, chosen(pairs, honest(pairs)))
    assert (said.native, said.matte, said.undecided, said.contradictions, said.controls) == (40, 0, 0, 0, 8)
    assert said.counts and said.interval[0] == pytest.approx(0.912, abs=0.002)
    other = verdict(key, chosen(pairs, honest(pairs, MATTE)))
    assert (other.native, other.matte, other.contradictions) == (0, 40, 0)
    nothing = verdict(key, chosen(pairs, ["none"] * 48))
    assert nothing.undecided == 40 and nothing.counts


def test_one_contradiction_is_forgiven_and_two_are_not() -> None:
    pairs = study(PROMPTS, 2)
    key, answers = study_key(pairs, "mini", "draft"), honest(pairs)
    wrong = {"left": "right", "right": "left", "none": "left"}
    for forgiven, number in enumerate(n for n, pair in enumerate(pairs) if pair.control):
        answers[number] = wrong[answers[number]]
        said = verdict(key, chosen(pairs, answers))
        assert said.contradictions == forgiven + 1
        assert said.counts == (forgiven == 0)
        assert said.native == 40, "controls are not counted"


def test_who_chooses_by_side_or_by_chance_contradicts_themselves() -> None:
    pairs = study(PROMPTS, 5)
    key, rng = study_key(pairs, "mini", "draft"), np.random.default_rng(0)
    assert not verdict(key, chosen(pairs, ["left"] * 48)).counts
    runs = [verdict(key, chosen(pairs, list(rng.choice(["left", "right"], 48)))) for _ in range(50)]
    assert sum(run.counts for run in runs) <= 2


def test_choices_of_another_study_or_unfinished_ones_are_refused() -> None:
    pairs = study(PROMPTS, 1)
    key = study_key(pairs, "mini", "draft")
    with pytest.raises(FileError, match="another study"):
        verdict(key, chosen(study(PROMPTS, 2), ["left"] * 48))
    with pytest.raises(FileError, match="47 of 48"):
        verdict(key, chosen(pairs, ["left"] * 47))


def test_few_prompts_make_a_study_too() -> None:
    pairs = study(["one", "two"], 0)
    assert len(pairs) == 10
    assert verdict(study_key(pairs, "m", "draft"), chosen(pairs, honest(pairs))).native == 2
