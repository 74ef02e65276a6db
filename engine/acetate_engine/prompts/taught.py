"""What a small model was taught, by name, and what of a prompt it was not. Torch-free.

Beside its weights lie `captions.json` (of objects), `backdrops.json` (of backgrounds), `taught.json` (also of objects
that it does not do well enough to be offered), `unlike.json` (words of captions whose layers somebody looked at, and
what is wrong with them), and `near.json`: for many other words, those of the first two that mean nearly the same
(training/near.py writes it).
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from acetate.protocol.words import Untaught
from acetate_engine.paths import modified

_FILES = ("captions", "backdrops", "near", "taught", "unlike")
_MOST = 3  # near things that are told
_ALIKE = 0.75  # of difflib's ratio: a slip of the finger
_PHRASE = re.compile(r"[,.;:()\[\]{}|\n]+")
_PART = re.compile(r"\b(?:and|or|with|without|of|in|on|at|by|for|from|to|under|over|behind|before|beside|near|into)\b")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_MARK = re.compile(r"<[^<>]*>|__[\w /*-]+__|embedding:\S+")  # styles, wildcards and embeddings are no things


@dataclass(frozen=True)
class Taught:
    """What a model knows by name."""

    things: tuple[str, ...] = ()  # whole prompts, in alphabetical order, objects first
    near: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # word → things, the nearest first
    others: tuple[str, ...] = ()  # taught as well, and not to be offered
    unlike: Mapping[str, str] = field(default_factory=dict)  # words of captions → what is wrong with their layers

    def found_wrong(self, prompt: str) -> Mapping[str, str]:
        """The part of `unlike` that this prompt speaks of, be it one or several."""
        said = _singles(_MARK.sub(",", prompt))
        spoken = {words: re.search(rf"\b{re.escape(_singles(words))}\b", said) for words in self.unlike}
        return {words: wrong for words, wrong in self.unlike.items() if spoken[words]}

    def untaught(self, prompt: str) -> Untaught:
        """Nothing where the prompt names no thing, or at least one that was taught or is about to be written.

        What it was taught and does badly is said, too.
        """
        named = [word for word in _heads(prompt) if word not in self._styles]
        if wrong := self.found_wrong(prompt):
            return Untaught(next(iter(wrong)).split(",")[0], self._some_near(named), is_done_badly=True)
        known = self._known
        if not known or not named or any(word in known for word in map(_single, named)):
            return Untaught()
        if prompt.lower().endswith(named[-1]) and any(word.startswith(named[-1]) for word in known):
            return Untaught()
        return Untaught(named[0], self._some_near(named))

    def _some_near(self, words: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._nearest(words)))[:_MOST]

    @cached_property
    def _styles(self) -> set[str]:
        """Words behind the comma: how a thing looks."""
        return {word for thing in self.things for phrase in _PHRASE.split(thing)[1:] for word in _words(phrase)}

    @cached_property
    def _known(self) -> dict[str, str]:
        """Word → the first thing that it names."""
        known: dict[str, str] = {}
        for thing in (*self.things, *self.others):
            for word in _heads(_PHRASE.split(thing)[0]):
                known.setdefault(_single(word), thing)
        return known

    def _nearest(self, words: Iterable[str]) -> Iterator[str]:
        known = self._known
        for word in words:
            meant = self.near.get(word) or self.near.get(_single(word))
            if meant is not None:
                yield from (self.things[index] for index in meant)
            else:  # no word, as it seems: a slip
                alike = difflib.get_close_matches(_single(word), known, _MOST, _ALIKE)
                yield from (known[name] for name in alike if known[name] not in self.others)


def read_taught(folder: Path) -> Taught:
    """Of a model's folder; of files that are not there or cannot be read, nothing."""
    return _read(folder, tuple(modified(folder / f"{name}.json") for name in _FILES))


@lru_cache(maxsize=4)
def _read(folder: Path, stamps: tuple[int, ...]) -> Taught:
    captions, backdrops, near, taught, unlike = (_json(folder / f"{name}.json") for name in _FILES)
    things = tuple(text for found in (captions, backdrops) if isinstance(found, list) for text in found)
    rows = near if isinstance(near, dict) else {}
    fits = rows.get("things") == list(things)  # made for other captions, its numbers would name other things
    others = tuple(text for text in taught if text not in things) if isinstance(taught, list) else ()
    nearness = {word: tuple(row) for word, row in rows["near"].items()} if fits else {}
    return Taught(things, nearness, others, unlike if isinstance(unlike, dict) else {})


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _heads(prompt: str) -> Iterator[str]:
    """The last word of each part of the prompt, which in English names the thing: a small red *fox* in a *forest*."""
    for phrase in _PHRASE.split(_MARK.sub(",", prompt.lower())):
        for part in _PART.split(phrase):
            words = _words(part)
            if words:
                yield words[-1]


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text) if word not in ("a", "an", "the", "some", "s")]


def _singles(text: str) -> str:
    """The same with each word as one of several."""
    return _WORD.sub(lambda word: _single(word[0]), text.lower())


def _single(word: str) -> str:
    """One of several: foxes, berries, cats."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and re.search(r"(x|ch|sh|ss)es$", word):
        return word[:-2]
    return word[:-1] if len(word) > 3 and re.search(r"[^su]s$", word) else word
