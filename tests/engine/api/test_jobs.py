"""From a request to layers, over HTTP."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from acetate.protocol.codec import from_json, to_json
from acetate.protocol.events import Cancelled, Done, JobList, JobState, JobStatus, Progress, Queued, Started
from acetate.protocol.filing import Filing
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import MEDIA_TYPE, PixelBuffer, PixelFormat, digest
from acetate.protocol.requests import GenerateRequest, Task
from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.images import decode_image
from tests.engine.process import PIXELS, EngineProcess, identity_request, problem_of

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def uploaded(engine: EngineProcess) -> None:
    engine.upload()


def test_a_layer_comes_back_exactly(engine: EngineProcess) -> None:
    job = engine.submit(identity_request())
    events = [event for _, event in engine.events(job)]
    assert events[:2] == [Queued(0), Started(1)]
    assert any(isinstance(event, Progress) for event in events)
    done = events[-1]
    assert isinstance(done, Done)
    (layer,) = done.layers
    assert (layer.index, layer.role, layer.bounds, layer.seed) == (0, LayerRole.FOREGROUND, Bounds(-2, 7, 5, 3), 1)
    answer = engine.http.get(f"/v1/jobs/{job}/layers/0")
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert PixelBuffer.decode(answer.content) == PIXELS
    assert digest(answer.content) == layer.digest
    status = engine.status(job)
    assert (status.state, status.layers, status.request) == (JobState.DONE, done.layers, identity_request())


@pytest.mark.parametrize("pixel_format", [PixelFormat.RGBA8, PixelFormat.RGBA16])
def test_a_layer_comes_as_small_as_it_is_looked_at(engine: EngineProcess, pixel_format: PixelFormat) -> None:
    job = engine.submit(identity_request(pixel_format=pixel_format))
    engine.wait_for(job, JobState.DONE)
    whole = decode_image(engine.http.get(f"/v1/jobs/{job}/layers/0").content)
    for longest, step in ((1, 5), (2, 3), (3, 2), (4, 2), (5, 1), (1000, 1)):
        small = engine.http.get(f"/v1/jobs/{job}/layers/0", params={"longest": longest})
        assert small.headers["content-type"] == MEDIA_TYPE
        assert np.array_equal(decode_image(small.content), whole[::step, ::step])
    assert engine.http.get(f"/v1/jobs/{job}/layers/0", params={"longest": 0}).status_code == 422


def test_a_layer_as_png(engine: EngineProcess) -> None:
    job = engine.submit(identity_request())
    engine.wait_for(job, JobState.DONE)
    answer = engine.http.get(f"/v1/jobs/{job}/layers/0", headers={"Accept": "image/png"})
    assert answer.headers["content-type"] == "image/png"
    assert np.asarray(Image.open(io.BytesIO(answer.content))).tobytes() == PIXELS.data


def test_a_png_says_how_it_was_made_unless_it_shall_not(engine: EngineProcess) -> None:
    job = engine.submit(identity_request(task=Task.CONTACT_SHADOW))
    engine.wait_for(job, JobState.DONE)
    for path, said in ((f"/v1/jobs/{job}/layers/0", True), (f"/v1/jobs/{job}/layers/0?provenance=false", False)):
        answer = engine.http.get(path, headers={"Accept": "image/png"})
        with Image.open(io.BytesIO(answer.content)) as image:
            assert np.asarray(image).shape == (3, 5, 4)  # all of it is there
            found = image.info.get("xmp", b"")
        assert (b"digitalsourcetype/algorithmicallyEnhanced" in found, bool(found)) == (said, said)


def test_sixteen_bits_come_raw_only(engine: EngineProcess) -> None:
    job = engine.submit(identity_request(pixel_format=PixelFormat.RGBA16))
    engine.wait_for(job, JobState.DONE)
    assert PixelBuffer.decode(engine.http.get(f"/v1/jobs/{job}/layers/0").content).format is PixelFormat.RGBA16
    answer = engine.http.get(f"/v1/jobs/{job}/layers/0", headers={"Accept": "image/png"})
    assert MEDIA_TYPE in problem_of(answer)["remedy"]


def test_several_alternatives(engine: EngineProcess) -> None:
    job = engine.submit(identity_request(images=3))
    assert [layer.image for layer in engine.wait_for(job, JobState.DONE).layers] == [0, 1, 2]
    answer = engine.http.get(f"/v1/jobs/{job}/layers/3")
    assert answer.status_code == 404
    assert problem_of(answer)["code"] == "unknown-layer"


def test_recent_jobs_with_the_newest_first(engine: EngineProcess) -> None:
    jobs = [engine.submit(identity_request(seed=seed)) for seed in (5, 6)]
    found = from_json(JobList, engine.http.get("/v1/jobs", params={"limit": 2}).json()).jobs
    assert [status.id for status in found] == jobs[::-1]
    assert found[0].created >= found[1].created > 0
    assert engine.http.get("/v1/jobs", params={"limit": 0}).status_code == 422


def test_what_is_kept_beside_a_job(engine: EngineProcess) -> None:
    query = {"document": "{1}", "priority": 2, "listed": False}
    job = engine.http.post("/v1/jobs", params=query, json=to_json(identity_request())).json()["id"]
    assert engine.status(job).filing == Filing("{1}", 2, listed=False)
    changed = engine.http.patch(f"/v1/jobs/{job}", json={"priority": 0, "starred": [1], "applied": [0]}).json()
    assert from_json(JobStatus, changed).filing == Filing("{1}", 0, listed=False, starred=(1,), applied=(0,))
    listed = engine.http.get("/v1/jobs", params={"listed": True}).json()
    assert job not in [status["id"] for status in listed["jobs"]]
    assert engine.http.patch("/v1/jobs/nothing", json={"starred": [0]}).status_code == 404
    assert engine.http.patch(f"/v1/jobs/{job}", json={"priority": 1000}).status_code == 422
    assert engine.http.patch(f"/v1/jobs/{job}", json={"discarded": [16]}).status_code == 422
    assert engine.http.patch(f"/v1/jobs/{job}", json={"applied": [-1]}).status_code == 422


def test_the_same_key_gives_the_same_job(engine: EngineProcess) -> None:
    first, second = (engine.post(identity_request(), **{"Idempotency-Key": "a-1"}) for _ in range(2))
    other = engine.post(identity_request(), **{"Idempotency-Key": "a-2"})
    assert first.json()["id"] == second.json()["id"] != other.json()["id"]
    assert engine.post(identity_request(), **{"Idempotency-Key": "../x"}).status_code == 422


def test_events_resume_behind_the_last_one(engine: EngineProcess) -> None:
    job = engine.submit(identity_request())
    engine.wait_for(job, JobState.DONE)  # of a job that had to wait, only its last place in the queue is kept
    events = list(engine.events(job))
    numbers = [number for number, _ in events]
    assert len(numbers) > 2 and numbers == sorted(set(numbers))
    for index, last in enumerate(numbers):
        assert list(engine.events(job, last)) == events[index + 1 :]
    assert list(engine.events(job, 0)) == events
    answer = engine.http.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": "x"})
    assert "Last-Event-ID" in problem_of(answer)["detail"]


def test_an_ended_job_stays_as_it_is(engine: EngineProcess) -> None:
    job = engine.submit(identity_request())
    done = engine.wait_for(job, JobState.DONE)
    answers = [engine.http.delete(f"/v1/jobs/{job}") for _ in range(2)]
    assert [answer.json() for answer in answers] == [to_json(done)] * 2


@pytest.mark.parametrize("method, path", [("GET", ""), ("DELETE", ""), ("GET", "/events"), ("GET", "/layers/0")])
@pytest.mark.parametrize("job", ["nothing", "0" * 32, "..%2F", "'; DROP TABLE jobs; --"])
def test_an_unknown_job(engine: EngineProcess, method: str, path: str, job: str) -> None:
    answer = engine.http.request(method, f"/v1/jobs/{job}{path}")
    assert answer.status_code == 404
    assert problem_of(answer)


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    # fields of the request, code, what the message says
    "empty prompt": ({"task": "foreground"}, "invalid-request", "prompt is empty"),
    "blank prompt": ({"task": "foreground", "prompt": " \n"}, "invalid-request", "prompt is empty"),
    "long prompt": ({"task": "foreground", "prompt": "x" * 100_000}, "invalid-request", "100000 characters"),
    "no background": ({"task": "foreground_on_background", "prompt": "x"}, "invalid-request", "no background"),
    "unknown image": ({"foreground": "0" * 64}, "unknown-image", "the foreground (0000"),
    "a path": ({"foreground": "../../etc/passwd"}, "invalid-request", "does not name an image"),
    "empty region": ({"bounds": {"x": 0, "y": 0, "width": 0, "height": 3}}, "invalid-request", "region is empty"),
    "huge region": (
        {"bounds": {"x": 0, "y": 0, "width": 10**6, "height": 10**6}},
        "invalid-request",
        "1000000×1000000",
    ),
    "far away": ({"bounds": {"x": 10**30, "y": 0, "width": 1, "height": 1}}, "invalid-request", "far off"),
    "negative size": ({"bounds": {"x": 0, "y": 0, "width": -1, "height": 3}}, "malformed-message", "negative"),
    "unknown field": ({"sampler": "x"}, "malformed-message", "'sampler'"),
    "unknown task": ({"task": "fly"}, "malformed-message", "$.task"),
    "wrong type": ({"seed": "1"}, "malformed-message", "$.seed"),
    "overflow": ({"strength": 10**400}, "malformed-message", "$.strength"),
    "half a surrogate": ({"prompt": "\ud800"}, "malformed-message", "surrogate"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_requests_say_what_is_wrong_and_what_to_do(engine: EngineProcess, name: str) -> None:
    fields, code, detail = REFUSED[name]
    body = json.dumps({**to_json(identity_request()), **fields})
    problem = problem_of(engine.http.post("/v1/jobs", content=body))
    assert problem["code"] == code
    assert detail in problem["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"seed": NaN}'])
def test_what_is_no_request_is_refused(engine: EngineProcess, body: bytes) -> None:
    assert problem_of(engine.http.post("/v1/jobs", content=body))["code"] == "malformed-message"


def test_a_huge_request_is_refused(engine: EngineProcess) -> None:
    answer = engine.http.post("/v1/jobs", content=(b" " * 2**20 for _ in range(5)))
    assert problem_of(answer)["code"] == "payload-too-large"


def test_an_image_of_another_size_fails_the_job_with_a_remedy(engine: EngineProcess) -> None:
    status = engine.wait_for(engine.submit(identity_request(bounds=Bounds(0, 0, 9, 9))), JobState.FAILED)
    assert status.problem is not None
    assert status.problem.code == "invalid-request"
    assert status.problem.remedy
    layer = engine.http.get(f"/v1/jobs/{status.id}/layers/0")
    assert problem_of(layer)["code"] == "layer-not-ready"


def test_an_unknown_model_is_named(engine: EngineProcess) -> None:
    request = GenerateRequest(Task.FOREGROUND, Bounds(0, 0, 64, 64), 1, prompt="a fox", model="nonesuch")
    problem = problem_of(engine.post(request))
    assert problem["code"] == "unknown-model"
    assert "nonesuch" in problem["detail"]


def test_a_waiting_job_is_cancelled_at_once(own_engine: EngineProcess) -> None:
    own_engine.upload()
    own_engine.pause_worker()
    first, second, third = (own_engine.submit(identity_request(seed=seed)) for seed in range(3))
    own_engine.wait_for(first, JobState.RUNNING)
    assert own_engine.http.delete(f"/v1/jobs/{second}").json()["state"] == "cancelled"
    assert [event for _, event in own_engine.events(second)][-1] == Cancelled()
    assert own_engine.status(third).state is JobState.QUEUED
    assert next(event for _, event in own_engine.events(third)) == Queued(0)  # it was third
    assert own_engine.status(first).state is JobState.RUNNING


def test_a_key_is_for_one_request(engine: EngineProcess) -> None:
    engine.upload()
    first = engine.post(identity_request(), **{"Idempotency-Key": "one-request"})
    assert engine.post(identity_request(), **{"Idempotency-Key": "one-request"}).json()["id"] == first.json()["id"]
    answer = engine.post(identity_request(seed=77), **{"Idempotency-Key": "one-request"})
    assert (answer.status_code, problem_of(answer)["code"]) == (409, "key-reused")
