"""A weave put on known pictures is told from what is drawn there."""

from __future__ import annotations

import numpy as np
import pytest

from acetate_engine.evaluation.planted import evaluate_planted_weave, even_pieces, field
from acetate_engine.evaluation.weave import energies, less_surface

pytestmark = pytest.mark.usefixtures("parts")


def woven(amplitude: float = 0.006) -> np.ndarray:
    """One opaque grey layer, (1, 96, 96, 4) uint8, with ripples of 16 pixels and a tremble."""
    rng = np.random.default_rng(1)
    wave = amplitude * np.sin(2 * np.pi * np.arange(96) / 16)
    rgb = 0.5 + wave[:, None, None] + wave[None, :, None] + rng.normal(0, 0.003, (96, 96, 3))
    return (np.dstack([rgb, np.ones((96, 96))]) * 255).round().astype(np.uint8)[None]


def drawn() -> np.ndarray:
    """An opaque picture, (1, 128, 128, 4) uint8: smooth shading, with soft lobes that are drawn in one half."""
    y, x = np.mgrid[:128, :128] / 128
    lobes = 0.008 * np.sin(2 * np.pi * 8 * x) * (x > 0.5)
    grey = 0.4 + 0.2 * y + lobes
    return (np.dstack([grey, grey, grey, np.ones_like(grey)]) * 255).round().astype(np.uint8)[None]


def silent(text: str) -> None:
    pass


def test_what_is_put_on_has_the_energy_of_what_it_was_taken_from() -> None:
    pieces = even_pieces(woven())
    assert len(pieces) == 25
    put = field(pieces, 128, np.random.default_rng(0))
    assert put.shape == (128, 128, 3)
    places = [np.s_[y : y + 32, x : x + 32] for y in (0, 48, 96) for x in (0, 48, 96)]
    fields = np.mean([energies(less_surface(put[place])) for place in places], axis=0)
    times = fields / np.mean([energies(piece) for piece in pieces], axis=0)
    assert (times > 0.6).all() and (times < 3).all()  # these pieces are in step


def test_a_weave_on_drawing_is_gone_though_the_drawing_stays() -> None:
    left = evaluate_planted_weave(woven(), drawn(), 0.052, silent)
    for name in ("weave_4_mean", "weave_16_mean", "weave_16_median"):
        figure = left[name]
        assert figure is not None and figure > 3
    assert left["pieces"] == 25 and left["windows"] and left["windows"] > 50


def test_without_smoothing_the_weave_is_left() -> None:
    left = evaluate_planted_weave(woven(), drawn(), 0.0, silent)
    assert left["weave_16_mean"] is not None and left["weave_16_mean"] < 1.5


def test_where_nothing_is_even_there_is_no_weave_to_put_on() -> None:
    assert evaluate_planted_weave(np.zeros_like(woven()), drawn(), 0.052, silent) == {}
