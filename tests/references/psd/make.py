"""Makes the documents of this folder with the real Krita: python -m tests.references.psd.make [FOLDER]

Each is saved as PSD, KRA and ORA, and described by what Krita shows at that moment: NAME.json holds the layers,
NAME.npz the projection (RGBA, straight, sRGB).
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.krita.harness.display import Display
from tests.krita.harness.process import KritaProcess, plain_krita

MODES = (
    *("normal", "multiply", "screen", "overlay", "darken", "lighten", "dodge", "burn", "hard_light", "soft_light"),
    *("diff", "exclusion", "linear_dodge", "linear_burn", "vivid_light", "linear light", "pin_light", "subtract"),
    *("divide", "hue", "saturation", "color", "luminize", "darker color", "lighter color"),
)
TILE = 20
FORMATS = ("psd", "ora", "kra")  # the last keeps everything, so that nothing is asked on closing

_TOOLS = """
import base64
def paint(name, pixels, x, y, width, height, parent=None, mode="normal", opacity=255):
    layer = document().createNode(name, "paintlayer")
    layer.setPixelData(base64.b64decode(pixels), x, y, width, height)
    layer.setBlendingMode(mode)
    layer.setOpacity(opacity)
    (node(parent) if parent else document().rootNode()).addChildNode(layer, None)
    document().waitForDone()
"""


class Studio:
    """A Krita with one document that is being drawn."""

    def __init__(self, krita: KritaProcess) -> None:
        self.krita = krita
        self.depth = "U8"

    def run(self, code: str, **arguments: object) -> Any:
        return self.krita.run(_TOOLS + code, **arguments)

    def new(self, width: int, height: int, depth: str) -> None:
        self.depth = depth
        self.run(
            "new_document(width, height, depth); node('Background').remove(); None",
            width=width,
            height=height,
            depth=depth,
        )

    def paint(self, name: str, pixels: NDArray[np.float64], x: int, y: int, **options: object) -> None:
        """`pixels` (h, w, 4) straight 0..1."""
        kind, top = (np.uint8, 255) if self.depth == "U8" else (np.uint16, 65535)
        data = (pixels[..., [2, 1, 0, 3]] * top + 0.5).astype(kind).tobytes()
        place = {"x": x, "y": y, "width": pixels.shape[1], "height": pixels.shape[0]}
        code = "paint(name, pixels, x, y, width, height, **options)"
        self.run(code, name=name, pixels=base64.b64encode(data).decode(), options=options, **place)

    def group(self, name: str, parent: str | None = None, **properties: object) -> None:
        code = """
group = document().createGroupLayer(name)
(node(parent) if parent else document().rootNode()).addChildNode(group, None)
for key, value in properties.items():
    getattr(group, key)(value)
document().waitForDone()
"""
        self.run(code, name=name, parent=parent, properties=properties)

    def mask(self, name: str, x: int, y: int, width: int, height: int, coverage: int) -> None:
        """A transparency mask on the node: `coverage` inside the rectangle, nothing outside."""
        code = """
activate(name)
document().waitForDone()
QtWidgets.QApplication.processEvents()
selection = Selection()
selection.select(x, y, width, height, coverage)
document().setSelection(selection)
trigger('add_new_transparency_mask')
trigger('deselect')
document().waitForDone()
"""
        self.run("activate(name)", name=name)
        self.krita.run("let_run(200)")
        self.run(code, name=name, x=x, y=y, width=width, height=height, coverage=coverage)

    def set(self, name: str, method: str, value: object) -> None:
        self.run(
            "getattr(node(name), method)(value); document().refreshProjection()", name=name, method=method, value=value
        )

    def save(self, stem: str, folder: Path) -> None:
        self._describe(folder / stem)
        for suffix in FORMATS:
            self.run("document().saveAs(path)", path=str(folder / f"{stem}.{suffix}"))
        self.run("close_documents()")

    def _describe(self, stem: Path) -> None:
        code = """
shown = document()
shown.refreshProjection()
shown.waitForDone()
data = bytes(shown.pixelData(0, 0, shown.width(), shown.height()))
[shown.width(), shown.height(), layers(), base64.b64encode(data).decode()]
"""
        width, height, layers, data = self.run(code)
        kind = np.uint8 if self.depth == "U8" else np.uint16
        pixels = np.frombuffer(base64.b64decode(data), kind).reshape(height, width, 4)[..., [2, 1, 0, 3]]
        np.savez_compressed(stem.with_suffix(".npz"), projection=pixels)
        for layer in layers:
            del layer["id"]
        stem.with_suffix(".json").write_text(json.dumps(layers, indent=1, ensure_ascii=False) + "\n")


def gradient(height: int, width: int, seed: int, alpha: bool = True) -> NDArray[np.float64]:
    """Smooth colours that differ in every channel; alpha rises to the right."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    phases, rates = rng.uniform(0, 6.3, 3), rng.uniform(0.5, 1.5, (3, 2))
    waves = [
        0.5 + 0.5 * np.sin(p + r[0] * x / width * 6 + r[1] * y / height * 6) for p, r in zip(phases, rates, strict=True)
    ]
    ramp = x / (width - 1) if alpha else np.ones((height, width))
    return np.stack([*waves, ramp], -1)


def blends(studio: Studio, depth: str) -> None:
    side = TILE * 5
    studio.new(side, side, depth)
    backdrop = gradient(side, side, 1, alpha=False)
    backdrop[side // 2 :, ::7, 3] = 0.5
    backdrop[::9, :, 3] = 0.0
    studio.paint("Untergrund äß 背景", backdrop, 0, 0)
    for index, mode in enumerate(MODES):
        y, x = divmod(index, 5)
        studio.paint(
            f"mode {mode}", gradient(TILE, TILE, index + 2), x * TILE, y * TILE, mode=mode, opacity=255 - index
        )


def groups(studio: Studio, depth: str) -> None:
    studio.new(128, 96, depth)
    studio.paint("ground", gradient(96, 128, 50, alpha=False), 0, 0)
    studio.group("multiplied", setBlendingMode="multiply", setOpacity=200)
    studio.paint("left", gradient(60, 60, 51), 4, 10, parent="multiplied")
    studio.paint("right", gradient(60, 60, 52), 30, 30, parent="multiplied", mode="screen")
    studio.group("through", setPassThroughMode=True)
    studio.paint("tint", gradient(80, 50, 53), 70, 8, parent="through", mode="overlay")
    studio.group("inner", parent="through", setOpacity=128)
    studio.paint("deep", gradient(40, 40, 54), 60, 50, parent="inner")
    studio.paint("hidden", gradient(40, 40, 55), 5, 5)
    studio.set("hidden", "setVisible", False)
    studio.paint("off canvas", gradient(40, 60, 56), 100, -20)


def masks(studio: Studio, depth: str) -> None:
    studio.new(128, 96, depth)
    studio.paint("ground", gradient(96, 128, 60, alpha=False), 0, 0)
    studio.paint("masked", gradient(80, 80, 61), 10, 10)
    studio.mask("masked", 20, 0, 40, 60, 180)
    studio.group("group with mask")
    studio.paint("in the group", gradient(60, 60, 62, alpha=False), 60, 30, parent="group with mask")
    studio.mask("group with mask", 70, 40, 60, 40, 255)


def clipping(studio: Studio, depth: str) -> None:
    studio.new(128, 96, depth)
    studio.paint("ground", gradient(96, 128, 70, alpha=False), 0, 0)
    studio.group("clipped group")
    studio.paint("base", gradient(60, 60, 71), 20, 20, parent="clipped group")
    studio.paint("shade", gradient(70, 70, 72), 30, 10, parent="clipped group", mode="multiply")
    studio.set("shade", "setInheritAlpha", True)
    studio.paint("light", gradient(70, 70, 73), 10, 30, parent="clipped group", mode="screen", opacity=160)
    studio.set("light", "setInheritAlpha", True)


def main(folder: Path) -> None:
    with Display.virtual() as display, plain_krita(display) as krita:
        studio = Studio(krita)
        for depth in ("U8", "U16"):
            for draw in (blends, groups, masks, clipping):
                draw(studio, depth)
                studio.save(f"{draw.__name__}-{depth.lower()}", folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
