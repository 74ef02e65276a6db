"""The blind study of the paper, ready for a person to take: native layers against cut-out ones, side by side.

One HTML file without a server or a network shows a pair at a time and hands out the choices as a file. Which side is
native stands in a key that lies beside it, so that nobody can look it up in the page. Among the pairs are controls:
one picture on both sides, and earlier pairs again, as they were or with their sides exchanged. Who contradicts
themselves on more than one of them has chosen by chance, and the run does not count.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from acetate.protocol.errors import FileError
from acetate_engine.paths import resources_dir
from acetate_engine.training.datasets import Bytes

NATIVE, MATTE = "native", "matte"
SAME, AGAIN, EXCHANGED = "same", "again", "exchanged"  # kinds of controls
_CONTROLS = (SAME, SAME, AGAIN, AGAIN, AGAIN, EXCHANGED, EXCHANGED, EXCHANGED)
_CONTRADICTIONS = 1  # as many are forgiven
ANSWERS = ("left", "right", "none")


@dataclass(frozen=True)
class Pair:
    """What is shown at once; `sides` are the arms at the left and at the right."""

    prompt: str
    seed: int  # of both arms
    picture: int  # row of the arms' pictures
    sides: tuple[str, str]
    control: str = ""  # one of the kinds, or none
    repeats: int | None = None  # the pair, counted from 0, that a control shows again


def study(prompts: Sequence[str], seed: int) -> list[Pair]:
    """All pairs in the order in which they are shown, controls among them; sides are shuffled.

    Args:
        prompts: one a picture; picture n was made with the seed `seed + n`.
    """
    rng = np.random.default_rng(seed)
    arms = [(NATIVE, MATTE), (MATTE, NATIVE)]
    order = rng.permutation(len(prompts))
    pairs = [Pair(prompts[n], seed + int(n), int(n), arms[rng.integers(2)]) for n in order]
    half = max(1, len(pairs) // 2)
    for kind, shown in zip(_CONTROLS, _drawn(half, len(_CONTROLS), rng), strict=True):
        pairs.insert(int(rng.integers(half, len(pairs) + 1)), _control(pairs[shown], shown, kind, rng))
    return pairs


def _drawn(most: int, count: int, rng: np.random.Generator) -> list[int]:
    """Different numbers below `most`, as far as there are so many."""
    rounds = -(-count // most)
    return [int(n) for _ in range(rounds) for n in rng.permutation(most)][:count]


def _control(pair: Pair, place: int, kind: str, rng: np.random.Generator) -> Pair:
    """Of a pair in the first half, whose place does not move when controls come in behind."""
    if kind == SAME:
        arm = (NATIVE, MATTE)[rng.integers(2)]
        return replace(pair, sides=(arm, arm), control=SAME)
    sides = pair.sides if kind == AGAIN else (pair.sides[1], pair.sides[0])
    return replace(pair, sides=sides, control=kind, repeats=place)


def study_page(pairs: Sequence[Pair], native: Bytes, matted: Bytes) -> str:
    """HTML: pictures and prompts, and nothing that tells the arms apart.

    Args:
        native: (N, H, W, 4) straight RGBA; `matted`: the same prompts, generated opaque and cut out.
    """
    arms = {NATIVE: native, MATTE: matted}
    shown = [{"prompt": pair.prompt, "sides": [_png(arms[arm][pair.picture]) for arm in pair.sides]} for pair in pairs]
    template = (resources_dir() / "study.html").read_text(encoding="utf-8")
    return template.replace("/*STUDY*/null", json.dumps({"id": identity(pairs), "pairs": shown}))


def identity(pairs: Sequence[Pair]) -> str:
    """The same for the same pairs: choices and key belong together where it is equal."""
    told = json.dumps([[pair.prompt, pair.seed, pair.sides, pair.control] for pair in pairs])
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def study_key(pairs: Sequence[Pair], model: str, preset: str) -> dict[str, Any]:
    """What opens the choices, for a file."""
    rows = [
        {"prompt": p.prompt, "seed": p.seed, "left": p.sides[0], "right": p.sides[1]}
        | ({"control": p.control} if p.control else {})
        | ({} if p.repeats is None else {"repeats": p.repeats})
        for p in pairs
    ]
    return {"study": identity(pairs), "model": model, "preset": preset, "pairs": rows}


@dataclass(frozen=True)
class Verdict:
    """What a run says."""

    native: int  # chosen so often
    matte: int
    undecided: int
    contradictions: int  # of the controls
    controls: int

    @property
    def counts(self) -> bool:
        return self.contradictions <= _CONTRADICTIONS

    @property
    def interval(self) -> tuple[float, float]:
        """Of the share that prefers native, 95 % (Wilson 1927); undecided ones prefer nothing."""
        count = self.native + self.matte + self.undecided
        share, spread = self.native / count, 1.96**2 / count
        middle = (share + spread / 2) / (1 + spread)
        half = 1.96 * (share * (1 - share) / count + spread / (4 * count)) ** 0.5 / (1 + spread)
        return middle - half, middle + half


def verdict(key: Mapping[str, Any], choices: Mapping[str, Any]) -> Verdict:
    """Opens a run's choices. Raises FileError where they are not whole, or of another study."""
    rows, answers = key["pairs"], choices.get("choices", [])
    if choices.get("study") != key["study"]:
        raise FileError("these choices are of another study", "Give the key that was written with their page.")
    if len(answers) != len(rows) or not set(answers) <= set(ANSWERS):
        raise FileError(
            f"{len(answers)} of {len(rows)} pairs have an answer", "Finish the study, and save the choices again."
        )
    arms = [row.get(answer, "") for row, answer in zip(rows, answers, strict=True)]
    judged = [arm for row, arm in zip(rows, arms, strict=True) if "control" not in row]
    controls = [number for number, row in enumerate(rows) if "control" in row]
    wrong = sum(_contradicts(rows[number], arms[number], arms) for number in controls)
    return Verdict(judged.count(NATIVE), judged.count(MATTE), judged.count(""), wrong, len(controls))


def _contradicts(row: Mapping[str, Any], arm: str, arms: Sequence[str]) -> bool:
    """Whether one of two equal pictures was better, or another one than the time before."""
    return bool(arm) if row["control"] == SAME else arm != arms[row["repeats"]]


def _png(rgba: Bytes) -> str:
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
