"""Undo steps: what they may change, and that they can be undone and redone."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.krita.harness.painter import Layer, Painter
from tests.krita.harness.pixels import DTYPES
from tests.krita.harness.scenes import untouched
from tests.krita.harness.waiting import wait_until

_CANVAS = """
current = document()
current.waitForDone()
data = current.pixelData(0, 0, current.width(), current.height())
[current.colorDepth(), __import__('base64').b64encode(bytes(data)).decode()]
"""


@contextmanager
def one_step(painter: Painter, replaced: Layer | None = None) -> Iterator[set[str]]:
    """In the block one undo step is made, which changes no layer but `replaced`: that is gone. It is undone, redone,
    and undone again, slowly and fast.

    Gives the ids of the layers that were there before.
    """
    before, canvas, done = painter.fingerprint(), canvas_of(painter), steps_done(painter)
    yield painter.layer_ids()
    after, then = painter.fingerprint(), canvas_of(painter)
    gone = {replaced["id"]} if replaced else set()
    others = {key: node for key, node in before["nodes"].items() if key not in gone}
    assert steps_done(painter) == done + 1
    assert untouched({**before, "nodes": others}, after)
    assert not gone & set(after["nodes"])
    assert not _is_same(canvas, then)
    painter.undo()
    _wait_for(painter, before, canvas)
    painter.redo()
    _wait_for(painter, after, then)
    painter.undo()
    _wait_for(painter, before, canvas)
    painter.krita.run("trigger('edit_redo'); trigger('edit_undo')")  # no time for anything in between
    _wait_for(painter, before, canvas)


def steps_done(painter: Painter) -> int:
    """Without those that were undone."""
    done: int = painter.krita.run("undo_position()")
    return done


def canvas_of(painter: Painter) -> NDArray[Any]:
    """What it shows, in the document's own colour space."""
    depth, data = painter.krita.run(_CANVAS)
    return np.frombuffer(base64.b64decode(data), DTYPES[depth])


def _wait_for(painter: Painter, expected: dict[str, Any], canvas: NDArray[Any]) -> None:
    """Every byte of every layer, and the canvas. Krita may still be merging."""
    with suppress(TimeoutError):
        wait_until(lambda: _is_as_it_was(painter, expected, canvas), "the document to be as it was", every=0.1)
    nodes, now = painter.fingerprint()["nodes"], canvas_of(painter)
    others = [(node, nodes.get(key)) for key, node in expected["nodes"].items() if nodes.get(key) != node]
    assert not others and nodes.keys() == expected["nodes"].keys()
    assert _is_same(now, canvas), f"{np.count_nonzero(now != canvas)} values of the canvas are others"


def _is_as_it_was(painter: Painter, expected: dict[str, Any], canvas: NDArray[Any]) -> bool:
    return bool(painter.fingerprint()["nodes"] == expected["nodes"]) and _is_same(canvas_of(painter), canvas)


def _is_same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """But for the rounding of floats, which depends on what Krita merges at a time."""
    if one.dtype == np.float32:
        return bool(np.abs(one - other).max() <= 1 / 65535)
    return np.array_equal(one, other)
