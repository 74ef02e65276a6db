"""Soft shadows against what Photoshop made of a square of 50 pixels: Aspose's Shadow.psd, on grey of 225."""

from __future__ import annotations

import numpy as np

from acetate.protocol.geometry import Bounds
from acetate_engine.documents.psd_shadows import Shadow
from acetate_engine.documents.tree import Blend

GREY = 225
BESIDE = [225, 225, 225, 225, 225, 221, 211, 198, 179, 156, 129]  # row 50, from column 14 to the edge
BELOW = [46, 69, 96, 129, 156, 179, 198, 211, 221, 225, 225]  # column 50, from row 75 on
CORNER = [225, 225, 225, 225, 223, 219, 214, 206, 196, 184, 170, 158, 148, 140, 134]  # row 78, from column 15 on


def test_it_is_two_box_blurs_of_its_size() -> None:
    region = Bounds(0, 0, 100, 100)
    square = np.zeros((100, 100, 1), np.float32)
    square[25:75, 25:75] = 1.0
    shadow = Shadow(Blend.NORMAL, 1.0, (0.0, 0.0, 0.0), 0, 3, True, False, 7.0, 0.0, 11)
    _, coverage = shadow.paint(square, region, region)
    seen = GREY * (1.0 - coverage[..., 0])
    assert np.abs(seen[50, 14:25] - BESIDE).max() <= 1.0
    assert np.abs(seen[75:86, 50] - BELOW).max() <= 1.0
    assert np.abs(seen[78, 15:30] - CORNER).max() <= 1.0


RECTANGLE = Bounds(314, 161, 376, 287)  # ag-psd's group-drop-shadows, its red channel: row 300, column 500
LEFT = [255, 255, 255, 255, 255, 255, 255, 255, 255, 254, 251, 246, 239, 229, 218, 205, 190, 174, 161, 151]
ABOVE = [255, 255, 254, 251, 246, 239, 229, 218, 205, 190, 174, 161]


def test_spread_is_how_far_the_layer_grows_before() -> None:
    region = Bounds(200, 60, 620, 520)
    layer = np.zeros((520, 620, 1), np.float32)
    layer[RECTANGLE.relative_to(region).window] = 1.0
    shadow = Shadow(Blend.NORMAL, 0.52, (0.0494, 0.1609, 0.8392), 31, 33, True, False, 65.0, 0.64, 111)
    colour, coverage = shadow.paint(layer, region, RECTANGLE)
    seen = 255.0 * (1.0 + (colour[..., 0] - 1.0) * 0.52 * coverage[..., 0])
    assert np.abs(seen[300 - 60, 255 - 200 : 315 - 200 : 3] - LEFT).max() <= 3.0
    assert np.abs(seen[125 - 60 : 161 - 60 : 3, 500 - 200] - ABOVE).max() <= 3.0


def test_all_of_it_spread_ends_sharply() -> None:
    region = Bounds(0, 0, 60, 60)
    layer = np.zeros((60, 60, 1), np.float32)
    layer[25:35, 25:35] = 1.0
    shadow = Shadow(Blend.NORMAL, 1.0, (0.0,) * 3, 0, 0, True, False, 10.0, 1.0, 11)
    _, coverage = shadow.paint(layer, region, region)
    assert coverage[30, [14, 15, 44, 45], 0].tolist() == [0.0, 1.0, 1.0, 0.0]
