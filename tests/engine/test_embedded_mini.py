"""The embedded model as it is in the repository: what its card promises of a painter's own layers, and of styles."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from acetate.protocol.requests import Preset, Style, Task
from acetate_engine.engine import Engine

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def strands(side: int = 128) -> Pixels:
    """A brown disc with fine soft hair around it, straight RGBA."""
    y, x = np.mgrid[:side, :side] - side / 2
    distance, angle = np.hypot(x, y), np.arctan2(y, x)
    hair = np.clip(1.4 * np.cos(24 * angle) - (distance - 36) / 16, 0, 1)
    alpha = np.clip(np.maximum(hair * (distance < 60), 40 - distance), 0, 1)
    colour = np.broadcast_to([140.0, 90.0, 50.0], (side, side, 3))
    return np.concatenate([colour, 255 * alpha[..., None]], -1).round().astype(np.uint8)


@pytest.mark.parametrize(("strength", "share"), [(0.1, 0.87), (0.2, 0.95)])
def test_a_refined_layer_keeps_its_own_hair(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, strength: float, share: float
) -> None:
    """Alpha errs less than it does without a residual; the more so, the less of the layer is made anew."""
    layer = strands()
    y, x = np.mgrid[:128, :128] - 64
    around = (np.hypot(x, y) > 42) & (np.hypot(x, y) < 58)
    errors = []
    for residual in (True, False):
        if not residual:
            monkeypatch.setattr("acetate_engine.pipelines.recipes.repaint.encode_residual", lambda *_: None)
        (made,) = engine.generate(
            "a brown bear, 3d emoji", task=Task.REFINE, foreground=layer, strength=strength, preset=Preset.DRAFT, seed=1
        ).layers
        errors.append(np.abs(made.pixels[around, 3].astype(float) - layer[around, 3]).mean())
    assert errors[0] < share * errors[1]


def saturation(layer: Pixels) -> float:
    """Mean distance between the strongest and the weakest colour of opaque pixels, 0..1."""
    inside = layer[layer[..., 3] > 240][:, :3].astype(float)
    return float((inside.max(1) - inside.min(1)).mean() / 255)


@pytest.mark.parametrize("prompt", [pytest.param("a lemon, 3d emoji", marks=pytest.mark.long), "a red heart, 3d emoji"])
def test_the_style_shows_on_objects_that_it_was_not_taught_on(engine: Engine, prompt: str) -> None:
    """Of a seed that shows the same side with it and without: objects are known from two."""
    plain, styled = (
        engine.generate(prompt, seed=2, styles=styles).layers[0].pixels for styles in ((), (Style("fantasy_painting"),))
    )
    assert saturation(styled) < 0.85 * saturation(plain)
    covered = [layer[..., 3] > 127 for layer in (plain, styled)]
    assert (covered[0] & covered[1]).sum() > 0.85 * (covered[0] | covered[1]).sum(), "alpha stays"
