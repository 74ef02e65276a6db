"""What the docker's message bar shows: an error, or something that the painter should know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from acetate.language import mark, tr, translated
from acetate.protocol.errors import AcetateError, DocumentError, RequestError
from acetate.protocol.notes import NoteKind, kind_of
from acetate.protocol.tasks import Task


@dataclass(frozen=True)
class Offer:
    """A button beside a notice; the notice goes with the press."""

    text: str
    work: Callable[[], object]


@dataclass(frozen=True)
class Notice:
    title: str
    detail: str
    offer: Offer | None = None

    def __str__(self) -> str:
        return f"{self.title}: {self.detail}"


Message = AcetateError | Notice | None

ENGINE_LOST = Notice("The engine has ended", "It is being started again. No job is lost.")
AT_WORK = Notice(
    "Krita is still at work on the picture",
    "Acetate goes on by itself as soon as that is done. A transform has to be applied first, or left with Esc.",
)
RESUMED = Notice("A job of an earlier session is done", "Its layer is in the history: click it to insert it.")
UNREAD = mark("Some of what was kept on this machine cannot be read")
ENGINE_TROUBLED = mark("The engine goes on, but something does not work as it should")
MASKS = mark("The transparency of new layers")
MASKED = mark("It is a mask from now on: the layers are opaque, and the mask can be painted on.")
UNMASKED = mark("It is in their pixels from now on.")
UNDO = mark("Undo")
CANCELLED = mark("All jobs are cancelled")
AS_ASKED = mark("They can be asked for again, as they were; what was done of them is lost.")
SEND_AGAIN = mark("Send again")
REPORT = mark("Copy this message and report it with what you did.")


_ENDS = (".", "!", "?", "。", "！", "？")


def done_otherwise(notes: tuple[str, ...]) -> Notice | None:
    """What was done otherwise than asked; None where nothing was."""
    told = [sentence(translated(note)) for note in dict.fromkeys(notes) if kind_of(note) is not NoteKind.USUAL]
    return Notice("Done, with a difference", "\n".join(told)) if told else None


def unread(reasons: tuple[str, ...]) -> Notice | None:
    """Of preferences and presets, each as its file says it; None where all can be read."""
    return Notice(UNREAD, "\n".join(reasons)) if reasons else None


def undoable(title: str, detail: str, undo: Callable[[], object]) -> Notice:
    """What has been done, as long as it can be taken back. No step of Krita's own undo does."""
    return Notice(title, detail, Offer(UNDO, undo))


def all_cancelled(send_again: Callable[[], object]) -> Notice:
    """One click ended what may have waited for hours."""
    return Notice(CANCELLED, AS_ASKED, Offer(SEND_AGAIN, send_again))


_TOLD_ONCE = (NoteKind.LASTING, NoteKind.WAY, NoteKind.SHOWN)


class Told:
    """What the painter has been told in this session and need not be told after every job."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def news(self, notes: tuple[str, ...], task: Task) -> tuple[str, ...]:
        is_known = task.reworks_layer  # another version of a layer that is opaque is opaque, too
        news = tuple(
            note for note in notes if note not in self._told and not (is_known and kind_of(note) is NoteKind.OPAQUE)
        )
        self._told |= {note for note in news if kind_of(note) in _TOLD_ONCE}
        return news


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
