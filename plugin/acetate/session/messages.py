"""What the docker's message bar shows: an error, or something that the painter should know."""

from __future__ import annotations

from dataclasses import dataclass

from acetate.language import mark, tr, translated
from acetate.protocol.errors import AcetateError, DocumentError, RequestError
from acetate.protocol.tasks import Task


@dataclass(frozen=True)
class Notice:
    title: str
    detail: str

    def __str__(self) -> str:
        return f"{self.title}: {self.detail}"


Message = AcetateError | Notice | None

ENGINE_LOST = Notice("The engine has ended", "It is being started again. No job is lost.")
RESUMED = Notice("A job of an earlier session is done", "Its layer is in the history: click it to insert it.")
ENGINE_TROUBLED = mark("The engine goes on, but something does not work as it should")
REPORT = mark("Copy this message and report it with what you did.")


_ENDS = (".", "!", "?", "。", "！", "？")
_USUAL = "made at "  # how the engine's notes begin that tell of what is done nearly always: nothing to be shown


def done_otherwise(notes: tuple[str, ...]) -> Notice | None:
    """What was done otherwise than asked; None where nothing was."""
    told = [sentence(translated(note)) for note in dict.fromkeys(notes) if not note.startswith(_USUAL)]
    return Notice("Done, with a difference", "\n".join(told)) if told else None


_ONCE = "enlarged without finish"  # how a note begins that is news once, and holds for every job


_OPAQUE = "alpha is opaque"  # in a note of the engine's


class Told:
    """What the painter has been told in this session and need not be told after every job."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def news(self, notes: tuple[str, ...], task: Task) -> tuple[str, ...]:
        fresh = tuple(note for note in notes if not (note.startswith(_ONCE) and _ONCE in self._told))
        if task.reworks_layer:  # another version of an opaque layer is opaque
            fresh = tuple(note for note in fresh if _OPAQUE not in note)
        self._told |= {_ONCE for note in notes if note.startswith(_ONCE)}
        return fresh


def headline(error: AcetateError) -> tuple[str, str]:
    """What to show large of it, and what small: what was wrong first, where that is of the painter's own doing."""
    if isinstance(error, RequestError | DocumentError):
        return _begun(translated(error.detail)).rstrip(".。"), ""
    return tr(error.title), sentence(translated(error.detail))


def sentence(text: str) -> str:
    """Begins with a capital letter and ends with a full stop."""
    return _begun(text) if text.endswith(_ENDS) else tr("{sentence}.", sentence=_begun(text))


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def unexpected(error: Exception) -> AcetateError:
    """A bug, as a person can read and report it."""
    return AcetateError(f"{type(error).__name__}: {error}", REPORT)
