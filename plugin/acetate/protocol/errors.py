"""One tree of errors, shared by plugin and engine; on the wire each is a problem+json object (RFC 9457).

AcetateError
├── ContractError         a broken message: a bug, or two versions that do not fit; never a failed job
│   ├── MalformedMessage      not the JSON, or not the pixels, that the protocol describes
│   └── VersionMismatch       plugin and engine speak different protocol versions
├── RequestError          the sender can mend it
│   ├── InvalidRequest        a field is empty, too large, or does not fit the task
│   ├── UnknownImage          a condition was never uploaded (or has been swept away)
│   ├── UnknownModel          no such model, or its files are not there
│   ├── UnsupportedTask       this model cannot do this task
│   ├── PayloadTooLarge
│   ├── UnknownJob
│   ├── UnknownLayer
│   ├── LayerNotReady
│   ├── LayerDamaged          its file is not what was made
│   └── KeyReused             an Idempotency-Key came with another request before
├── AccessError           no token, or another engine's
│   └── ForbiddenOrigin       Host or Origin is not this machine
├── EngineError           the engine as a process
│   ├── EngineNotInstalled
│   ├── InstallationFailed
│   ├── InstallationCancelled
│   ├── EngineStartFailed
│   ├── EngineAlreadyRunning
│   ├── EngineUnreachable
│   ├── PortTaken
│   ├── StoreUnusable         the job store is locked, or its disk fails: for a while
│   └── NoSpace               the disk is full
├── JobError              an accepted job ended without layers
│   ├── GenerationFailed
│   ├── OutOfMemory
│   ├── WorkerDied
│   └── UnreadableJob         another release has kept it, or its record is broken
├── CheckpointError       a model file that cannot be used
├── PartError             a small network that comes inside a package of an index
│   ├── PartMissing           it is not there, or is not what was published
│   └── PartNotFetched        no network, no such package, or another content
├── DocumentError         the canvas: no document, locked, closed meanwhile
└── FileError             a picture or document file that cannot be read or written
"""

from __future__ import annotations

from typing import ClassVar

Json = dict[str, "JsonValue"]
JsonValue = str | int | float | bool | None | list["JsonValue"] | Json


class AcetateError(Exception):
    """Something a person should read: what was wrong (`detail`) and what to do (`remedy`)."""

    code: ClassVar[str] = "acetate-error"
    title: ClassVar[str] = "Something went wrong"
    status: ClassVar[int] = 500

    def __init__(self, detail: str, remedy: str) -> None:
        super().__init__(detail, remedy)
        self.detail = detail
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.title}: {self.detail}. {self.remedy}"

    def to_problem(self) -> Json:
        """The RFC 9457 object; `code` is stable across releases, `remedy` is ours."""
        return {
            "type": f"urn:acetate:error:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "remedy": self.remedy,
        }

    @staticmethod
    def from_problem(problem: Json) -> AcetateError:
        """The error that `problem` describes; a code of a newer engine becomes a plain AcetateError."""
        kind = _by_code().get(str(problem.get("code")), AcetateError)
        return kind(str(problem.get("detail", "no detail given")), str(problem.get("remedy", "")))


class ContractError(AcetateError):
    code, title, status = "contract", "Plugin and engine do not understand each other", 400


class MalformedMessage(ContractError):
    code, title = "malformed-message", "A message is not what the protocol describes"


class VersionMismatch(ContractError):
    code, title, status = "version-mismatch", "Plugin and engine are of different versions", 409


class RequestError(AcetateError):
    code, title, status = "request", "The request cannot be carried out", 400


class InvalidRequest(RequestError):
    code, title, status = "invalid-request", "This cannot be made as it is set", 422


class UnknownImage(RequestError):
    code, title, status = "unknown-image", "The engine does not have a picture that it needs", 409


class UnknownModel(RequestError):
    code, title, status = "unknown-model", "The model is not there", 404


class UnsupportedTask(RequestError):
    code, title, status = "unsupported-task", "The model cannot do this", 422


class PayloadTooLarge(RequestError):
    code, title, status = "payload-too-large", "An image is too large", 413


class UnknownJob(RequestError):
    code, title, status = "unknown-job", "There is no such job", 404


class UnknownLayer(RequestError):
    code, title, status = "unknown-layer", "The job has no such layer", 404


class LayerNotReady(RequestError):
    code, title, status = "layer-not-ready", "The layer is not there yet", 409


class LayerDamaged(RequestError):
    code, title, status = "layer-damaged", "The layer's file is damaged", 410


class KeyReused(RequestError):
    code, title, status = "key-reused", "The Idempotency-Key belongs to another request", 409


class AccessError(AcetateError):
    code, title, status = "access", "The engine refused access", 401


class ForbiddenOrigin(AccessError):
    code, title, status = "forbidden-origin", "The engine only answers this machine", 403


class EngineError(AcetateError):
    code, title, status = "engine", "The engine cannot be used", 503


class EngineNotInstalled(EngineError):
    code, title = "engine-not-installed", "The engine is not installed"


class InstallationFailed(EngineError):
    code, title = "installation-failed", "The engine could not be installed"


class InstallationCancelled(EngineError):
    code, title = "installation-cancelled", "Installing the engine was cancelled"


class EngineStartFailed(EngineError):
    code, title = "engine-start-failed", "The engine did not start"


class EngineAlreadyRunning(EngineError):
    code, title, status = "engine-already-running", "An engine is already running", 409


class EngineUnreachable(EngineError):
    code, title = "engine-unreachable", "The engine does not answer"


class PortTaken(EngineError):
    code, title = "port-taken", "The port is taken"


class StoreUnusable(EngineError):
    code, title = "store-unusable", "What is kept cannot be read or written now"


class NoSpace(EngineError):
    code, title, status = "no-space", "The disk is full", 507


class JobError(AcetateError):
    code, title = "job", "The job ended without layers"


class GenerationFailed(JobError):
    code, title = "generation-failed", "Generating failed"


class OutOfMemory(JobError):
    code, title, status = "out-of-memory", "Not enough memory", 507


class WorkerDied(JobError):
    code, title = "worker-died", "The engine broke off while it made the picture"


class UnreadableJob(JobError):
    code, title = "unreadable-job", "A kept job cannot be read"


class CheckpointError(AcetateError):
    code, title, status = "checkpoint", "A model file cannot be used", 422


class PartError(AcetateError):
    code, title, status = "part", "A part of Acetate cannot be used", 503


class PartMissing(PartError):
    code, title = "part-missing", "A part of Acetate is not there"


class PartNotFetched(PartError):
    code, title = "part-not-fetched", "A part of Acetate could not be fetched"


class DocumentError(AcetateError):
    code, title, status = "document", "The document cannot be used", 409


class FileError(AcetateError):
    code, title, status = "file", "A file cannot be used", 422


def _by_code() -> dict[str, type[AcetateError]]:
    found: dict[str, type[AcetateError]] = {}
    pending: list[type[AcetateError]] = [AcetateError]
    while pending:
        kind = pending.pop()
        found[kind.code] = kind
        pending.extend(kind.__subclasses__())
    return found
