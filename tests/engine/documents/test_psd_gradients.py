"""Gradients of whole canvases: looked up in a table, they are those that are computed pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from psd_tools.terminology import Enum

from acetate.protocol.geometry import Bounds
from acetate_engine.documents.colour import ColourSpace
from acetate_engine.documents.psd_gradients import Gradient, ramp

SPACE = ColourSpace("RGB")
STOPS = [(0.0, (0.0, 0.0, 1.0)), (0.25, (1.0, 0.5, 0.0)), (0.3, (0.0, 0.0, 0.0)), (1.0, (0.0, 1.0, 0.0))]


@pytest.mark.parametrize("method", [b"Gcls", b"Lnr ", b"Perc"])
@pytest.mark.parametrize("kind", [Enum.Linear, Enum.Angle])
def test_large_regions_are_drawn_as_small_ones(method: bytes, kind: bytes) -> None:
    fades = ramp([(0.0, (1.0,)), (1.0, (0.25,))], 1.0, b"Gcls", ColourSpace("GRAY"))
    drawn = Gradient(ramp(STOPS, 1.0, method, SPACE), fades, kind, 33.0, 1.0, (0.0, 0.0), False, True)
    box = Bounds(0, 0, 1024, 512)
    large, small = drawn.draw(box, box), drawn.draw(Bounds(0, 200, 1024, 64), box)
    for whole, part in zip(large, small, strict=True):
        assert np.abs(whole[200:264] - part).max() < 0.5 / 255.0  # half a step
