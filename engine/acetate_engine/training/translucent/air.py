"""What floats or falls in the air: smoke, steam, fog, clouds, rain, snow; and soft shadows."""

from __future__ import annotations

import cv2
import numpy as np

from acetate_engine.compositing.alpha import over
from acetate_engine.compositing.pixels import Floats
from acetate_engine.training.translucent.effects import flat
from acetate_engine.training.translucent.frame import (
    Colour,
    Frame,
    Strokes,
    Values,
    blurred,
    colour,
    mixed,
    painted,
    smooth,
    varied,
)

Puffs = list[tuple[float, float, float]]  # x, y, radius


def billows(frame: Frame, puffs: Puffs, ragged: float) -> Values:
    """Density 0..1: puffs whose outlines are torn by noise."""
    x, y = (_torn(frame, ragged) for _ in range(2))
    density = np.zeros_like(frame.x)
    for a, b, radius in puffs:
        away = np.hypot(frame.x + x - a, frame.y + y - b) / radius
        density = (1 - (1 - density) * (1 - smooth(1.15 - away, 0, 0.9))).astype(np.float32)
    return density


def _torn(frame: Frame, ragged: float) -> Values:
    """How far to look aside: coarse and fine turbulence, in the subject's units."""
    return ragged * ((frame.noise(4, 3) - 0.5) + 0.45 * (frame.noise(14, 3) - 0.5))


def shaded(frame: Frame, density: Values, thickness: float, shade: Colour, light: float) -> Floats:
    """Lit from the upper left: brighter where the density rises from there, darker behind."""
    thick = density * (0.3 + 1.4 * frame.noise(5, 5) ** 1.4)
    coarse = blurred(thick, frame.side / 28)
    across = cv2.Sobel(coarse, cv2.CV_32F, 1, 0) + cv2.Sobel(coarse, cv2.CV_32F, 0, 1)
    relief = np.clip(across * frame.side / 26, -1, 1)[..., None]
    toned = shade * (1 + light * relief) * (1 - 0.3 * light * smooth(frame.y, -0.4, 0.9)[..., None])
    alpha = 1 - np.exp(-thickness * blurred(thick, frame.side / 150))
    return np.dstack([toned.clip(0, 1), alpha.clip(0, 1)]).astype(np.float32)


def smoke_cloud(frame: Frame, tint: str) -> Floats:
    rng = frame.rng
    around = [(*rng.normal(0, 0.3, 2), rng.uniform(0.14, 0.36)) for _ in range(14)]
    density = billows(frame, [(0.0, 0.0, 0.45), *around], rng.uniform(0.3, 0.45)) * _inside(frame)
    return shaded(frame, density, rng.uniform(1.0, 2.2), varied(colour(tint), rng, 0.03), 0.22)


def smoke_column(frame: Frame, tint: str) -> Floats:
    """Rises from a point, sways, widens and thins out."""
    rng, layer = frame.rng, np.zeros_like(frame.x)
    sway, turns = rng.uniform(0.08, 0.22), rng.uniform(2.0, 4.0)
    start = rng.uniform(0, 6)
    for share in np.linspace(0, 1, 26):
        x = sway * share * np.sin(turns * share * 2 + start)
        puff = billows(frame, [(x, 0.9 - 1.75 * share, 0.08 + 0.26 * share)], 0.12 + 0.25 * share)
        layer = np.maximum(layer, puff * (1 - 0.75 * share) ** 0.8)
    return shaded(frame, layer * _inside(frame), rng.uniform(1.4, 2.6), varied(colour(tint), rng, 0.03), 0.22)


def smoke_ring(frame: Frame, tint: str) -> Floats:
    rng = frame.rng
    angles = np.linspace(0, 2 * np.pi, 22)
    puffs = [(0.58 * np.cos(a), 0.48 * np.sin(a), rng.uniform(0.15, 0.24)) for a in angles]
    density = billows(frame, puffs, 0.25) * _inside(frame)
    return shaded(frame, density, rng.uniform(1.2, 2.4), varied(colour(tint), rng, 0.03), 0.22)


def _inside(frame: Frame) -> Floats:
    """Towards the border of the frame everything fades."""
    return smooth(0.99 - np.maximum(np.abs(frame.x), np.abs(frame.y)), 0, 0.14)


def steam(frame: Frame, wisps: int = 3) -> Floats:
    """Thin swaying wisps."""
    rng, density = frame.rng, np.zeros_like(frame.x)
    for x in np.linspace(-0.4, 0.4, wisps) if wisps > 1 else [0.0]:
        sway, turns, start = rng.uniform(0.08, 0.16), rng.uniform(4, 7), rng.uniform(0, 6)
        up = np.clip((0.92 - frame.y) / 1.85, 0, 1)
        middle = x + sway * (0.3 + up) * np.sin(turns * up + start) + _torn(frame, 0.12)
        half = rng.uniform(0.05, 0.08) + 0.12 * up
        wisp = np.exp(-(((frame.x - middle) / half) ** 2)) * smooth(up, 0, 0.15) * (1 - up) ** 0.7
        density = 1 - (1 - density) * (1 - rng.uniform(0.6, 0.9) * wisp)
    return flat((density * (0.6 + 0.5 * frame.noise(5, 3)) * _inside(frame)).clip(0, 1), colour("white"))


def hot_cup(frame: Frame, tint: str) -> Floats:
    """A solid cup below its steam."""
    rng, shade = frame.rng, varied(colour(tint), frame.rng, 0.03)
    half = 0.46 - 0.1 * smooth(frame.y, 0.2, 0.95)
    body = np.maximum(np.abs(frame.x) - half, np.maximum(0.22 - frame.y, frame.y - 0.93))
    handle = np.abs(frame.away(0.5, 0.52) - 0.18) - 0.05
    lit = np.clip(1.0 - 0.45 * np.clip(frame.x / 0.46, -1, 1) * 0.6, 0, 1.2)[..., None]
    layer = painted(frame.empty(), frame.cover(np.where(frame.x > 0.38, handle, 9)), shade * 0.8)
    layer = painted(layer, frame.cover(body), (shade * lit).clip(0, 1).astype(np.float32))
    mouth = np.hypot(frame.x / 0.46, (frame.y - 0.22) / 0.09) * 0.1 - 0.1
    layer = painted(layer, frame.cover(mouth), mixed(shade, 1.0, 0.4))
    layer = painted(layer, frame.cover(mouth + 0.02), np.array([0.28, 0.15, 0.07], np.float32))
    rising = Frame(frame.x * 1.6, (frame.y + 0.3) * 1.7, frame.matrix, rng)
    return over(steam(rising), layer)


def fog(frame: Frame, tint: str) -> Floats:
    """A low bank that fills the width."""
    rng = frame.rng
    bank = smooth(frame.y + 0.5 * (frame.noise(3, 4) - 0.5), rng.uniform(-0.7, -0.3), 0.6)
    alpha = bank * (0.35 + 0.65 * frame.noise(3, 4)) * rng.uniform(0.65, 0.9)
    fade = smooth(1 - np.abs(frame.x), 0, 0.3) * smooth(1 - frame.y, 0, 0.25)
    return flat((alpha * fade).clip(0, 1), varied(colour(tint), rng, 0.02))


def cloud(frame: Frame, tint: str) -> Floats:
    """A heap of puffs with a flat base, dense within and soft at its edges."""
    rng = frame.rng
    middle = [(x, 0.1 - 0.18 * (1 - (x / 0.7) ** 2), rng.uniform(0.2, 0.3)) for x in np.linspace(-0.5, 0.5, 6)]
    heads = (
        (x, -0.12 - rng.uniform(0, 0.32) * (1 - abs(x)), rng.uniform(0.14, 0.3)) for x in rng.uniform(-0.42, 0.42, 7)
    )
    density = (
        billows(frame, [*middle, *heads], rng.uniform(0.12, 0.18)) * smooth(0.36 - frame.y, 0, 0.2) * _inside(frame)
    )
    layer = shaded(frame, density, rng.uniform(5, 8), varied(colour(tint), rng, 0.02), 0.2)
    below = 0.22 * smooth(frame.y + 0.2 * (frame.noise(5, 3) - 0.5), -0.2, 0.35)
    return np.dstack([layer[..., :3] * (1 - below[..., None]), layer[..., 3]])


def rain(frame: Frame, drops: int) -> Floats:
    rng, strokes = frame.rng, Strokes(frame)
    slant = rng.uniform(-0.25, 0.25)
    for _ in range(drops):
        x, y, length = rng.uniform(-1.1, 1.1), rng.uniform(-1.05, 0.95), rng.uniform(0.10, 0.26)
        points = np.array([[x, y], [x + slant * length, y + length]])
        strokes.line(points, rng.uniform(0.006, 0.014), mixed(colour("white"), colour("blue"), rng.uniform(0.1, 0.35)))
    return strokes.layer(rng.uniform(0.55, 0.8))


def snow(frame: Frame, flakes: int) -> Floats:
    """Near flakes are large and blurred."""
    rng, alpha = frame.rng, np.zeros_like(frame.x)
    for _ in range(flakes):
        size = rng.uniform(0.02, 0.06)
        flake = smooth(1 - frame.away(*rng.uniform(-1, 1, 2)) / size, 0, 0.9) * rng.uniform(0.45, 1.0)
        alpha = np.maximum(alpha, flake)
    return flat(alpha.astype(np.float32), colour("white"))


def shadow(frame: Frame, of: str) -> Floats:
    """Of something that is not there, soft with its distance."""
    rng, cast = frame.rng, np.zeros_like(frame.x)
    if of == "tree":
        for _ in range(90):
            x, y = np.clip(rng.normal(0, 0.3), -0.65, 0.65), np.clip(rng.normal(-0.32, 0.22), -0.75, 0.1)
            cast = np.maximum(cast, frame.cover(frame.away(x, y, 1.3) - rng.uniform(0.06, 0.13)))
        cast = np.maximum(cast, frame.cover(np.maximum(np.abs(frame.x) - 0.06, np.abs(frame.y - 0.45) - 0.5)))
    elif of == "person":
        body = np.maximum(np.abs(frame.x) - 0.2 + 0.1 * smooth(frame.y, 0.2, 0.9), np.abs(frame.y - 0.25) - 0.65)
        cast = np.maximum(frame.cover(body, 0.05), frame.cover(frame.away(0, -0.62) - 0.19))
    elif of == "window":
        bars = np.minimum(np.abs(frame.x), np.abs(frame.y)) - 0.06
        frame_ = np.abs(np.maximum(np.abs(frame.x), np.abs(frame.y)) - 0.72) - 0.08
        cast = frame.cover(
            np.where(np.maximum(np.abs(frame.x), np.abs(frame.y)) < 0.72, np.minimum(bars, frame_), frame_)
        )
    else:
        cast = frame.cover(frame.away(0, 0, rng.uniform(1.4, 2.2)) - rng.uniform(0.36, 0.44))
    soft = blurred(cast, frame.side * rng.uniform(0.012, 0.035)) * _inside(frame) * rng.uniform(0.45, 0.75)
    return flat(soft, np.array([0.05, 0.05, 0.09], np.float32))
