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
