"""Every task in documents of every kind: place, names, pixels, one undo step, and nothing else changed.

The model has random weights, and with them every task: its pictures are noise, in which no mistake hides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Task
from acetate.protocol.tasks import LayerRole
from tests.engine.commands.conftest import tiny_resources  # noqa: F401  # a fixture
from tests.krita.conftest import Studio
from tests.krita.harness.builder import Builder
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import Layer, Painter
from tests.krita.harness.pixels import (
    AROUND,
    CANVAS,
    MARGIN,
    Coverage,
    Floats,
    around,
    in_bytes,
    in_grey,
    on_canvas,
    own_pixels,
    part,
)
from tests.krita.harness.rich import (
    HEIGHT,
    SPACES,
    WIDTH,
    as_eight_bits,
    difference,
    rich_document,
    select_ellipse,
    shown_alone,
)
from tests.krita.harness.scenes import PROMPT, paint_document
from tests.krita.harness.steps import one_step

NAME = f"{PROMPT} · 7"
# How far values may be from the engine's, 0..1; the conversion for the comparison is 5e-4 off. U8: equal bytes.
OFF = {"U8": 1e-3, "U16": 1e-3, "F32": 1e-3, "GRAYA": 1 / 255, "CMYKA": 1 / 255}

BACK, FRONT, BLENDED = LayerRole.BACKGROUND, LayerRole.FOREGROUND, LayerRole.BLENDED
UNDER_ABOVE = ("Background", "ground", "garden", "through", "tone")
WIDE, LOW = Bounds(100, 70, 120, 60), Bounds(0, 4, 100, 60)  # the first reaches off the canvas
TREE, HOLE = Bounds(50, 40, 70, 70), Bounds(60, 50, 50, 40)


@dataclass(frozen=True)
class Case:
    """A task on the rich document: what is active and selected, and what must come of it."""

    task: Task
    active: str
    place: tuple[str, int]  # the parent's name, and the index
    action: str | None = None  # Generate is pressed where there is none
    selected: Bounds | None = None  # around an ellipse
    unselected: Bounds = CANVAS  # the region where nothing is selected
    behind: tuple[str, ...] | None = None  # what is hidden where the canvas shows the background
    front: tuple[str, ...] | None = None  # … the foreground
    roles: tuple[LayerRole, ...] = (FRONT,)
    is_replaced: bool = False

    @property
    def region(self) -> Bounds:
        return self.selected.intersection(CANVAS) if self.selected else self.unselected


CASES = (
    Case(Task.FOREGROUND, "shade", ("through", 1), "acetate_generate_layer"),
    Case(Task.FOREGROUND_ON_BACKGROUND, "above", ("root", 6), "acetate_put_in_front", WIDE, behind=("above",)),
    Case(
        Task.BACKGROUND_BEHIND_FOREGROUND,
        "above",
        ("root", 5),
        "acetate_paint_behind",
        LOW,
        front=UNDER_ABOVE,
        roles=(BACK,),
    ),
    Case(Task.JOINT, "tree", ("garden", 1), "acetate_generate_both", roles=(BACK, FRONT)),
    Case(Task.BLEND, "above", ("root", 6), None, LOW, behind=("above",), front=UNDER_ABOVE, roles=(BLENDED,)),
    Case(Task.REFINE, "tree", ("garden", 1), "acetate_refine_layer", unselected=TREE),
    Case(Task.INPAINT, "tree", ("garden", 0), "acetate_repaint_selection", HOLE, is_replaced=True),
)


@pytest.fixture(scope="module")
def able(studio: Studio, tiny_resources: Path) -> Iterator[Engine]:  # noqa: F811
    """An engine whose model has the weights of every task."""
    engine = Engine(studio.home)
    engine.stop()
    with engine.started_by_hand(ACETATE_RESOURCES=str(tiny_resources)):
        yield engine


@pytest.mark.parametrize("space", SPACES)
def test_every_task(painter: Painter, able: Engine, space: str) -> None:
    rich_document(painter, SPACES[space])
    painter.set_up(PROMPT)
    for case in CASES:
        carry_out(painter, able, case, space)
    build_a_stack(painter, able, space)


def carry_out(painter: Painter, engine: Engine, case: Case, space: str) -> None:
    painter.activate(case.active)
    painter.choose("acetate_task", case.task.value)
    if case.task.reworks_layer:
        painter.choose("acetate_outcome", "replace" if case.is_replaced else "above")
    mask = select_ellipse(painter, case.selected) if case.selected else np.full((HEIGHT, WIDTH), 255, np.uint8)
    (old,) = [layer for layer in painter.layers() if layer["name"] == case.active]
    was, looked = own_pixels(painter, old), painter.shown_pixels(old, AROUND)
    background, foreground = (seen and shown_alone(painter, seen) for seen in (case.behind, case.front))
    if case.task.reworks_layer:
        foreground = in_bytes(looked[MARGIN:-MARGIN, MARGIN:-MARGIN])
    with one_step(painter, old if case.is_replaced else None) as before:
        job = engine.new_job(lambda: start(painter, case))
        painter.wait_for_end()
        made = painter.new_layers(before)
        assert made, painter.message()
        assert_sent(painter, engine, job, {"background": background, "foreground": foreground})
        for layer, result in zip(placed(made, case), engine.layers(job), strict=True):
            assert result.bounds == case.region
            expected = on_canvas(engine.picture(job, result.index), case.region)
            if case.is_replaced:
                expected = np.where(around(mask)[..., None] > 0, expected, looked)
                kept, now = mask == 0, own_pixels(painter, layer)
                assert np.array_equal(now[kept], was[kept]) and not np.array_equal(now[~kept], was[~kept])
            assert_shows(painter.shown_pixels(layer, AROUND), expected, space)
            assert_plausible(expected[..., 3], around(mask), result.role, case)
    if case.selected:
        painter.krita.run("trigger('deselect')")


def start(painter: Painter, case: Case) -> None:
    if case.action:
        painter.krita.run("app.action(action).trigger()", action=case.action)
    else:
        painter.press_generate()


def placed(made: list[Layer], case: Case) -> list[Layer]:
    """Those with pixels, bottom to top, where they belong and with the right names; several are in a group."""
    layers = [layer for layer in made if layer["type"] == "paintlayer"]
    (top,) = [layer for layer in made if layer["parent"] == case.place[0]]
    assert (top["parent"], top["index"]) == case.place
    assert top["type"] == ("paintlayer" if len(case.roles) == 1 else "grouplayer")
    assert [layer["name"] for layer in made] == [NAME] * len(made)
    assert len(layers) == len(case.roles)
    return layers


def assert_sent(painter: Painter, engine: Engine, job: str, truths: dict[str, Coverage | None]) -> None:
    """What Krita's own canvas shows of those layers; the docker showed the same."""
    request = engine.request(job)
    for name, truth in truths.items():
        digest, box = getattr(request, name), request.covered
        assert (digest is None) == (truth is None)
        if truth is not None:
            assert painter.krita.run(f"widget('acetate_sends_{name}').property('digest')") == digest
            assert difference(as_eight_bits(engine.image(digest)), part(truth, box)) <= 1


def assert_shows(shown: Floats, expected: Floats, space: str) -> None:
    """The layer has what the engine made, as far as the document's colour space can show it."""
    visible = expected[..., 3] > 0
    found, colours = shown[visible, :3], expected[visible, :3]
    assert np.abs(shown[..., 3] - expected[..., 3]).max() <= OFF[space]
    if space == "CMYKA":  # of noise, inks can show a part
        assert np.quantile(deltaE_ciede2000(rgb2lab(found), rgb2lab(colours)), 0.1) <= 0.5
    else:
        assert np.abs(found - (in_grey(colours) if space == "GRAYA" else colours)).max() <= OFF[space]


def assert_plausible(alpha: Floats, mask: Coverage, role: LayerRole, case: Case) -> None:
    """Backgrounds are opaque, foregrounds are not, and both only inside of the selection."""
    inside = alpha[mask > 0]
    if role is FRONT:
        assert inside.any() and (inside < 1).any()
    else:
        assert (inside == 1).all()
    assert case.is_replaced or not alpha[mask == 0].any()


def build_a_stack(painter: Painter, engine: Engine, space: str) -> None:
    """Two layers in one group, the upper one on what the lower one shows."""
    painter.activate("leaf")
    builder, places = Builder(painter), [Bounds(8, 10, 90, 70), Bounds(60, 40, 100, 90)]
    builder.open()
    builder.fill([PROMPT, PROMPT], places)
    with one_step(painter) as before:
        job = engine.new_job(lambda: builder.press("acetate_stack_generate"))
        painter.wait_for_end()
        group, *layers = painter.new_layers(before)
        assert (group["parent"], group["index"], group["name"]) == ("garden", 2, "Stack")
        assert [layer["name"] for layer in layers] == [f"{PROMPT} · {seed}" for seed in (1, 2)]
        for layer, result, place in zip(layers, engine.layers(job), places, strict=True):
            assert (layer["parent"], result.bounds, result.role) == ("Stack", place, FRONT)
            assert_shows(
                painter.shown_pixels(layer, AROUND), on_canvas(engine.picture(job, result.index), place), space
            )
    builder.close()


def test_behind_the_lowest_layer_krita_lets_nothing_in(painter: Painter, able: Engine) -> None:
    """It lies above then, and the message says what to do."""
    back = made_in_the_scene(painter, able, Task.BACKGROUND_BEHIND_FOREGROUND, "tree")
    assert (back["parent"], back["index"]) == ("garden", 1)
    assert "move the new one under “tree”" in painter.message()


def test_a_foreground_looks_at_the_background(painter: Painter, able: Engine) -> None:
    """Two backgrounds, all else being equal, make two layers; and no note says that it was made from text alone."""
    pictures = []
    for active in ("below", "tree"):
        front = made_in_the_scene(painter, able, Task.FOREGROUND_ON_BACKGROUND, active)
        pictures.append(painter.node_pixels(front, CANVAS))
        assert "text alone" not in painter.message()
        painter.krita.run("close_documents()")
    assert pictures[0] != pictures[1]


def made_in_the_scene(painter: Painter, engine: Engine, task: Task, active: str) -> Layer:
    paint_document(painter)
    painter.activate(active)
    painter.set_up(PROMPT, task)
    before = painter.layer_ids()
    engine.new_job(painter.press_generate)
    return painter.wait_for_layer(before)
