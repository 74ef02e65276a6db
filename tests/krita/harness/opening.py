"""A document opened in Krita: its layers, and what Krita shows."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np

from tests.krita.harness.process import KritaProcess

OPEN = """
import base64
opened = app.openDocument(path)
opened.setBatchmode(True)
app.activeWindow().addView(opened)
app.setActiveDocument(opened)
opened.refreshProjection()
opened.waitForDone()
data = bytes(opened.pixelData(0, 0, opened.width(), opened.height()))
[opened.width(), opened.height(), opened.colorDepth(), layers(), base64.b64encode(data).decode()]
"""


def opened_in_krita(krita: KritaProcess, path: Path) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Its layers bottom to top and its projection, (h, w, 4) straight sRGB."""
    width, height, depth, layers, data = krita.run(OPEN, path=str(path))
    kind = {"U8": np.uint8, "U16": np.uint16}[depth]
    pixels = np.frombuffer(base64.b64decode(data), kind).reshape(height, width, 4)[..., [2, 1, 0, 3]]
    return layers, pixels
