"""A document to work in, and what must hold of it afterwards."""

from __future__ import annotations

from typing import Any

from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import Layer, Painter

PROMPT = "a red apple"
_MARGIN = 8  # canvas pixels around the region that are looked at


def paint_document(painter: Painter, width: int = 320, height: int = 256) -> None:
    """Background, "below", a group "garden" with "tree" in it, and "above" on top of all."""
    painter.new_document(width, height)
    painter.krita.run(
        """
add_paint_layer('below', 10, 12, 60, 50, bytes([200, 120, 40, 180]))
add_group('garden', above='below')
add_paint_layer('tree', 100, 90, 70, 80, bytes([30, 160, 60, 255]), parent='garden')
add_paint_layer('above', 200, 10, 40, 40, bytes([10, 20, 230, 90]), above='garden')
"""
    )


def untouched(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Every node that was there before has the same bytes and properties; its index may have moved up.

    A group has no pixels of its own: what it shows, and its bounds, change with what is put into it. So do the bounds
    of a mask on it.
    """
    return all(_own(entry) == _own(after["nodes"][key]) for key, entry in before["nodes"].items())


def _own(entry: list[Any]) -> tuple[dict[str, Any], str]:
    properties, data = entry
    if properties["type"] == "grouplayer":
        return {**properties, "index": None, "bounds": None}, ""
    if properties["type"].endswith("mask"):
        return {**properties, "index": None, "bounds": None}, data
    return {**properties, "index": None}, data


def assert_holds_the_result(painter: Painter, engine: Engine, job: str, layer: Layer, bounds: Bounds) -> None:
    """Inside the region, byte for byte what the engine delivered for `job`; around it, nothing."""
    (result,), picture = engine.layers(job), engine.picture(job, 0)
    assert (result.bounds, picture.format) == (bounds, PixelFormat.RGBA8)
    assert painter.node_pixels(layer, bounds) == bgra(picture.data)
    around = bounds.padded(_MARGIN)
    stride, edge = around.width * 4, _MARGIN * 4
    data = painter.node_pixels(layer, around)
    rows = [data[start : start + stride] for start in range(0, len(data), stride)]
    assert not any(any(row) for row in rows[:_MARGIN] + rows[-_MARGIN:]), "pixels above or below the region"
    assert not any(any(row[:edge]) or any(row[-edge:]) for row in rows), "pixels beside the region"


def bgra(rgba: bytes) -> bytes:
    swapped = bytearray(rgba)
    swapped[0::4], swapped[2::4] = rgba[2::4], rgba[0::4]
    return bytes(swapped)
