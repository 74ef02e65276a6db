"""Fine threads: webs, feathers, hair, grass, nets, lace."""

from __future__ import annotations

import numpy as np

from acetate_engine.compositing.alpha import over
from acetate_engine.compositing.pixels import Floats
from acetate_engine.training.translucent.frame import Frame, Strokes, colour, mixed, painted, smooth, varied

Points = np.ndarray
_GRASS = {"green": (0.30, 0.62, 0.18), "dark green": (0.10, 0.36, 0.16), "dry": (0.80, 0.68, 0.36)}


def web(frame: Frame, torn: bool = False, dewy: bool = False) -> Floats:
    """Spokes, and threads that sag between them."""
    rng, strokes = frame.rng, Strokes(frame)
    middle = rng.uniform(-0.15, 0.15, 2)
    spokes = int(rng.integers(9, 14))
    angles = np.linspace(0, 2 * np.pi, spokes, endpoint=False) + rng.normal(0, 0.08, spokes)
    ends = [np.array([np.cos(a), np.sin(a)]) * rng.uniform(0.82, 1.0) for a in angles]
    silk = np.array([0.93, 0.94, 0.96], np.float32)
    gone = set(rng.integers(0, spokes, 3)) if torn else set()
    for number, end in enumerate(ends):
        if number not in gone:
            strokes.line(np.array([middle, end]), 0.011, silk)
    beads = []
    for ring in np.linspace(0.14, 0.92, int(rng.integers(7, 11))):
        for number in range(spokes):
            if {number, (number + 1) % spokes} & gone:
                continue
            a, b = (middle + (ends[n % spokes] - middle) * ring for n in (number, number + 1))
            sag = (a + b) / 2 + (middle - (a + b) / 2) * 0.16
            strokes.line(np.array([a, (a + sag * 2) / 3, (b + sag * 2) / 3, b]), 0.008, silk)
            beads += [a, sag]
    layer = strokes.layer(rng.uniform(0.75, 0.95))
    return _dew(frame, layer, beads) if dewy else layer


def _dew(frame: Frame, layer: Floats, places: list[Points]) -> Floats:
    drops = Strokes(frame)
    for x, y in places:
        drops.line(
            np.array([[x, y], [x, y + 0.004]]), frame.rng.uniform(0.018, 0.04), np.array([0.8, 0.92, 1], np.float32)
        )
    return over(drops.layer(0.85), layer)


def feather(frame: Frame, tint: str) -> Floats:
    """Barbs on both sides of a bent shaft, parted here and there, downy at the foot."""
    rng, strokes, shade = frame.rng, Strokes(frame), varied(colour(tint), frame.rng, 0.03)
    bend = rng.uniform(-0.25, 0.25)
    shares = np.linspace(0, 1, 60)
    shaft = np.stack([bend * np.sin(np.pi * shares), 0.95 - 1.85 * shares], 1)
    splits = rng.random((2, 60)) < 0.06
    for side in (-1, 1):
        for number in range(8, 60):
            share = (number - 8) / 51
            long = rng.uniform(0.9, 1.05) * 0.34 * np.sin(np.pi * share**0.75) ** 0.6 + 0.03
            if splits[(side + 1) // 2, number]:
                continue
            start, down = shaft[number], share < 0.14
            lift = rng.uniform(-0.1, 0.3) if down else 0.75 * long
            way = np.array([side * long, -lift])
            points = np.array([start, start + way * 0.5 + [0, 0.03], start + way])
            tone = mixed(shade, float(rng.choice([0.0, 1.0])), rng.uniform(0, 0.16))
            strokes.tapering(points, 0.012 if down else 0.034, tone)
    layer = strokes.layer(rng.uniform(0.86, 0.96))
    quill = Strokes(frame)
    quill.tapering(shaft, 0.035, mixed(shade, 0.95, 0.55))
    return over(quill.layer(), layer)


def hair(frame: Frame, tint: str, kind: str) -> Floats:
    """A lock of some hundred strands, which parts at its end."""
    rng, strokes, shade = frame.rng, Strokes(frame), varied(colour(tint), frame.rng, 0.02)
    bend, waves = rng.uniform(-0.3, 0.3), {"straight": 0.0, "wavy": 0.09, "curly": 0.16}[kind]
    turns, start = {"straight": 0.0, "wavy": rng.uniform(9, 12), "curly": rng.uniform(17, 22)}[kind], rng.uniform(0, 6)
    shares = np.linspace(0, 1, 40 if kind != "straight" else 16)
    for _ in range(int(rng.integers(170, 260))):
        root, spread = rng.normal(0, 0.16), rng.normal(0, 0.11)
        reach = rng.uniform(1.45, 1.8)
        phase = start + rng.normal(0, 0.25) + root * 3
        x = root + bend * shares**1.6 + spread * shares**1.7 + waves * shares**0.6 * np.sin(turns * shares + phase)
        y = (
            -0.93
            + 1.2 * root**2
            + abs(rng.normal(0, 0.02))
            + reach * shares
            + 0.4 * waves * np.cos(turns * shares + phase) * (kind == "curly")
        )
        light = rng.uniform(-1, 1) + 0.8 * np.sin(6 * root)
        tone = mixed(shade, 1.0, 0.3 * max(light, 0) * 0.6) if light > 0 else mixed(shade, 0.0, -0.42 * light)
        strokes.tapering(np.stack([x, y], 1), rng.uniform(0.008, 0.018), tone)
    return strokes.layer()


def grass(frame: Frame, tint: str) -> Floats:
    """A tuft of blades, the nearer ones lighter."""
    rng, strokes = frame.rng, Strokes(frame)
    shade = varied(np.array(_GRASS[tint], np.float32), rng, 0.02)
    shares = np.linspace(0, 1, 12)
    blades = int(rng.integers(38, 64))
    for number in range(blades):
        root, lean = rng.normal(0, 0.2), rng.normal(0, 0.4)
        high = rng.uniform(0.7, 1.75) * (1 - 0.25 * abs(lean))
        points = np.stack([root + lean * shares**2, 0.92 - high * shares * (1 - 0.18 * abs(lean) * shares)], 1)
        tone = mixed(shade, 0.0, 0.5 * (1 - number / blades)) if rng.random() < 0.8 else mixed(shade, 0.9, 0.25)
        strokes.tapering(points, rng.uniform(0.03, 0.05), tone)
    return strokes.layer()


def net(frame: Frame, tint: str) -> Floats:
    """A hanging net of knotted cord."""
    rng, strokes, shade = frame.rng, Strokes(frame), varied(colour(tint), frame.rng, 0.03)
    count, sag = int(rng.integers(6, 10)), rng.uniform(0.05, 0.22)
    grid = np.linspace(-0.9, 0.9, count)
    x, y = np.meshgrid(grid, grid)
    wave = rng.uniform(0.02, 0.05)
    y = y * 0.92 + sag * (1 - x**2) * (y + 1) / 2 + wave * np.sin(3 * x + rng.uniform(0, 6))
    x = x + wave * np.sin(4 * y + rng.uniform(0, 6))
    width, dark = rng.uniform(0.018, 0.03), mixed(shade, 0.0, 0.35)
    for number in range(count):
        for line in (np.stack([x[number], y[number]], 1), np.stack([x[:, number], y[:, number]], 1)):
            strokes.line(line, width * 1.5, dark)
            strokes.line(line - 0.004, width * 0.8, shade)
    for a, b in zip(x.ravel(), y.ravel(), strict=True):
        strokes.line(np.array([[a, b], [a, b + 0.002]]), width * 2.6, shade)
    return strokes.layer()


def lace(frame: Frame, tint: str) -> Floats:
    """A round doily: petals, holes, and a fine mesh between them."""
    rng, shade = frame.rng, varied(colour(tint), frame.rng, 0.02)
    away, angle = frame.away(0, 0), np.arctan2(frame.y, frame.x)
    petals = int(rng.integers(8, 15))
    edge = 0.86 + 0.06 * np.abs(np.cos(angle * petals / 2))
    inside = frame.cover(away - edge)
    mesh = np.minimum(np.abs(np.sin(frame.x * 40)), np.abs(np.sin(frame.y * 40)))
    cloth = 0.28 + 0.5 * smooth(0.35 - mesh, 0, 0.3)
    petal = np.abs(np.sin(angle * petals / 2)) - np.abs((away - rng.uniform(0.42, 0.5)) / 0.3)
    solid = smooth(petal, 0.12, 0.25)
    rings = np.maximum.reduce(
        [frame.line(away - r, 0.035) for r in (0.12, 0.28, 0.72)] + [frame.line(away - edge + 0.03, 0.05)]
    )
    hole = 1 - smooth(1 - np.hypot((away - 0.79) / 0.045, np.sin(angle * petals) * 0.9), 0, 0.4)
    alpha = inside * np.clip(np.maximum.reduce([cloth, solid, rings]), 0, 1) * hole
    return painted(frame.empty(), (alpha * rng.uniform(0.9, 1.0)).astype(np.float32), shade)
