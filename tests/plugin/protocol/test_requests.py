"""What a request must be."""

from __future__ import annotations

import dataclasses
import math
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import (
    MAX_COORDINATE,
    MAX_PROMPT,
    ControlHint,
    ControlKind,
    GenerateRequest,
    ImagePrompt,
    StackLayer,
    Style,
    Task,
)
from tests.plugin.protocol.strategies import values_of

IMAGE = "ab" * 32
GOOD = GenerateRequest(Task.FOREGROUND, Bounds(0, 0, 64, 64), 1, prompt="a fox")


def test_good_requests_pass() -> None:
    for task in Task:
        dataclasses.replace(
            GOOD, task=task, background=IMAGE, foreground=IMAGE, mask=IMAGE, layers=(StackLayer("a"), StackLayer("b"))
        ).validate()


@pytest.mark.parametrize("task", Task)
def test_each_task_says_what_it_lacks(task: Task) -> None:
    request = dataclasses.replace(GOOD, task=task, layers=(StackLayer("a"),))
    needs = {"background": task.needs_background, "foreground": task.needs_foreground, "selection": task.needs_mask}
    lacking = [name for name, needed in needs.items() if needed]
    with pytest.raises(InvalidRequest, match=f"no {lacking[0]}") if lacking else nullcontext():
        request.validate()


HINT = ControlHint(ControlKind.EDGES, IMAGE)
WRONG: list[dict[str, Any]] = [
    {"prompt": ""},
    {"prompt": "\t "},
    {"prompt": "x" * (MAX_PROMPT + 1)},
    {"negative_prompt": "x" * 100_000},
    {"bounds": Bounds(0, 0, 0, 1)},
    {"bounds": Bounds(0, 0, 2**15, 2**15)},
    {"bounds": Bounds(MAX_COORDINATE, 0, 1, 1)},
    {"bounds": Bounds(0, -MAX_COORDINATE - 1, 1, 1)},
    {"context": Bounds(1, 0, 64, 64)},
    {"background": "../../etc/passwd"},
    {"background": IMAGE.upper()},
    {"seed": -1},
    {"seed": 2**32},
    {"images": 0},
    {"images": 17},
    {"steps": 0},
    {"strength": 1.1},
    {"strength": math.nan},
    {"guidance_scale": math.inf},
    {"pixel_format": PixelFormat.A8},
    {"control": (dataclasses.replace(HINT, image="x"),)},
    {"control": (dataclasses.replace(HINT, weight=9.0),)},
    {"control": (dataclasses.replace(HINT, start=0.6, end=0.5),)},
    {"control": (HINT,) * 9},
    {"image_prompts": (ImagePrompt("x", "plus"),)},
    {"image_prompts": (ImagePrompt(IMAGE, ""),)},
    {"image_prompts": (ImagePrompt(IMAGE, "plus", 2.5),)},
    {"image_prompts": (ImagePrompt(IMAGE),) * 9},
    {"styles": (Style("x" * 201),)},
    {"styles": (Style("ink", math.nan),)},
    {"styles": (Style("ink"), Style("ink", 0.5))},
    {"control": (dataclasses.replace(HINT, layer=0),)},
    {"task": Task.STACK, "layers": (StackLayer("a"),), "control": (dataclasses.replace(HINT, layer=1),)},
    {"task": Task.STACK, "layers": (StackLayer("a"),), "image_prompts": (ImagePrompt(IMAGE, layer=-1),)},
    {"task": Task.STACK},
    {"task": Task.STACK, "layers": (StackLayer(" "),)},
    {"task": Task.STACK, "layers": (StackLayer("a"),) * 65},
    {"task": Task.STACK, "layers": (StackLayer("a", strength=2.0),)},
    {"task": Task.STACK, "layers": (StackLayer("a", strength=0.5),)},
    {"task": Task.STACK, "layers": (StackLayer("a", picture="x"),)},
    {"task": Task.STACK, "layers": (StackLayer("a", seed=-1),)},
    {"task": Task.STACK, "layers": (StackLayer("a", bounds=Bounds(2**40, 0, 1, 1)),)},
]


@pytest.mark.parametrize("changes", WRONG, ids=lambda changes: str(changes)[:60])
def test_wrong_requests_are_refused_with_a_remedy(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        dataclasses.replace(GOOD, **changes).validate()
    assert caught.value.remedy


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values_of(GenerateRequest))
def test_any_request_is_valid_or_refused_never_a_crash(request: GenerateRequest) -> None:
    try:
        request.validate()
    except InvalidRequest as error:
        assert len(str(error)) < 1000


def test_images_are_named_once_in_order() -> None:
    request = dataclasses.replace(GOOD, background="b", foreground="a", mask="b", control=(HINT, HINT))
    assert request.image_digests == ("b", "a", IMAGE)
    layers = (StackLayer("a"), StackLayer("b", picture="c"), StackLayer("c", picture="b"))
    assert dataclasses.replace(request, layers=layers).image_digests == ("b", "a", IMAGE, "c")
    assert GOOD.image_digests == ()


@pytest.mark.parametrize(
    ("task", "fields", "blended"),
    [
        (Task.JOINT, {"background_prompt": "a lake"}, "a fox, a lake"),
        (Task.JOINT, {}, "a fox"),
        (Task.JOINT, {"background_prompt": " a fox "}, "a fox"),
        (Task.FOREGROUND_ON_BACKGROUND, {"background_prompt": "a lake"}, "a fox, a lake"),
        (Task.BACKGROUND_BEHIND_FOREGROUND, {"foreground_prompt": "a swan"}, "a swan, a fox"),
        (Task.JOINT, {"background_prompt": "a lake", "blended_prompt": "a swim"}, "a swim"),
    ],
)
def test_what_the_blended_picture_is_told(task: Task, fields: dict[str, str], blended: str) -> None:
    """Foreground and background both, unless it has words of its own."""
    images = {"background": IMAGE, "foreground": IMAGE}
    needed = {name: images[name] for name in images if getattr(task, f"needs_{name}")}
    assert dataclasses.replace(GOOD, task=task, **needed, **fields).blended == blended
