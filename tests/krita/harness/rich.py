"""A document with all that makes layers look otherwise than their pixels, in any colour space; and what it shows."""

from __future__ import annotations

import base64
import struct
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelBuffer, PixelFormat
from acetate_engine.compositing.pixels import eight
from tests.krita.harness.painter import Painter
from tests.krita.harness.waiting import wait_until

WIDTH, HEIGHT = 192, 144
GARDEN = ("tree", "leaf")
_RGB = {"RGBA": 3, "GRAYA": 1, "CMYKA": 4}


_STYLE = """<asl><node type="Descriptor" name="" classId="null">
<node type="UnitFloat" key="Scl " unit="#Prc" value="100"/><node type="Boolean" key="masterFXSwitch" value="1"/>
<node type="Descriptor" key="SoFi" name="" classId="SoFi"><node type="Boolean" key="enab" value="1"/>
<node type="Enum" key="Md  " typeId="BlnM" value="Nrml"/><node type="UnitFloat" key="Opct" unit="#Prc" value="60"/>
<node type="Descriptor" key="Clr " name="" classId="RGBC"><node type="Double" key="Rd  " value="20"/>
<node type="Double" key="Grn " value="30"/><node type="Double" key="Bl  " value="220"/></node></node></node></asl>"""
"""A colour overlay, as Krita writes layer styles."""


@dataclass(frozen=True)
class Space:
    """A colour space as Krita names it."""

    model: str
    depth: str
    profile: str

    def pixel(self, red: int, green: int, blue: int, alpha: int) -> bytes:
        """About this colour (0..255), in Krita's order of channels: BGRA where the depth is integer."""
        channels = {
            "RGBA": (blue, green, red) if self.depth.startswith("U") else (red, green, blue),
            "GRAYA": ((red + green + blue) // 3,),
            "CMYKA": (255 - red, 255 - green, 255 - blue, 20),
        }[self.model]
        values = (*channels, alpha)
        if self.depth == "F32":
            return struct.pack(f"<{len(values)}f", *(value / 255 for value in values))
        return bytes(values) if self.depth == "U8" else struct.pack(f"<{len(values)}H", *(v * 257 for v in values))


SRGB = "sRGB-elle-V2-srgbtrc.icc"
SPACES = {
    "U8": Space("RGBA", "U8", SRGB),
    "U16": Space("RGBA", "U16", SRGB),
    "F32": Space("RGBA", "F32", "sRGB-elle-V2-g10.icc"),
    "GRAYA": Space("GRAYA", "U8", "Gray-D50-elle-V2-srgbtrc.icc"),
    "CMYKA": Space("CMYKA", "U8", "Chemical proof"),
}


def rich_document(painter: Painter, space: Space) -> None:
    """Bottom to top: Background, ground (with a layer style), a translucent group (tree, leaf clipped to it; a mask),
    a group that passes through (shade, which multiplies), a filter layer, above.
    """
    options = {"model": space.model, "depth": space.depth, "profile": space.profile}
    painter.new_document(WIDTH, HEIGHT, **options)
    colours = {
        "ground": space.pixel(200, 150, 60, 255),
        "tree": space.pixel(40, 160, 70, 255),
        "leaf": space.pixel(220, 40, 40, 200),
        "shade": space.pixel(120, 120, 220, 180),
        "above": space.pixel(250, 250, 20, 255),
    }
    painter.krita.run(
        """
import base64
colour = {name: base64.b64decode(data) for name, data in colours.items()}
add_paint_layer('ground', 0, 30, 192, 114, colour['ground'])
add_group('garden', above='ground')
add_paint_layer('tree', 50, 40, 70, 70, colour['tree'], parent='garden')
add_paint_layer('leaf', 80, 20, 70, 60, colour['leaf'], parent='garden', above='tree')
add_group('through', above='garden')
add_paint_layer('shade', 20, 60, 120, 40, colour['shade'], parent='through')
everywhere = Selection()
everywhere.select(0, 0, document().width(), document().height(), 255)
tone = document().createFilterLayer('tone', app.filter('invert'), everywhere)
document().rootNode().addChildNode(tone, node('through'))
add_paint_layer('above', 10, 10, 60, 30, colour['above'], above='tone')
node('garden').setOpacity(200)
node('leaf').setInheritAlpha(True)
node('shade').setBlendingMode('multiply')
node('through').setPassThroughMode(True)
node('above').setOpacity(128)
node('ground').setLayerStyleFromAsl(style)
document().refreshProjection()
document().waitForDone()
""",
        style=_STYLE,
        colours={name: base64.b64encode(data).decode() for name, data in colours.items()},
    )
    _mask_garden(painter)


def _mask_garden(painter: Painter) -> None:
    """Krita makes masks from the selection only, and asynchronously."""
    painter.activate("garden")
    painter.krita.run("select(40, 30, 90, 100); trigger('add_new_transparency_mask')")
    wait_until(lambda: any(layer["type"] == "transparencymask" for layer in painter.layers()), "the mask")
    painter.krita.run("trigger('deselect')")
    time.sleep(0.1)  # seconds: Krita composes what it has put off until its event loop is free
    painter.krita.run("document().refreshProjection(); document().waitForDone()")


def select_ellipse(painter: Painter, area: Bounds) -> NDArray[np.uint8]:
    """Selects it; gives the coverage of the whole canvas, (h, w). The area may reach off the canvas."""
    y, x = np.mgrid[: area.height, : area.width]
    inside = ((x + 0.5) / area.width * 2 - 1) ** 2 + ((y + 0.5) / area.height * 2 - 1) ** 2 <= 1
    data = base64.b64encode((inside * np.uint8(255)).tobytes()).decode()
    painter.krita.run(
        "chosen = Selection(); chosen.setPixelData(__import__('base64').b64decode(data), *box); "
        "document().setSelection(chosen)",
        data=data,
        box=[area.x, area.y, area.width, area.height],
    )
    return selection(painter)


def selection(painter: Painter, grow: int = 0, feather: int = 0) -> NDArray[np.uint8]:
    """Coverage of the whole canvas, (h, w), by Krita's own growing and feathering."""
    code = """
chosen = document().selection().duplicate()
if grow: chosen.grow(grow, grow)
if feather: chosen.feather(feather)
__import__('base64').b64encode(bytes(chosen.pixelData(0, 0, document().width(), document().height()))).decode()
"""
    data = base64.b64decode(painter.krita.run(code, grow=grow, feather=feather))
    return np.frombuffer(data, np.uint8).reshape(HEIGHT, WIDTH)


def shown_alone(painter: Painter, hidden: tuple[str, ...]) -> NDArray[np.uint8]:
    """What Krita's own canvas shows of the document while these layers are hidden, (h, w, 4) sRGB; then all is back."""
    code = """
def show(is_visible):
    for name in hidden:
        node(name).setVisible(is_visible)
    document().refreshProjection()
    document().waitForDone()
show(False)
image = document().projection(0, 0, document().width(), document().height())
show(True)
__import__('base64').b64encode(image.constBits().asstring(image.sizeInBytes())).decode()
"""
    bgra = np.frombuffer(base64.b64decode(painter.krita.run(code, hidden=hidden)), np.uint8)
    return bgra.reshape(HEIGHT, WIDTH, 4)[..., [2, 1, 0, 3]]


def as_eight_bits(buffer: PixelBuffer) -> NDArray[np.uint8]:
    """(h, w, 4), of RGBA8 or RGBA16."""
    kind = np.uint16 if buffer.format is PixelFormat.RGBA16 else np.uint8
    pixels = np.frombuffer(buffer.data, kind).reshape(buffer.extent.height, buffer.extent.width, 4)
    return eight(pixels)


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The largest, of alpha and of premultiplied colour, 0..255: colour that is hardly seen hardly counts."""
    a, b = (value.astype(np.float64) for value in (one, other))
    for pixels in (a, b):
        pixels[..., :3] *= pixels[..., 3:] / 255
    return float(np.abs(a - b).max())
