"""What makes backgrounds, in the real Krita: `mini` has no weights for it yet, so a mini of random ones does it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Task
from tests.engine.commands.conftest import tiny_resources  # noqa: F401  # a fixture
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import Layer, Painter
from tests.krita.harness.scenes import paint_document, untouched

AREA = Bounds(0, 0, 320, 256)


@pytest.fixture
def able(engine: Engine, tiny_resources: Path) -> Iterator[Engine]:  # noqa: F811
    """An engine whose model has the weights of every task."""
    engine.stop()
    with engine.started_by_hand(ACETATE_RESOURCES=str(tiny_resources)):
        yield engine


def layer_of(painter: Painter, task: Task, active: str) -> list[Layer]:
    """What the task made, checked to be one undo step that changes nothing else."""
    paint_document(painter)
    painter.activate(active)
    painter.set_up("a red apple", task)
    before, steps, ids = painter.fingerprint(), painter.undo_steps(), painter.layer_ids()
    painter.press_generate()
    painter.wait_for_end()
    after, made = painter.fingerprint(), painter.new_layers(ids)
    assert made, painter.message()
    assert untouched(before, after)
    assert len(painter.undo_steps()) == len(steps) + 1
    painter.undo()
    assert painter.fingerprint() == before
    painter.redo()
    assert painter.fingerprint() == after
    return made


def test_foreground_and_background_come_as_a_group(painter: Painter, able: Engine) -> None:
    made = layer_of(painter, Task.JOINT, "below")
    (group,) = [layer for layer in made if layer["type"] == "grouplayer"]
    assert (group["parent"], group["index"]) == ("root", 2)
    back, front = [layer for layer in painter.layers() if layer["parent"] == group["name"]]
    assert set(painter.node_pixels(back, AREA)[3::4]) == {255}
    assert set(painter.node_pixels(front, AREA)[3::4]) != {255}
    assert [layer["name"] for layer in (back, front)] == ["a red apple · 7"] * 2


def test_a_background_lies_behind_the_layer_that_it_was_made_for(painter: Painter, able: Engine) -> None:
    (back,) = layer_of(painter, Task.BACKGROUND_BEHIND_FOREGROUND, "above")
    (above,) = [layer for layer in painter.layers() if layer["name"] == "above"]
    assert (back["parent"], back["index"]) == (above["parent"], above["index"] - 1)
    assert set(painter.node_pixels(back, Bounds(*back["bounds"]))[3::4]) == {255}
    request = able.request(able.newest())
    assert able.image(request.foreground).extent == request.covered.extent


def test_behind_the_lowest_layer_krita_lets_nothing_in(painter: Painter, able: Engine) -> None:
    """It lies above then, and the message says what to do."""
    (back,) = layer_of(painter, Task.BACKGROUND_BEHIND_FOREGROUND, "tree")
    assert (back["parent"], back["index"]) == ("garden", 1)
    assert "move the new one under “tree”" in painter.message()


def test_a_foreground_looks_at_the_background(painter: Painter, able: Engine) -> None:
    """Two backgrounds, all else being equal, make two layers; and no note says that it was made from text alone."""
    pictures = []
    for active in ("below", "tree"):
        made = layer_of(painter, Task.FOREGROUND_ON_BACKGROUND, active)
        pictures.append(painter.node_pixels(made[0], AREA))
        painter.krita.run("close_documents()")
        assert "text alone" not in painter.message()
    assert pictures[0] != pictures[1]
