"""What the docker's message bar shows: an error, or something that the painter should know."""

from __future__ import annotations

from dataclasses import dataclass

from acetate.protocol.errors import AcetateError


@dataclass(frozen=True)
class Notice:
    title: str
    detail: str

    def __str__(self) -> str:
        return f"{self.title}: {self.detail}"


Message = AcetateError | Notice | None

ENGINE_LOST = Notice("The engine has ended", "It is being started again. No job is lost.")
REPORT = "Copy this message and report it with what you did."


def done_otherwise(notes: tuple[str, ...]) -> Notice | None:
    """What was done otherwise than asked; None where nothing was."""
    return Notice("Done, with a difference", "\n".join(map(sentence, notes))) if notes else None


def sentence(text: str) -> str:
    """Begins with a capital letter and ends with a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def unexpected(error: Exception) -> AcetateError:
    """A bug, as a person can read and report it."""
    return AcetateError(f"{type(error).__name__}: {error}", REPORT)
