"""The lines that engine and worker exchange: one JSON object each, `{"kind": …, "body": …}`.

`job` names one run of a job: what was said of a run that was broken off is not said of the next.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from acetate.protocol.codec import from_json, to_json
from acetate.protocol.errors import MalformedMessage
from acetate.protocol.events import Event, decode_event, encode_event, event_name
from acetate.protocol.requests import GenerateRequest


@dataclass(frozen=True)
class RunJob:
    """To the worker: carry out this job."""

    job: str
    request: GenerateRequest


@dataclass(frozen=True)
class Cancel:
    """To the worker: stop this job at its next step, or do not begin it."""

    job: str


@dataclass(frozen=True)
class Ready:
    """From the worker: libraries are imported, jobs can begin."""

    seconds: float  # since the process started


@dataclass(frozen=True)
class Beat:
    """From the worker, again and again: it lives."""


@dataclass(frozen=True)
class Report:
    """From the worker: something happened to a job."""

    job: str
    event: str  # its name
    data: str  # as `encode_event` gives it

    @staticmethod
    def of(job: str, event: Event) -> Report:
        return Report(job, event_name(event), encode_event(event))

    def decode(self) -> Event:
        return decode_event(self.event, self.data)


WorkerMessage = RunJob | Cancel | Ready | Beat | Report

_KINDS: dict[str, type[WorkerMessage]] = {kind.__name__.lower(): kind for kind in (RunJob, Cancel, Ready, Beat, Report)}


def encode_line(message: WorkerMessage) -> bytes:
    return json.dumps({"kind": type(message).__name__.lower(), "body": to_json(message)}).encode() + b"\n"


def decode_line(line: bytes) -> WorkerMessage:
    """Raises MalformedMessage: the other side is of another version."""
    try:
        data = json.loads(line)
        return from_json(_KINDS[data["kind"]], data["body"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MalformedMessage(f"{line[:60]!r} is not a worker's line: {error}", "Restart the engine.") from error
