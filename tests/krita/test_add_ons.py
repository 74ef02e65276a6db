"""Styles, and layers that the picture follows: chosen by clicks, and what the engine receives of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from diffusers import UNet2DConditionModel

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import ControlKind, ImagePrompt, Style, Task
from acetate_engine.paths import resources_dir
from tests.engine.models.add_ons import write_for_mini
from tests.krita.conftest import Studio
from tests.krita.harness.builder import Builder
from tests.krita.harness.engine import Engine
from tests.krita.harness.lists import NAME, pick
from tests.krita.harness.painter import Layer, Painter
from tests.krita.harness.scenes import PROMPT
from tests.krita.harness.waiting import wait_until

CANVAS = Bounds(0, 0, 128, 96)
PICTURE = Bounds(70, 20, 40, 30)  # of the layer to look like: beside what is selected
RED = bytes([30, 20, 220, 255])  # BGRA
HINTS = "_docker('acetate_dock').session.settings.controls"


@pytest.fixture(scope="module")
def added(studio: Studio) -> Iterator[None]:
    """The embedded model with styles, an IP-Adapter and a ControlNet on edges, all random."""
    models, engine = studio.home.root / "data" / "acetate" / "models", Engine(studio.home)
    config = json.loads((resources_dir() / "models" / "mini" / "unet" / "config.json").read_text())
    write_for_mini(UNet2DConditionModel.from_config(config), models)
    engine.stop()  # the docker starts another, and asks it what there is
    yield
    shutil.rmtree(models)
    engine.stop()


@pytest.fixture
def scene(added: None, painter: Painter) -> Painter:
    painter.new_document(CANVAS.width, CANVAS.height)
    painter.krita.run(
        "add_paint_layer('palette', *box, pixel); select(4, 4, 50, 60)",
        box=[PICTURE.x, PICTURE.y, PICTURE.width, PICTURE.height],
        pixel=list(RED),
    )
    painter.activate("Background")
    painter.set_up(PROMPT)
    wait_until(lambda: painter.krita.run("has_widget('acetate_styles')"), "the styles of the model")
    for fold in ("acetate_styles", "acetate_hints"):
        if not painter.krita.run("widget(fold).isChecked()", fold=fold):
            painter.hands.click(fold)
    return painter


def set_number(painter: Painter, name: str, number: int) -> None:
    painter.hands.type_into(name, f"{number} %")


def generate(painter: Painter, press: str = "acetate_generate") -> Layer:
    before = painter.layer_ids()
    painter.hands.click(press)
    return painter.wait_for_layer(before)


def digest_shown(painter: Painter) -> str:
    code = "widget(name).property('digest') if has_widget(name) else ''"
    found: str = wait_until(lambda: painter.krita.run(code, name="acetate_sends_look"), "the look to be shown")
    return found


def test_a_style_and_a_look(scene: Painter, engine: Engine) -> None:
    scene.krita.run("node('palette').setVisible(False); document().refreshProjection()")  # as painters keep them
    plain = scene.node_pixels(generate(scene), CANVAS)
    choose_a_style_and_a_look(scene)
    shown = digest_shown(scene)
    scene.activate("Background")
    layer = generate(scene)
    request = engine.request(engine.newest())
    assert request.styles == (Style("oil", 0.4), Style("ink", 1.0))
    assert request.image_prompts == (ImagePrompt(shown, weight=0.6),)
    assert request.control == ()
    seen = engine.image(shown)
    assert (seen.extent, seen.data[:4]) == (PICTURE.extent, bytes([RED[2], RED[1], RED[0], 255]))
    assert len(set(np.frombuffer(seen.data, np.uint32))) == 1
    pixels = scene.node_pixels(layer, CANVAS)
    assert any(pixels) and pixels != plain
    made_again_without_settings(scene, engine, layer, pixels)
    a_stack_follows_them_too(scene, engine)
    shown_where_useful(scene)


def choose_a_style_and_a_look(painter: Painter) -> None:
    painter.hands.click("acetate_add_style")
    pick(painter, "acetate_style_0", "oil")
    set_number(painter, "acetate_style_weight_0", 40)
    painter.hands.click("acetate_add_style")
    pick(painter, "acetate_style_1", "ink")
    code = "box = widget('acetate_style_1'); box.model().item(box.findData('oil')).isEnabled()"
    assert not painter.krita.run(code), "each style can be chosen once"
    painter.hands.click("acetate_add_hint")
    pick(painter, "acetate_hint_kind_0", "look")
    pick(painter, "acetate_hint_layer_0", "palette", NAME)
    set_number(painter, "acetate_hint_weight_0", 60)


def made_again_without_settings(painter: Painter, engine: Engine, layer: Layer, pixels: bytes) -> None:
    """Again takes all of it from the document; Copy settings brings it back into the docker."""
    request = engine.request(engine.newest())
    settings = choices(painter)
    for name in ("acetate_style_remove_1", "acetate_style_remove_0", "acetate_hint_remove_0"):
        painter.hands.click(name)
    assert choices(painter) == [[], []]
    painter.activate(layer["name"])
    assert painter.node_pixels(generate(painter, "acetate_regenerate"), CANVAS) == pixels
    assert engine.request(engine.newest()) == request
    painter.activate(layer["name"])
    painter.hands.click("acetate_copy_settings")
    wait_until(lambda: choices(painter) == settings, "the settings to be copied")
    assert painter.krita.run("widget('acetate_style_weight_0').value()") == 40


def a_stack_follows_them_too(painter: Painter, engine: Engine) -> None:
    shown, builder = digest_shown(painter), Builder(painter)
    builder.open()
    builder.describe(PROMPT, Bounds(4, 4, 50, 60))
    builder.limit_steps(2)
    try:
        (layer,) = builder.generate()
    finally:
        builder.limit_steps(None)
        builder.close()
    request = engine.request(engine.newest())
    assert (request.task, request.image_prompts) == (Task.STACK, (ImagePrompt(shown, weight=0.6),))
    assert request.styles == (Style("oil", 0.4), Style("ink", 1.0))
    painter.activate(layer["name"])
    generate(painter, "acetate_regenerate")
    again = engine.request(engine.newest())
    assert (again.task, again.image_prompts) == (Task.FOREGROUND_ON_BACKGROUND, request.image_prompts)


def a_stack_follows_the_hint(painter: Painter, engine: Engine) -> None:
    """Its window shows the list of the docker, and what is changed there counts here, too."""
    builder = Builder(painter)
    builder.open()
    try:
        painter.hands.click("acetate_stack_hints")
        set_number(painter, "acetate_stack_hint_weight_0", 60)
        painter.hands.click("acetate_stack_own_hints")
        painter.hands.click("acetate_stack_own_add_hint")
        set_number(painter, "acetate_stack_own_hint_weight_0", 40)
        the_next_layer_has_none_of_its_own(painter)
        builder.describe(PROMPT, Bounds(60, 16, 50, 40))
        builder.limit_steps(2)
        (layer,) = builder.generate()
    finally:
        builder.limit_steps(None)
        builder.close()
    request = engine.request(engine.newest())
    sent, own = request.control
    assert (request.task, sent.kind, sent.weight, sent.layer) == (Task.STACK, ControlKind.EDGES, 0.6, None)
    assert (own.kind, own.weight, own.layer) == (ControlKind.EDGES, 0.4, 0)
    assert engine.image(sent.image).extent == request.bounds.extent
    painter.activate(layer["name"])
    generate(painter, "acetate_regenerate")
    again = engine.request(engine.newest()).control
    assert [(hint.weight, hint.layer) for hint in again] == [(0.6, None), (0.4, None)]


def the_next_layer_has_none_of_its_own(painter: Painter) -> None:
    painter.hands.click("acetate_stack_add")
    wait_until(lambda: not painter.krita.run("has_widget('acetate_stack_own_hint_weight_0')"), "no hint to be shown")
    painter.hands.click("acetate_stack_delete")
    wait_until(
        lambda: painter.krita.run("widget('acetate_stack_own_hint_weight_0').value()") == 40, "the hint to be shown"
    )


def choices(painter: Painter) -> list[Any]:
    code = """
settings = _docker('acetate_dock').session.settings
[[[style.lora, style.weight] for style in settings.styles.value],
 [[each.kind.value, each.weight] for each in settings.controls.value]]
"""
    found: list[Any] = painter.krita.run(code)
    return found


def test_edges_of_a_layer_become_the_hint(scene: Painter, engine: Engine) -> None:
    """What the model cannot follow is grey, and says where a net for it belongs."""
    scene.activate("palette")
    scene.hands.click("acetate_add_hint")
    edges = generate(scene, "acetate_hint_edges_0")
    assert (edges["name"], edges["index"]) == ("Edges of palette", 2)
    data = np.frombuffer(scene.node_pixels(edges, CANVAS), np.uint8).reshape(CANVAS.height, CANVAS.width, 4)
    y, x = np.nonzero(data[..., 0])
    found = (x.min(), y.min(), x.max() + 1, y.max() + 1)
    assert found == pytest.approx((PICTURE.x, PICTURE.y, PICTURE.right, PICTURE.bottom), abs=1)
    (hint,) = scene.krita.run(f"[[hint.kind.value, hint.layer] for hint in {HINTS}.value]")
    assert hint == ["edges", edges["id"]]  # the first kind that the model knows
    set_number(scene, "acetate_hint_weight_0", 70)
    set_number(scene, "acetate_hint_end_0", 80)
    scene.krita.run("trigger('deselect')")
    scene.activate("Background")
    generate(scene)
    (sent,) = engine.request(engine.newest()).control
    assert (sent.kind, sent.weight, sent.start, sent.end) == (ControlKind.EDGES, 0.7, 0.0, 0.8)
    a_stack_follows_the_hint(scene, engine)
    code = "box = widget('acetate_hint_kind_0'); box.model().item(box.findData(kind)).isEnabled()"
    assert [scene.krita.run(code, kind=kind) for kind in ("edges", "look", "depth")] == [True, True, False]
    scene.choose("acetate_hint_kind_0", "depth")
    scene.press_generate()
    scene.wait_for_message("controlnet", "depth", "models/controlnet")
    scene.wait_for_end()
    scene.choose("acetate_task", Task.FOREGROUND.value)


def shown_where_useful(painter: Painter) -> None:
    """Nothing of it where the model has nothing; but what is chosen has to be seen."""
    code = """
docker = _docker('acetate_dock')
model, styles = docker.session.model, docker.session.settings.styles
kept, chosen, seen = model.value, styles.value, []
model.value = None
seen.append([has_widget('acetate_styles'), has_widget('acetate_hints')])
styles.value, docker.session.settings.controls.value = (), ()
seen.append([has_widget('acetate_styles'), has_widget('acetate_hints')])
model.value = kept
seen.append([has_widget('acetate_styles'), has_widget('acetate_hints')])
seen
"""
    assert painter.krita.run(code) == [[True, True], [False, False], [True, True]]
