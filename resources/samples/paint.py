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
from acetate_engine.documents.tree import Document, Memory, PixelLayer

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
    document = Document(
        Extent(*LAYERED_SIZE), tuple(PixelLayer(name, source=source) for name, source in pixels.items())
    )
    write_ora(document, path)


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
        flat.save(path, optimize=True)
        if len(layers) > 1:
            write_layered(layers, path.with_suffix(".ora"))
    found = [problem for problem in problems if problem]
    sys.stderr.write("".join(f"{problem}\n" for problem in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
