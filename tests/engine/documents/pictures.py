"""Small documents for the tests of this folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acetate.protocol.geometry import Bounds, Extent
from acetate_engine.documents.tree import Blend, Clip, Group, LayeredDocument, LayerMask, Memory, PixelLayer

REFERENCES = Path(__file__).parents[2] / "references" / "psd"
PSDS = sorted(REFERENCES.glob("*.psd"))


def shown_by_krita(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Krita's projection of the document when it wrote `path`."""
    with np.load(path.with_suffix(".npz")) as file:
        return file["projection"]


def layers_in_krita(path: Path) -> list[dict[str, object]]:
    return json.loads(path.with_suffix(".json").read_text())


def off(expected: NDArray[np.generic], actual: NDArray[np.generic]) -> NDArray[np.float64]:
    """Differences of premultiplied values and of alpha, in 255ths, (h, w, 4)."""
    first, second = (_premultiplied(values) for values in (expected, actual))
    return np.abs(first - second)


def _premultiplied(values: NDArray[np.generic]) -> NDArray[np.float64]:
    unit = values.astype(np.float64) / np.iinfo(values.dtype).max
    unit[..., :3] *= unit[..., 3:]
    return unit * 255.0


def noise(height: int, width: int, seed: int = 0, kind: type[np.unsignedinteger] = np.uint8) -> NDArray[np.generic]:
    return np.random.default_rng(seed).integers(0, np.iinfo(kind).max, (height, width, 4), kind, endpoint=True)


def sample(depth: int = 8) -> LayeredDocument:
    """Groups, a mask, clipping, names in Unicode, layers that reach beyond the canvas; 48×32."""
    kind = np.uint8 if depth == 8 else np.uint16
    ground = noise(32, 48, 1, kind)
    ground[..., 3] = np.iinfo(kind).max
    coverage = np.random.default_rng(5).integers(0, 256, (10, 10), np.uint8)
    layers = (
        PixelLayer("Grund äß", source=Memory.at(0, 0, ground)),
        PixelLayer("base", source=Memory.at(4, 6, noise(12, 20, 2, kind))),
        PixelLayer("clipped", clip=Clip.BASE, blend=Blend.MULTIPLY, source=Memory.at(0, 0, noise(20, 20, 3, kind))),
        Group(
            "組 ☃",
            opacity=0.6,
            blend=Blend.SCREEN,
            masks=(LayerMask(Memory.at(20, 10, coverage), 255),),
            open=False,
            layers=(
                PixelLayer("outside", visible=False, source=Memory.at(-8, -4, noise(16, 16, 4, kind))),
                Group(
                    "",
                    blend=Blend.PASS_THROUGH,
                    layers=(PixelLayer("deep", source=Memory.at(30, 20, noise(20, 30, 6, kind))),),
                ),
            ),
        ),
    )
    return LayeredDocument(Extent(48, 32), layers, depth)


def everything(document: LayeredDocument) -> Bounds:
    return Bounds.of(document.extent)
