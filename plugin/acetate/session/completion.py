"""How what is being typed could go on: things that the model was taught, styles, wildcards, embeddings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from acetate.protocol.events import ModelInfo
from acetate.protocol.words import Vocabulary

_MOST = 12
_LEAST = 2  # letters of a word before something is offered
_STYLE = re.compile(r"<(?:l|lo|lor|lora|lora:([^<>:]*))?\Z", re.IGNORECASE)
_WILDCARD = re.compile(r"__([\w /-]*)\Z")
_EMBEDDING = re.compile(r"(?:embedding:)?([\w.-]+)\Z")
_PHRASE = re.compile(r"[^,.;\n(){}|<>]*\Z")


@dataclass(frozen=True)
class Completion:
    """What would stand in the prompt from `start` up to the cursor."""

    start: int
    text: str


def completions(typed: str, model: ModelInfo | None, words: Vocabulary) -> list[Completion]:
    """Of the prompt as far as the cursor; the best first."""
    return list(dict.fromkeys(_completions(typed, model, words)))[:_MOST]


def _completions(typed: str, model: ModelInfo | None, words: Vocabulary) -> Iterator[Completion]:
    styles, embeddings = (model.styles, model.embeddings) if model else ((), ())
    if found := _STYLE.search(typed):
        for name in _starting(styles, found[1] or ""):
            yield Completion(found.start(), f"<lora:{name}:1>")
    elif found := _WILDCARD.search(typed):
        for name in _starting(words.wildcards, found[1]):
            yield Completion(found.start(), f"__{name}__")
    else:
        yield from _things(typed, words.things)
        found = _EMBEDDING.search(typed)
        if found and len(found[1]) >= _LEAST:
            for name in _starting(embeddings, found[1]):
                yield Completion(found.start(), name)


def _starting(names: Iterable[str], begun: str) -> list[str]:
    return [name for name in names if name.lower().startswith(begun.lower()) and name != begun]


def _things(typed: str, things: Iterable[str]) -> Iterator[Completion]:
    """Those that have what was typed last, each of its words at least begun, in that order; as much of it as fits."""
    found = _PHRASE.search(typed)
    phrase = found[0] if found else ""
    starts = [each.start() for each in re.finditer(r"\S+", phrase)]
    if not starts or phrase.endswith((" ", "\t")) or len(phrase[starts[-1] :]) < _LEAST:
        return
    for start in starts:
        begun = phrase[start:].lower().split()
        fitting = [thing for thing in things if _has(_named(thing), begun)]
        if fitting:
            fitting.sort(key=lambda thing: not " ".join(_named(thing)).startswith(" ".join(begun)))  # “a st”: a star
            yield from (Completion(len(typed) - len(phrase) + start, thing) for thing in fitting)
            return


def _has(words: list[str], begun: list[str]) -> bool:
    left = iter(words)
    return all(any(word.startswith(start) for word in left) for start in begun)


def _named(thing: str) -> list[str]:
    """Its words without how it looks, which stands behind the comma."""
    return thing.lower().split(",")[0].split()
