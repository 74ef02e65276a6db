"""Rows of the job store as what they stand for. Each is read alone: another release may have written it.

What cannot be read stays in the store as it is; the job counts as failed, and says why.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from math import isfinite

from acetate.protocol.errors import AcetateError, MalformedMessage, UnreadableJob
from acetate.protocol.events import (
    Done,
    Event,
    Failed,
    JobState,
    JobStatus,
    Problem,
    decode_event,
    encode_event,
    final_state,
)
from acetate.protocol.filing import Filing
from acetate.protocol.kept import from_record, read_text, to_record
from acetate.protocol.requests import MAX_IMAGES, GenerateRequest

SUPERSEDED = ("queued", "preview")  # events of which a job keeps the last one only
_REMEDY = "It stays as it is: the release of Acetate that has kept it can read it."


@dataclass(frozen=True)
class StoredEvent:
    seq: int  # 1, 2, 3 … within its job
    name: str
    data: str  # as `encode_event` gives it

    def decode(self) -> Event:
        """Raises MalformedMessage."""
        return decode_event(self.name, self.data)


def write_request(request: GenerateRequest) -> str:
    return json.dumps(to_record(request))


def read_request(row: sqlite3.Row) -> GenerateRequest:
    """Raises UnreadableJob."""
    try:
        return from_record(GenerateRequest, read_text(row["request"]))
    except MalformedMessage as error:
        raise UnreadableJob(f"what was asked for cannot be read: {error.detail}", _REMEDY) from error
    except Exception as error:  # of a type that nobody foresaw: still one row's fault alone
        raise UnreadableJob(f"what was asked for cannot be read: {type(error).__name__}", _REMEDY) from error


def state_of(row: sqlite3.Row) -> JobState:
    """A state that this release does not know ends the job here."""
    try:
        return JobState(row["state"])
    except ValueError:
        return JobState.FAILED  # another release's; the row stays as it is


def status_of(row: sqlite3.Row, last: StoredEvent | None) -> JobStatus:
    """`last`: the job's last event, where it has ended."""
    try:
        request, unread = read_request(row), ()  # type: tuple[GenerateRequest | None, tuple[str, ...]]
    except UnreadableJob as error:
        request, unread = None, (error.detail,)
    final = _ending(row, last)
    return JobStatus(
        id=row["id"],
        state=JobState.FAILED if isinstance(final, Failed) else state_of(row),
        attempt=row["attempt"],
        step=row["step"],
        steps=row["steps"],
        layers=final.layers if isinstance(final, Done) else (),
        notes=(*final.notes, *unread) if isinstance(final, Done) else unread,
        problem=final.problem if isinstance(final, Failed) else None,
        request=request,
        created=row["created"] if isfinite(row["created"]) else 0.0,  # JSON has no other numbers
        filing=Filing(
            *(row["document"], row["priority"], bool(row["listed"])),
            *(images_of(row["starred"]), images_of(row["discarded"]), images_of(row["applied"])),
        ),
    )


def bits_of(images: tuple[int, ...]) -> int:
    return sum(1 << index for index in set(images))


def images_of(bits: int) -> tuple[int, ...]:
    return tuple(index for index in range(MAX_IMAGES) if bits >> index & 1)


def made_up_ending(row: sqlite3.Row, last: StoredEvent | None) -> StoredEvent | None:
    """What stands in for the event that should have ended the job; None where that is there, or the job goes on."""
    trouble = _trouble_of_ending(row, last)
    if not trouble:
        return None
    number = 1 if last is None else last.seq + (1 if is_readable(last) else 0)
    return StoredEvent(number, "failed", encode_event(_unreadable(trouble)))


def is_readable(event: StoredEvent) -> bool:
    try:
        event.decode()
    except MalformedMessage:
        return False  # that is the answer; the row stays as it is
    return True


def _ending(row: sqlite3.Row, last: StoredEvent | None) -> Event | None:
    trouble = _trouble_of_ending(row, last)
    if trouble:
        return _unreadable(trouble)
    return last.decode() if last and state_of(row).is_final else None


def _trouble_of_ending(row: sqlite3.Row, last: StoredEvent | None) -> str:
    """Why it cannot be told how the job ended; empty where it can, or where the job goes on."""
    if not state_of(row).is_final:
        return ""
    try:
        event = last.decode() if last else None
    except MalformedMessage as error:
        return f"how it ended cannot be read: {error.detail}"
    if event is None or final_state(event) is not state_of(row):
        return f"how it ended is not known; its state is {str(row['state'])[:40]!r}"
    return ""


def _unreadable(detail: str) -> Failed:
    error: AcetateError = UnreadableJob(detail, _REMEDY)
    return Failed(Problem.of(error))
