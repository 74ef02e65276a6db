"""The weave is found where it is, at its period, and told from drawing."""

from __future__ import annotations

import numpy as np
import pytest

from acetate_engine.evaluation.weave import evaluate_weave, flat_windows, weave, weave_left


def shaded(seed: int = 0) -> np.ndarray:
    """One opaque layer with smooth shading and a little of everything else, (1, 96, 96, 4) in 0..1."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:96, :96] / 96
    rgb = 0.5 + 0.1 * x[..., None] + 0.05 * np.sin(y)[..., None] + rng.normal(0, 0.002, (96, 96, 3))
    return np.concatenate([rgb, np.ones((96, 96, 1))], -1)[None]


def pixels(values: np.ndarray) -> np.ndarray:
    return np.round(values.clip(0, 1) * 255).astype(np.uint8)


def woven(period: int, amplitude: float) -> np.ndarray:
    picture = shaded()
    wave = amplitude * np.sin(2 * np.pi * np.arange(96) / period)
    picture[..., :3] += wave[None, None, :, None] + wave[None, :, None, None]
    return pixels(picture)


@pytest.mark.parametrize(("period", "other"), [(4, 16), (16, 4)])
def test_ripples_are_found_at_their_own_period_with_their_own_amplitude(period: int, other: int) -> None:
    plain, found = weave(pixels(shaded())), weave(woven(period, 0.01))
    mine = found[f"weave_{period}"]
    assert mine is not None and plain[f"weave_{other}"] is not None
    assert mine == pytest.approx(0.01, rel=0.35)  # of two waves, each of 0.01 / sqrt(2) in the mean square
    assert found[f"weave_{other}"] == pytest.approx(plain[f"weave_{other}"], abs=0.001)


def test_a_stronger_weave_is_more_in_the_same_measure() -> None:
    weak, strong = (weave(woven(4, amplitude))["weave_4"] for amplitude in (0.01, 0.03))
    assert weak is not None and strong is not None
    assert strong == pytest.approx(3 * weak, rel=0.15)


def test_edges_holes_and_soft_parts_are_no_flat_windows() -> None:
    picture = shaded()
    assert len(flat_windows(pixels(picture)[0])) == 81
    edged, soft = picture.copy(), picture.copy()
    edged[:, :, 48:, :3] = 0.1
    soft[:, :, 40:56, 3] = 0.5
    assert len(flat_windows(pixels(edged)[0])) == 81 - 3 * 9  # three columns of windows have the edge in them
    assert len(flat_windows(pixels(soft)[0])) == 81 - 5 * 9
    assert not flat_windows(pixels(np.concatenate([picture[..., :3], 0.9 * picture[..., 3:]], -1))[0])


def test_made_layers_are_compared_with_real_ones() -> None:
    figures = evaluate_weave(woven(4, 0.02), woven(4, 0.01))
    assert figures["weave_4_ratio"] == pytest.approx(2, rel=0.15)
    nothing = evaluate_weave(np.zeros((1, 96, 96, 4), np.uint8), woven(4, 0.01))
    assert nothing["weave_4"] is None and nothing["weave_4_ratio"] is None and nothing["weave_4_real"] is not None


def test_what_is_left_of_a_weave_is_told_by_energies_at_each_period() -> None:
    strong, weak = woven(4, 0.03), woven(4, 0.01)
    left = weave_left(strong, weak)
    assert left["windows"] and left["windows"] > 10
    assert left["weave_4_median"] == pytest.approx(9, rel=0.2) and left["weave_4_mean"] == pytest.approx(9, rel=0.2)
    assert left["weave_16_median"] is not None and left["weave_16_median"] < 3  # what the taper spreads
    nothing = np.zeros((1, 96, 96, 4), np.uint8)
    without = {"windows": 0, "even_windows": 0}
    assert weave_left(nothing, nothing) == dict.fromkeys(left) | without


def test_drawing_in_a_flat_window_does_not_count_as_weave_in_even_ones() -> None:
    before = shaded()
    before[:, :, :, :3] += 0.006 * np.sin(2 * np.pi * np.arange(96) / 16)[None, None, :, None]
    after = shaded()
    lobe = 0.06 * np.exp(-(((np.arange(96) - 80) / 6.0) ** 2))  # drawn: it stays
    for picture in (before, after):
        picture[..., :3] += lobe[None, None, :, None]
    left = weave_left(pixels(before), pixels(after))
    assert left["windows"] and left["even_windows"] and 10 < left["even_windows"] < left["windows"]
    assert left["weave_16_mean"] is not None and left["weave_16_mean"] < 2
    assert left["even_weave_16_mean"] is not None and left["even_weave_16_mean"] > 5
