"""A job as the docker sees it, from reading the canvas to the inserted layer."""

from __future__ import annotations

import base64
import uuid
from enum import Enum

from acetate.host import Document
from acetate.language import mark, tr, trn
from acetate.protocol.errors import AcetateError
from acetate.protocol.events import Cancelled, Done, Event, Failed, Preview, Progress, Queued, Stage, Started
from acetate.protocol.filing import Filing
from acetate.protocol.requests import GenerateRequest
from acetate.session.observable import Observable


class Phase(str, Enum):
    """What is being done; the values are for the painter, to be translated."""

    READING = mark("Reading the layers")
    SENDING = mark("Sending to the engine")
    QUEUED = mark("Waiting for its turn")
    RUNNING = mark("Generating")
    INSERTING = mark("Inserting")
    DONE = mark("Done")
    FAILED = mark("Failed")
    CANCELLED = mark("Cancelled")

    @property
    def is_final(self) -> bool:
        return self in (Phase.DONE, Phase.FAILED, Phase.CANCELLED)


_STAGES = {
    Stage.LOADING: mark("Loading the model"),
    Stage.DECODE: mark("Finishing the picture"),
    Stage.FIND: mark("Looking for the subject"),
    Stage.CUT_OUT: mark("Cutting it out"),
    Stage.FILL: mark("Filling what lies behind"),
    Stage.ENLARGE: mark("Enlarging the layer"),
    Stage.COMPILING: mark("Preparing for this processor, only this once: up to a minute"),
    Stage.NO_SPACE: mark("The disk is full: free some space, the layer waits"),
}


class Job:
    """Changes on the GUI thread only."""

    def __init__(
        self,
        request: GenerateRequest,
        document: Document | None = None,
        filing: Filing = Filing(),  # noqa: B008  # frozen
    ) -> None:
        self.request = request
        self.filing = filing
        self.document = document  # it goes to; None where it comes from an earlier session
        self.key = uuid.uuid4().hex  # sent with the request: posting it twice makes one job
        self.id = ""  # the engine's; empty until it has accepted the job
        self.last_event = ""  # where a broken stream of events is taken up again
        self.phase = Observable(Phase.READING)
        self.status = Observable(tr(Phase.READING.value))
        self.fraction = Observable(0.0)  # 0..1
        self.preview = Observable(b"")  # PNG, straight alpha
        self.error: AcetateError | None = None
        self.result: Done | None = None
        self.is_cancel_wanted = False

    def enter(self, phase: Phase, status: str = "") -> None:
        self.status.value = status or tr(phase.value)
        self.phase.value = phase

    def apply(self, number: str, event: Event) -> None:
        """Takes in what the engine reports."""
        self.last_event = number
        if isinstance(event, Queued):
            self.enter(Phase.QUEUED, _waiting(event.position))
        elif isinstance(event, Started):
            self.enter(
                Phase.RUNNING, tr("Generating, attempt {attempt}", attempt=event.attempt) if event.attempt > 1 else ""
            )
        elif isinstance(event, Progress):
            self.enter(Phase.RUNNING, tr(_STAGES.get(event.stage, Phase.RUNNING.value)))
            self.fraction.value = event.fraction
        elif isinstance(event, Preview):
            self.preview.value = base64.b64decode(event.png)
        else:
            self._end(event)

    def _end(self, event: Done | Failed | Cancelled) -> None:
        if isinstance(event, Done):
            self.result = event
            self.enter(Phase.INSERTING)
        elif isinstance(event, Failed):
            self.error = event.problem.to_error()
            self.enter(Phase.FAILED)
        else:
            self.enter(Phase.CANCELLED)

    @property
    def is_waiting(self) -> bool:
        return self.phase.value in (Phase.READING, Phase.SENDING, Phase.QUEUED)

    @property
    def is_ended_by_engine(self) -> bool:
        """Whether no more events will come."""
        return self.result is not None or self.phase.value.is_final


def _waiting(position: int) -> str:
    if position == 0:
        return tr(Phase.QUEUED.value)
    return trn("Waiting behind {count} other job", "Waiting behind {count} other jobs", position)
