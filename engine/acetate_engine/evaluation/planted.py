"""A model's weave put on known pictures, so that what survives of it is told from what is drawn there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from acetate.protocol.geometry import Extent
from acetate_engine.compositing.alpha import to_float
from acetate_engine.compositing.pixels import Floats, Pixels, sixteen
from acetate_engine.compositing.resize import resize
from acetate_engine.evaluation.saying import Say
from acetate_engine.evaluation.weave import WINDOW, energies, even_places, flat_places, less_surface, times_less
from acetate_engine.pipelines.stages.enlarging import enlarge
from acetate_engine.training.datasets import Bytes

_FACTOR = 4
_GRID = 16  # pixels, which ripples keep to
_STEP = WINDOW // 2


def evaluate_planted_weave(woven: Bytes, known: Bytes, grain: float, say: Say) -> dict[str, float | None]:
    """`times_less` by Finish, of the weave of `woven` (N, H, W, 4) on known pictures (M, S, S, 4), which have none.

    In the windows that are flat without it, drawing and all: what Finish makes of a picture with the weave less what it
    makes of the picture is the weave that is left. Nothing where `woven` has no even window to take it from.
    """
    pieces = even_pieces(woven)
    if not pieces:
        return {}
    random = np.random.default_rng(0)
    pairs = []
    for index, picture in enumerate(known):
        if places := [place for place, _ in flat_places(picture)]:
            say(f"planting {index + 1} of {len(known)}")
            put, left = _planted(picture, field(pieces, len(picture), random), grain)
            pairs += [(energies(less_surface(put[place])), energies(less_surface(left[place]))) for place in places]
    return {"pieces": float(len(pieces)), **times_less(pairs)}


def even_pieces(woven: Bytes) -> list[Floats]:
    """(WINDOW, WINDOW, 3): the weave alone, each on the grid that it keeps to."""
    return [
        window
        for layer in woven
        for place, window in even_places(layer)
        if all(side.start % _GRID == 0 for side in place)
    ]


def field(pieces: Sequence[Floats], side: int, random: np.random.Generator) -> Floats:
    """(side, side, 3): of pieces that fade into each other, with as much energy as they have, or twice that where they
    are in step."""
    fade = np.sqrt(np.hanning(WINDOW + 1)[:-1])
    fading = np.outer(fade, fade).astype(np.float32)[..., None]
    whole = np.zeros((side + 2 * WINDOW, side + 2 * WINDOW, 3), np.float32)
    corners = range(0, side + WINDOW, _STEP)
    for y, x in ((y, x) for y in corners for x in corners):
        whole[y : y + WINDOW, x : x + WINDOW] += fading * pieces[int(random.integers(len(pieces)))]
    return whole[WINDOW:-WINDOW, WINDOW:-WINDOW]


def _planted(picture: Bytes, weave: Floats, grain: float) -> tuple[Floats, Floats]:
    """(S, S, 3) each: what was added (colours end at 0 and 1), and what Finish leaves of that."""
    plain = sixteen(picture)
    woven = plain.copy()
    woven[..., :3] = np.rint((to_float(plain[..., :3]) + weave).clip(0, 1) * 65535)
    put = to_float(woven) - to_float(plain)
    left = _finished(woven, grain) - _finished(plain, grain)
    return put[..., :3], left[..., :3]


def _finished(layer: Pixels, grain: float) -> Floats:
    """(S, S, 4) four times as large, and back at its size."""
    height, width = layer.shape[:2]
    return to_float(resize(enlarge(layer, _FACTOR, grain=grain), Extent(width, height)))
