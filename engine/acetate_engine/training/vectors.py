"""Vector pictures → pixels, and the icon sets of Iconify → vector pictures."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from PIL import Image

_SVG = "http://www.w3.org/2000/svg"


def opened(path: Path, side: int) -> Image.Image:
    """The picture; a vector picture is drawn with its longer side `side` pixels.

    Raises OSError or ValueError where it cannot be read.
    """
    if path.suffix.lower() != ".svg":
        return Image.open(path)
    from resvg_py import svg_to_bytes

    return Image.open(io.BytesIO(bytes(svg_to_bytes(svg_string=_sized(path, side)))))


def _sized(path: Path, side: int) -> str:
    """The drawing with a size in pixels: files say centimetres, per cent, or nothing."""
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except ElementTree.ParseError as error:
        raise ValueError(f"{path.name} is no SVG: {error}") from error
    width, height = _extent(root)
    root.set("viewBox", root.get("viewBox") or f"0 0 {width} {height}")
    scale = side / max(width, height)
    root.set("width", str(round(width * scale)))
    root.set("height", str(round(height * scale)))
    return ElementTree.tostring(root, "unicode")


def _extent(root: ElementTree.Element) -> tuple[float, float]:
    box = (root.get("viewBox") or "").replace(",", " ").split()
    if len(box) == 4:
        return float(box[2]), float(box[3])
    width, height = (float((root.get(name) or "0").rstrip("ptxcmin% ") or 0) for name in ("width", "height"))
    if width <= 0 or height <= 0:
        raise ValueError("the drawing has no size")
    return width, height


def icons(path: Path, names: tuple[str, ...]) -> Iterator[Path]:
    """Of an Iconify set (JSON) the icons of these names, each written as an SVG into a folder beside it.

    Raises KeyError for a name that is not there.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    folder = path.parent / path.stem
    folder.mkdir(exist_ok=True)
    for name in names:
        target = folder / f"{name}.svg"
        target.write_text(_drawing(data, data["icons"][name]), encoding="utf-8")
        yield target


def _drawing(data: dict[str, Any], icon: dict[str, Any]) -> str:
    left, top, width, height = (
        icon.get(key, data.get(key, default))
        for key, default in (("left", 0), ("top", 0), ("width", 16), ("height", 16))
    )
    links = "http://www.w3.org/1999/xlink"
    head = f'<svg xmlns="{_SVG}" xmlns:xlink="{links}" viewBox="{left} {top} {width} {height}">'
    return f"{head}{icon['body']}</svg>"
