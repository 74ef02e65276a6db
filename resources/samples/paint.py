#!/usr/bin/env python3
"""Paints the sample pictures beside this file, the same ones every time.

python resources/samples/paint.py                       paints them all
python resources/samples/paint.py --check window-table  paints one and compares it with the file
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from pathlib import Path

import dawn_lake
import forest_clearing
import numpy as np
import window_table
from PIL import Image

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT, SEED = 1024, 768, 7
SCENES = {
    "dawn-lake": dawn_lake.paint,
    "forest-clearing": forest_clearing.paint,
    "window-table": window_table.paint,
}
LAYERED_SIZE = (640, 480)
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same bytes on every day


def merged(layers: list[Image.Image]) -> Image.Image:
    flat = layers[0]
    for layer in layers[1:]:
        flat = Image.alpha_composite(flat, layer)
    return flat


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def small(image: Image.Image) -> Image.Image:
    """Smaller, and in 7 bits a colour again: resizing has used the eighth for noise."""
    bands = image.resize(LAYERED_SIZE, Image.Resampling.LANCZOS).split()
    return Image.merge("RGBA", [*(band.point(lambda value: value & 0xFE) for band in bands[:3]), bands[3]])


def open_raster(layers: dict[str, Image.Image]) -> bytes:
    """An OpenRaster 0.0.3 document (https://www.openraster.org): the layers, given from the bottom up, and previews."""
    flat = merged(list(layers.values()))
    thumbnail = flat.copy()
    thumbnail.thumbnail((256, 256))
    names = list(layers)
    rows = "".join(f'<layer name="{name}" src="data/{names.index(name)}.png"/>' for name in reversed(names))
    width, height = flat.size
    stack = f'<?xml version="1.0"?><image version="0.0.3" w="{width}" h="{height}"><stack>{rows}</stack></image>'
    members = {"mimetype": b"image/openraster", "stack.xml": stack.encode()}
    members |= {f"data/{names.index(name)}.png": png(image) for name, image in layers.items()}
    members |= {"mergedimage.png": png(flat), "Thumbnails/thumbnail.png": png(thumbnail)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), content)
    return buffer.getvalue()


def differs(painted: Image.Image, path: Path) -> str | None:
    """What is wrong with the file, if anything. Another processor may round a stroke's place or colour differently."""
    with Image.open(path) as opened:
        kept = np.asarray(opened.convert("RGB"), np.int16)
    off = np.abs(np.asarray(painted, np.int16) - kept)
    if off.mean() < 0.5 and (off > 8).mean() < 0.01:
        return None
    return (
        f"{path.name} is not what paint.py paints: mean difference {off.mean():.2f} of 255. Run paint.py, look, commit."
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="all when none is given")
    parser.add_argument("--check", action="store_true", help="compare with the files, write nothing")
    arguments = parser.parse_args()
    problems = []
    for name in arguments.names or SCENES:
        painted = SCENES[name](WIDTH, HEIGHT, SEED)
        layers = {title: Image.fromarray(pixels) for title, pixels in painted.items()}
        flat = merged(list(layers.values())).convert("RGB")
        path = HERE / f"{name}.png"
        if arguments.check:
            problems.append(differs(flat, path))
            continue
        path.write_bytes(png(flat))
        if len(layers) > 1:
            path.with_suffix(".ora").write_bytes(open_raster({title: small(image) for title, image in layers.items()}))
    found = [problem for problem in problems if problem]
    sys.stderr.write("".join(f"{problem}\n" for problem in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
