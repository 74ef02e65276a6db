"""Sample sheets: pictures in a grid, as PNG."""

from __future__ import annotations

import numpy as np
from PIL import Image
from torch import Tensor

from acetate_engine.training.compose import over_ground
from acetate_engine.training.datasets import Bytes


def to_bytes(pictures: Tensor) -> Bytes:
    """(N, 3, H, W) in -1..1 -> uint8 (N, H, W, 3)."""
    scaled = (pictures.float().clamp(-1, 1) + 1) * 127.5
    return scaled.round().byte().permute(0, 2, 3, 1).cpu().numpy()


def checkerboard(rgba: Bytes, cell: int = 8) -> Bytes:
    """Straight RGBA (N, H, W, 4) over a grey checkerboard -> RGB."""
    height, width = rgba.shape[1:3]
    board = np.where((np.arange(height)[:, None] // cell + np.arange(width) // cell) % 2, 200, 255)[None, ..., None]
    return over_ground(rgba, board)


def grid(pictures: Bytes, columns: int) -> Image.Image:
    """(N, H, W, 3) -> one picture, row by row."""
    count, height, width, _ = pictures.shape
    rows = -(-count // columns)
    sheet = Image.new("RGB", (columns * width, rows * height))
    for i, picture in enumerate(pictures):
        sheet.paste(Image.fromarray(picture), (i % columns * width, i // columns * height))
    return sheet
