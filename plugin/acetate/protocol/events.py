"""What a job reports. Each event is one SSE message: `event:` its name, `id:` its number in the job, `data:` JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum

from acetate.protocol.codec import from_answer, to_json
from acetate.protocol.errors import AcetateError, MalformedMessage
from acetate.protocol.filing import Filing
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import ControlKind, GenerateRequest
from acetate.protocol.tasks import LayerRole as LayerRole
from acetate.protocol.tasks import Task


class JobState(str, Enum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True)
class LayerResult:
    """One generated layer; its pixels are at /v1/jobs/{id}/layers/{index}."""

    index: int  # bottom to top within one image; images one after the other
    image: int  # which of the alternatives it belongs to
    role: LayerRole
    name: str  # for the layer stack: from prompt and seed
    bounds: Bounds  # canvas pixels
    digest: str
    seed: int


@dataclass(frozen=True)
class Problem:
    """A problem+json object (RFC 9457) as a field."""

    code: str
    title: str
    detail: str
    remedy: str
    status: int = 500

    @staticmethod
    def of(error: AcetateError) -> Problem:
        return Problem(error.code, error.title, error.detail, error.remedy, error.status)

    def to_error(self) -> AcetateError:
        return AcetateError.from_problem(to_json(self))


@dataclass(frozen=True)
class Queued:
    position: int  # 0: next


@dataclass(frozen=True)
class Started:
    attempt: int  # 1, and one more after each death of the worker


class Stage(str, Enum):
    """What a job is at."""

    LOADING = "loading"
    DENOISE = "denoise"
    DECODE = "decode"
    FIND = "find"  # the subject of a picture
    CUT_OUT = "cut out"
    FILL = "fill"  # what lies behind it
    ENLARGE = "enlarge"
    COMPILING = "compiling, only once"  # what works on pixels, for this processor
    NO_SPACE = "no space"  # what was made waits until the disk has room for it


@dataclass(frozen=True)
class Progress:
    step: int
    steps: int
    stage: Stage

    @property
    def fraction(self) -> float:
        return self.step / self.steps if self.steps else 0.0


@dataclass(frozen=True)
class Preview:
    """A coarse look at the layer in the making: PNG, RGBA8 straight, base64, longest side at most 256 px."""

    step: int
    png: str


@dataclass(frozen=True)
class Done:
    layers: tuple[LayerResult, ...]
    notes: tuple[str, ...] = ()  # what was done otherwise than asked, for the painter
    seconds: float = 0.0


@dataclass(frozen=True)
class Failed:
    problem: Problem


@dataclass(frozen=True)
class Cancelled:
    pass


Event = Queued | Started | Progress | Preview | Done | Failed | Cancelled

EVENTS: dict[str, type] = {
    "queued": Queued,
    "started": Started,
    "progress": Progress,
    "preview": Preview,
    "done": Done,
    "failed": Failed,
    "cancelled": Cancelled,
}


def event_name(event: Event) -> str:
    return type(event).__name__.lower()


def encode_event(event: Event) -> str:
    """The `data:` of the SSE message: JSON without newlines."""
    return json.dumps(to_json(event), ensure_ascii=False, separators=(",", ":"))


def decode_event(name: str, data: str) -> Event:
    """Raises MalformedMessage on an unknown name or on data that does not fit it."""
    if name not in EVENTS:
        raise MalformedMessage(f"unknown event {name[:60]!r}", "Update the plugin: the engine is newer.")
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"event {name} is not JSON: {error}", "Restart the engine.") from error
    event: Event = from_answer(EVENTS[name], parsed)
    return event


def final_state(event: Event) -> JobState | None:
    """The state that this event ends the job in; None where the job goes on."""
    return {Done: JobState.DONE, Failed: JobState.FAILED, Cancelled: JobState.CANCELLED}.get(type(event))


@dataclass(frozen=True)
class JobStatus:
    """GET /v1/jobs/{id}."""

    id: str
    state: JobState
    attempt: int = 0
    step: int = 0
    steps: int = 0
    layers: tuple[LayerResult, ...] = ()
    notes: tuple[str, ...] = ()
    problem: Problem | None = None
    request: GenerateRequest | None = None
    created: float = 0.0  # seconds since 1970, UTC
    filing: Filing = field(default_factory=Filing)
    followed: bool = False  # somebody listens to its events


@dataclass(frozen=True)
class JobList:
    """GET /v1/jobs: the newest first."""

    jobs: tuple[JobStatus, ...]


@dataclass(frozen=True)
class ModelInfo:
    """One model of GET /v1/models."""

    name: str  # what a request calls it
    title: str
    family: str
    tasks: tuple[Task, ...]
    native: int  # side in pixels that the model works best at
    installed: bool  # its files are there
    licence: str = ""  # SPDX
    memory: int = 0  # bytes that a draft takes, about
    reason: str = ""  # what is missing and what to do, where it is not installed
    controls: tuple[ControlKind, ...] = ()  # hints that it can follow
    image_prompts: tuple[str, ...] = ()  # names of IP-Adapters
    styles: tuple[str, ...] = ()  # names of LoRAs
    embeddings: tuple[str, ...] = ()  # names of textual inversions
    note: str = ""  # what to expect of it, where something is known


@dataclass(frozen=True)
class ModelList:
    """GET /v1/models."""

    models: tuple[ModelInfo, ...]


@dataclass(frozen=True)
class Accepted:
    """POST /v1/jobs."""

    id: str
    position: int


@dataclass(frozen=True)
class Health:
    """GET /health, the one route that needs no token."""

    name: str  # "acetate"
    version: str
    protocol: int
    pid: int
    worker: str  # starting, ready, busy, dead
    status: str = "ok"  # or degraded: it goes on, but something does not work as it should
    reasons: tuple[str, ...] = ()  # why it is degraded, for a person
    proof: str = ""  # connection.proof_of(token, challenge), where a `challenge` was in the query
    stored: int = 0  # bytes of pictures on the disk
    limit: int = 0  # bytes that they may take before the oldest go
    missed: int = 0  # results with a star, or never applied, that were swept since the engine began


@dataclass(frozen=True)
class Storage:
    """GET /v1/storage: what jobs and pictures take. PUT sets the limits."""

    stored: int  # bytes of pictures on the disk
    limit: int  # bytes that they may take; beyond, the oldest ended jobs go
    days: float  # that an ended job is kept


@dataclass(frozen=True)
class Use:
    """PUT and DELETE /v1/users/{user}."""

    seconds: float  # that the engine believes it without hearing more
    ends: bool  # it ends now: a plugin has started it, and nobody uses it any more
