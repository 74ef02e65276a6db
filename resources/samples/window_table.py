"""A wooden table in the light of a window, a jug and apples at its left; the right half is left free for what comes."""

from __future__ import annotations

import numpy as np
from brushwork import Brush, Canvas, blur, mix, noise, smoothstep

BACK, FRONT = 0.56, 0.93  # of the height: the table's far and near edge
JUG = (0.235, 0.70)  # x and y of its foot, in widths and heights
APPLES = [  # x, y of the foot, radius (of the width), colour, blush
    (0.405, 0.735, 0.050, (0.74, 0.66, 0.24), (0.80, 0.30, 0.16)),
    (0.335, 0.815, 0.056, (0.70, 0.20, 0.13), (0.86, 0.52, 0.20)),
]


def _window_light(rng: np.random.Generator, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The pattern of two by three panes over the unit square, softened, with the shadow of a twig."""
    soft = 0.022
    inside = smoothstep(0, soft, u) * smoothstep(0, soft, 1 - u) * smoothstep(0, soft, v) * smoothstep(0, soft, 1 - v)
    bars = smoothstep(0.012, 0.03, np.abs(u - 0.5))
    for bar in (1 / 3, 2 / 3):
        bars = bars * smoothstep(0.010, 0.026, np.abs(v - bar))
    return inside * bars * (1 - 0.55 * _twig(rng, u, v))


def _twig(rng: np.random.Generator, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A branch outside reaches in from the right: its stalk and its leaves, out of focus."""
    stalk = 0.30 + 0.22 * (1 - u) ** 2
    shade = smoothstep(0.016, 0.004, np.abs(v - stalk)) * smoothstep(0.34, 0.44, u)
    for k in range(11):
        at = 0.40 + 0.058 * k
        turn = (0.75 if k % 2 else -0.75) + rng.normal(0, 0.2) + np.pi
        along, across = u - at, v - (0.30 + 0.22 * (1 - at) ** 2)
        leaf = along * np.cos(turn) + across * np.sin(turn), across * np.cos(turn) - along * np.sin(turn)
        size = rng.uniform(0.055, 0.085)
        shade = np.maximum(shade, smoothstep(1.25, 0.75, np.hypot((leaf[0] - size) / size, leaf[1] / (0.42 * size))))
    return shade


def _wall(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    plaster = np.array((0.50, 0.50, 0.45)) * (0.90 + 0.20 * noise(rng, x.shape, (150, 150), 5))[..., None]
    dim = 1.08 - 0.50 * smoothstep(0.1, 1.05, x + 0.25 * y) - 0.12 * smoothstep(0.35, 0.0, y)
    plaster = plaster * dim[..., None]
    u, v = (x - 0.40 - 0.16 * y) / 0.36, (y - 0.035 - 0.10 * (x - 0.40)) / 0.40
    light = _window_light(rng, u, v)
    return mix(plaster, np.array((0.95, 0.86, 0.64)), 0.72 * light)


def _wood(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The table top in perspective: boards run from left to right."""
    far = 1 / (0.34 + np.clip((y - BACK) / (FRONT - BACK), 0, 1.2))  # distance, falls towards the viewer
    board = far * 3.1
    number = np.floor(board).astype(int)
    tone = np.random.default_rng(5).uniform(0.86, 1.10, 40)[np.clip(number, 0, 39)]
    grain = noise(rng, x.shape, (9, 330), 5)
    wood = mix(np.array((0.37, 0.235, 0.14))[None, None], np.array((0.62, 0.43, 0.27)), smoothstep(0.25, 0.8, grain))
    joint = np.abs(board - np.round(board))
    wood = wood * (tone * (0.55 + 0.45 * smoothstep(0.0, 0.045, joint)))[..., None]
    wood = wood * (1.12 - 0.42 * smoothstep(0.2, 1.1, x))[..., None]
    u, v = (x - 0.50 + 0.62 * (y - BACK)) / 0.40, (y - BACK - 0.05) / 0.27
    light = _window_light(rng, u, v)
    sheen = smoothstep(0.14, 0.0, y - BACK) * smoothstep(0.15, 0.5, x)
    wood = mix(wood, np.array((0.72, 0.66, 0.55)), 0.30 * sheen)
    return mix(wood, np.array((1.0, 0.80, 0.50)) * (0.72 + 0.4 * grain)[..., None], 0.62 * light)


def _table(rng: np.random.Generator, picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    picture = mix(picture, _wood(rng, x, y), smoothstep(-0.0015, 0.0015, y - BACK))
    side = np.array((0.20, 0.125, 0.085)) * (0.8 + 0.4 * noise(rng, x.shape, (12, 300), 4))[..., None]
    side = side * (1.15 - 0.5 * x)[..., None]
    picture = mix(picture, side, smoothstep(-0.0015, 0.0015, y - FRONT))
    lip = np.exp(-(((y - FRONT) / 0.004) ** 2)) * (1 - 0.6 * x)
    return mix(picture, np.array((0.80, 0.62, 0.42)), 0.7 * lip)


def _cast_shadow(picture: np.ndarray, x: np.ndarray, y: np.ndarray, at: tuple[float, float], size: float) -> np.ndarray:
    """The light stands at the upper left: shadows lie on the wood to the right, thinning out."""
    along, across = (x - at[0]) / size, (y - at[1]) * 0.75 / size
    across = across - 0.10 * along
    fall = smoothstep(1.0, 0.55, np.hypot(np.where(along > 0, along / 3.0, along / 1.05), across / 0.36))
    dark = fall * (0.78 - 0.16 * np.clip(along, 0, 3))
    contact = np.exp(-((along / 0.9) ** 2) - (across / 0.16) ** 2)
    return picture * (1 - np.clip(np.maximum(dark, 0.85 * contact), 0, 1)[..., None] * np.array((0.62, 0.66, 0.62)))


def _round_shade(nx: np.ndarray, ny: np.ndarray, colour: np.ndarray, wet: float) -> np.ndarray:
    """Light, half-tone, core shadow, reflected light and highlight on a round body; nx and ny from -1 to 1."""
    nz = np.sqrt(np.clip(1 - nx**2 - ny**2, 0, 1))
    lit = -0.62 * nx - 0.48 * ny + 0.62 * nz
    tone = 0.24 + 0.86 * smoothstep(-0.15, 1.0, lit) + 0.13 * smoothstep(0.45, 1.0, nx) * (0.4 + 0.6 * ny.clip(0, 1))
    shaded = colour * tone[..., None]
    warm = np.array((0.60, 0.40, 0.26))
    shaded = mix(shaded, warm * 0.7, 0.35 * smoothstep(0.3, 1.0, ny) * smoothstep(0.1, 0.9, nx))
    shine = np.exp(-(((nx + 0.42) / 0.13) ** 2) - ((ny + 0.40) / 0.17) ** 2)
    return mix(shaded, np.array((1.0, 0.97, 0.90)), wet * shine)


def _jug(rng: np.random.Generator, picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A glazed stoneware jug: profile by height, handle at the right, a band of blue."""
    tall = 0.43
    up = (JUG[1] - y) / tall
    profile = np.interp(
        up,
        [-0.02, 0.0, 0.06, 0.2, 0.38, 0.55, 0.70, 0.80, 0.90, 0.97, 1.0],
        [0.050, 0.058, 0.068, 0.092, 0.104, 0.094, 0.066, 0.051, 0.049, 0.056, 0.058],
    )
    profile = blur(profile.astype(np.float32), 5)
    spout = 0.022 * smoothstep(0.90, 1.0, up)
    nx = (x - JUG[0] + 0.5 * spout) / (profile + 0.5 * spout)
    curve = 0.016 * (1 - np.clip(nx, -1, 1) ** 2)  # the foot and the rim are ellipses
    body = (
        smoothstep(1.0, 0.975, np.abs(nx))
        * smoothstep(-0.003, 0.0, JUG[1] + curve - y)
        * smoothstep(0, 0.003, y - JUG[1] + tall)
    )
    lathe = up + curve / tall  # what was drawn on the turning jug runs around it as the rim does
    ring = np.hypot((x - JUG[0] - 0.075) / 0.078, (up - 0.66) / 0.215)
    handle = smoothstep(0.21, 0.17, np.abs(ring - 0.86)) * (x > JUG[0] + 0.03)
    stone = np.broadcast_to(np.array((0.80, 0.77, 0.68)), picture.shape)
    band = smoothstep(0.03, 0.022, np.abs(lathe - 0.41) - 0.02) + smoothstep(0.008, 0.004, np.abs(lathe - 0.335))
    stone = mix(
        stone,
        np.array((0.22, 0.32, 0.50)),
        0.85 * np.clip(band, 0, 1) * (0.75 + 0.25 * noise(rng, x.shape, (9, 40), 3)),
    )
    stone = stone * (0.94 + 0.12 * noise(rng, x.shape, (70, 70), 5))[..., None]
    slope = np.gradient(profile, axis=0) * x.shape[0] * 1.1
    grip = _round_shade(
        np.clip((ring - 0.86) / 0.2, -1, 1) * 0.8, np.full_like(x, -0.1), np.array((0.70, 0.67, 0.58)), 0.3
    )
    picture = mix(picture, grip * 0.86, handle)
    shaded = _round_shade(np.clip(nx, -1, 1) * 0.98, np.clip(0.45 * slope, -0.8, 0.8) * 0.6, stone, 0.85)
    picture = mix(picture, shaded, body)
    mouth = np.hypot((x - JUG[0] + 0.010) / 0.060, (y - JUG[1] + tall - 0.002) / 0.017)
    picture = mix(picture, np.array((0.88, 0.85, 0.76)), smoothstep(1.06, 1.0, mouth))
    return mix(picture, np.array((0.17, 0.14, 0.12)), smoothstep(0.90, 0.82, mouth))


def _apple(rng: np.random.Generator, picture: np.ndarray, x: np.ndarray, y: np.ndarray, which: int) -> np.ndarray:
    cx, foot, radius, colour, blush = APPLES[which]
    nx, ny = (x - cx) / radius, (y * 0.75 - foot * 0.75 + radius * 0.9) / radius
    dip = 0.10 * np.exp(-((nx / 0.34) ** 2)) * (ny < 0)
    reach = np.hypot(nx, ny) + dip + 0.03 * np.cos(5 * np.arctan2(ny, nx))
    streaks = noise(rng, x.shape, (70, 12), 3)
    skin = mix(np.array(colour)[None, None], np.array(blush), smoothstep(0.35, 0.7, streaks + 0.3 * nx - 0.25 * ny))
    shaded = _round_shade(np.clip(nx, -1, 1) * 0.97, np.clip(ny, -1, 1) * 0.97, skin, 0.75)
    hollow = np.exp(-((nx / 0.26) ** 2) - ((ny + 0.72) / 0.13) ** 2)
    picture = mix(picture, shaded * (1 - 0.55 * hollow[..., None]), smoothstep(1.0, 0.97, reach))
    stem = np.abs(nx - 0.06 - 0.28 * (ny + 0.72) ** 2 * np.sign(-ny - 0.72)) < 0.045
    return mix(picture, np.array((0.20, 0.13, 0.08)), (stem & (ny > -1.22) & (ny < -0.70)).astype(np.float32))


def paint(width: int, height: int, seed: int) -> dict[str, np.ndarray]:
    """The only layer."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float32) / np.array([height, width], np.float32)[:, None, None]
    scene = _table(rng, _wall(rng, x, y), x, y)
    scene = _cast_shadow(scene, x, y, (JUG[0] + 0.01, JUG[1] + 0.005), 0.115)
    for cx, foot, radius, _, _ in APPLES:
        scene = _cast_shadow(scene, x, y, (cx, foot - 0.006), radius * 0.9)
    scene = _jug(rng, scene, x, y)
    for which in range(len(APPLES)):
        scene = _apple(rng, scene, x, y, which)
    flow = np.where(y < BACK, 0.9 + 1.4 * (noise(rng, x.shape, (160, 160), 2) - 0.5), 0.0)
    canvas = Canvas(np.broadcast_to(np.array((0.40, 0.31, 0.22)), scene.shape), seed + 1)
    canvas.paint(
        scene,
        flow,
        [
            Brush(58, 22, 0.016),
            Brush(34, 11, 0.016, 0.014),
            Brush(20, 5.5, 0.016, 0.018),
            Brush(11, 3.0, 0.014, 0.024),
            Brush(7, 1.8, 0.012, 0.035),
            Brush(4, 1.2, 0.010, 0.06),
        ],
    )
    return {"window table": canvas.finished()}
