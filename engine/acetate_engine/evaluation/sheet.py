"""Sheets to look at: what a model was taught, and the subjects that are hard for any."""

from __future__ import annotations

from PIL import Image

from acetate_engine.evaluation.generation import chosen_prompts, is_soft
from acetate_engine.training.compose import over_ground
from acetate_engine.training.datasets import Bytes
from acetate_engine.training.sheets import checkerboard, grid

HARD = (
    "a glass bottle",
    "a wine glass",
    "a soap bubble",
    "a woman with long curly hair",
    "a fluffy cat",
    "a lion",
    "a feather",
    "a glowing light bulb",
    "a burning candle",
    "a campfire",
    "a magic spell with sparks",
    "a lightning bolt",
    "a cloud of smoke",
    "steam of a hot cup",
    "the soft shadow of a tree",
    "a spider web",
)  # glass, hair, fur, glow, fire, magic, smoke, shadow: the paper's figures
COLUMNS = 8
CELLS = 64
_GREYS = {"light": 245, "dark": 35}


def sheet_prompts(captions: list[str]) -> list[str]:
    """CELLS of them, half of what is translucent; 48 and HARD for a model that was taught nothing of the kind."""
    soft = [caption for caption in captions if is_soft(caption)]
    solid = [caption for caption in captions if not is_soft(caption)]
    if not soft:
        return [*chosen_prompts(solid)[: CELLS - len(HARD)], *HARD]
    return [*chosen_prompts(solid, CELLS // 2), *chosen_prompts(soft, CELLS // 2)]


def sheets(layers: Bytes) -> dict[str, Image.Image]:
    """Straight RGBA (N, H, W, 4), row by row over a checkerboard, a light and a dark grey."""
    grounds = {"checkerboard": checkerboard(layers)}
    grounds |= {name: over_ground(layers, grey) for name, grey in _GREYS.items()}
    return {name: grid(pictures, COLUMNS) for name, pictures in grounds.items()}
