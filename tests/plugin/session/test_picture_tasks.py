"""Tasks on pictures, from what the painter sets to the document, with a real engine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from acetate.protocol.geometry import Bounds
from acetate.protocol.pictures import Click, Light, Subject
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import GenerateRequest, Task
from acetate.session.region import Length, Unit
from acetate.session.settings import Settings
from tests.plugin.session.paper import PaperDocument
from tests.plugin.session.studio import GREEN, RED, Studio, pixels_of

BOX, CLICKS = Bounds(3, 4, 20, 22), (Click(9, 9), Click(1, 2, is_on=False))


def do(studio: Studio, task: Task) -> GenerateRequest:
    studio.session.do(task)
    studio.wait()
    return studio.session.history.entries[0].result.request


def test_the_subject_becomes_the_selection_and_no_layer(studio: Studio, document: PaperDocument) -> None:
    photo = document.add("photo", document.bounds, GREEN)
    pixels_of(photo)[10:20, 12:30] = RED
    document.activate(photo)
    document.steps.clear()
    nodes = document.node_ids()
    studio.session.settings.box.value = Bounds(10, 8, 22, 14)
    do(studio, Task.SELECT)
    assert document.mask is not None, studio.session.message.value
    assert document.mask[12:18, 15:27].min() > 200 and not document.mask[:6].any() and not document.mask[:, 36:].any()
    assert document.node_ids() == nodes and not document.steps


def test_what_lies_beyond_the_canvas_is_one_layer_around_it(studio: Studio, document: PaperDocument) -> None:
    document.activate(document.named("sky"))
    studio.session.settings.margin.value = Length(10, Unit.PIXELS)
    request = do(studio, Task.EXPAND)
    assert request.bounds == document.bounds.padded(10) and request.mask is None
    assert len(document.steps) == 1 and document.named("Beyond").pixels is not None


def test_shadow_and_light_come_under_and_above_the_layer(studio: Studio, document: PaperDocument) -> None:
    tree = document.named("tree")
    for task in (Task.CONTACT_SHADOW, Task.MATCH_LIGHT):
        document.activate(tree)
        do(studio, task)
    names = [node.name for node in document.root.children]
    assert names.index("Contact shadow") < names.index("tree") < names.index("Light")
    assert len(document.steps) == 2


def test_transparency_comes_as_a_mask_where_the_painter_wants_that(studio: Studio, document: PaperDocument) -> None:
    tree = document.named("tree")
    document.activate(tree)
    do(studio, Task.CAST_SHADOW)
    plain = document.named("Cast shadow")
    document.undo()
    studio.session.toggle_mask()
    assert "mask" in str(studio.session.message.value)
    document.activate(document.named("tree"))
    document.steps.clear()
    do(studio, Task.CAST_SHADOW)
    masked = document.named("Cast shadow")
    assert plain.pixels is not None and masked.pixels is not None and masked.mask is not None
    seen = plain.pixels[..., 3] > 0
    assert plain.mask is None and len(document.steps) == 1 and seen.any()
    assert (masked.pixels[seen, 3] == 255).all() and np.array_equal(masked.mask[seen], plain.pixels[seen, 3])
    studio.session.toggle_mask()
    assert not studio.session.settings.as_mask.value


@pytest.mark.parametrize("task", [Task.EXTRACT, Task.SELECT, Task.REMOVE, Task.DECOMPOSE])
def test_what_is_said_of_the_subject_is_sent_and_comes_back(task: Task) -> None:
    settings, other = Settings(), Settings()
    settings.task.value, settings.box.value, settings.clicks.value, settings.most.value = task, BOX, CLICKS, 3
    request = settings.request(Bounds(0, 0, 40, 40), PixelFormat.RGBA8)
    most = 3 if task in (Task.EXTRACT, Task.DECOMPOSE) else 1  # the others find one thing
    assert request.subject == Subject(BOX, CLICKS, most)
    other.copy_from(request)
    assert (other.box.value, other.clicks.value, other.most.value) == (BOX, CLICKS, most)


def test_light_size_and_company_are_sent_where_they_count() -> None:
    settings, light = Settings(), Light(120.0, 0.5, 0.2, 0.9)
    settings.light.value, settings.factor.value, settings.settle.value, settings.box.value = light, 4, True, BOX
    lights = {
        Task.CAST_SHADOW: light,
        Task.REFLECTION: replace(light, angle=Light.angle),
        Task.CONTACT_SHADOW: Light(softness=0.2, opacity=0.9),
        Task.FOREGROUND_ON_BACKGROUND: Light(softness=0.2, opacity=0.9),
        Task.MATCH_LIGHT: Light(opacity=0.9),
    }
    for task in Task:
        settings.task.value = task
        request = settings.request(Bounds(0, 0, 9, 9), PixelFormat.RGBA8)
        assert request.light == lights.get(task, Light())
        assert request.factor == (4 if task is Task.UPSCALE else 2)
        assert request.settle is (task is Task.FOREGROUND_ON_BACKGROUND)
        assert (request.subject == Subject()) is not task.traits.subject
