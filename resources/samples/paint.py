#!/usr/bin/env python3
"""Paints the sample pictures beside this file, the same ones every time.

python resources/samples/paint.py                       paints them all
python resources/samples/paint.py --check window_table  paints one and compares it with the file
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import dawn_lake
import forest_clearing
import numpy as np
import window_table
from PIL import Image

from acetate.protocol.geometry import Extent
from acetate_engine.documents.openraster import write_ora
from acetate_engine.documents.tree import LayeredDocument, Memory, PixelLayer

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT, SEED = 1024, 768, 7
SCENES = {
    "dawn_lake": dawn_lake.paint,
    "forest_clearing": forest_clearing.paint,
    "window_table": window_table.paint,
}
LAYERED_SIZE = (640, 480)


def merged(layers: list[Image.Image]) -> Image.Image:
    flat = layers[0]
    for layer in layers[1:]:
        flat = Image.alpha_composite(flat, layer)
    return flat


def small(image: Image.Image) -> Image.Image:
    """Smaller, and in 7 bits a colour again: resizing has used the eighth for noise."""
    bands = image.resize(LAYERED_SIZE, Image.Resampling.LANCZOS).split()
    return Image.merge("RGBA", [*(band.point(lambda value: value & 0xFE) for band in bands[:3]), bands[3]])


def write_layered(layers: dict[str, Image.Image], path: Path) -> None:
    pixels = {name: Memory.at(0, 0, np.asarray(small(image))) for name, image in layers.items()}
    document = LayeredDocument(
        Extent(*LAYERED_SIZE), tuple(PixelLayer(name, source=source) for name, source in pixels.items())
    )
    write_ora(document, path)


def problem_of(painted: Image.Image, path: Path) -> str:
    """What is wrong with the file; empty if nothing. Another processor may round a stroke's place differently."""
    with Image.open(path) as opened:
        kept = np.asarray(opened.convert("RGB"), np.int16)
    off = np.abs(np.asarray(painted, np.int16) - kept)
    if off.mean() < 0.5 and (off > 8).mean() < 0.01:
        return ""
    return f"{path.name} is not what paint.py paints (mean difference {off.mean():.2f} of 255): run it, look, commit.\n"


def paint(name: str, check: bool) -> str:
    layers = {title: Image.fromarray(pixels) for title, pixels in SCENES[name](WIDTH, HEIGHT, SEED).items()}
    flat = merged(list(layers.values())).convert("RGB")
    path = HERE / f"{name}.png"
    if check:
        return problem_of(flat, path)
    flat.save(path, optimize=True)
    if len(layers) > 1:
        write_layered(layers, path.with_suffix(".ora"))
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description="Paints the sample pictures beside this file, the same every time.")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(SCENES)}; all when none is given")
    parser.add_argument("--check", action="store_true", help="compare with the files, write nothing")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(SCENES):
        parser.error(f"no such picture: {', '.join(sorted(unknown))}; there are {', '.join(SCENES)}")
    problems = "".join(paint(name, arguments.check) for name in arguments.names or SCENES)
    sys.stderr.write(problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
