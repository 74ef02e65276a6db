from __future__ import annotations

import base64

from acetate.protocol.errors import OutOfMemory
from acetate.protocol.events import Cancelled, Done, Failed, Preview, Problem, Progress, Queued, Started
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, Task
from acetate.session.jobs import Job, Phase


def job() -> Job:
    return Job(GenerateRequest(Task.FOREGROUND, Bounds(0, 0, 8, 8), 1, "a fox"))


def test_a_job_shows_what_the_engine_reports() -> None:
    it, heard = job(), []
    it.status.changed.connect(heard.append)
    png = b"\x89PNG"
    events = [
        Queued(2),
        Queued(0),
        Started(1),
        Progress(0, 4, "loading"),
        Progress(1, 4, "denoise"),
        Preview(1, base64.b64encode(png).decode()),
        Progress(4, 4, "decode"),
    ]
    for number, event in enumerate(events):
        it.apply(str(number), event)
    assert heard == [
        "Waiting behind 2 other jobs",
        "Waiting for its turn",
        "Generating",
        "Loading the model",
        "Generating",
        "Finishing the picture",
    ]
    assert (it.last_event, it.preview.value, it.fraction.value, it.phase.value) == ("6", png, 1.0, Phase.RUNNING)
    assert not it.is_ended_by_engine


def test_done_is_not_over_before_the_layer_is_inserted() -> None:
    it = job()
    it.apply("1", Done(()))
    assert it.is_ended_by_engine
    assert it.phase.value is Phase.INSERTING


def test_a_failure_keeps_its_error() -> None:
    it = job()
    it.apply("1", Failed(Problem.of(OutOfMemory("8 GB were not enough", "Choose a smaller region."))))
    assert it.is_ended_by_engine
    assert isinstance(it.error, OutOfMemory)


def test_cancelling_is_no_error() -> None:
    it = job()
    it.apply("1", Cancelled())
    assert (it.phase.value, it.error) == (Phase.CANCELLED, None)


def test_a_second_attempt_is_told() -> None:
    it = job()
    it.apply("1", Started(2))
    assert it.status.value == "Generating, attempt 2"
