"""What kind of thing a note of the engine's tells: it is a sentence, and how it begins is agreed on here."""

from __future__ import annotations

from enum import Enum


class NoteKind(Enum):
    USUAL = "made at "  # done nearly always: of no interest to a painter
    LASTING = "enlarged without finish"  # holds for every job from now on: to be told once
    WAY = "filled by "  # which way a hole was filled: each is to be told once
    SHOWN = "what the canvas shows of "  # how Krita works: each is to be told once
    OPAQUE = "nothing transparent came out"  # no news of another version of a layer that is opaque
    NEWS = ""  # all others


def kind_of(note: str) -> NoteKind:
    return next(kind for kind in NoteKind if note.startswith(kind.value))
