"""Sheets to look at: what a model was taught, and the subjects that are hard for any."""

from __future__ import annotations

from PIL import Image

from acetate_engine.evaluation.generation import chosen_prompts
from acetate_engine.evaluation.sampling import Sampler
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


def contact_sheet(sampler: Sampler, captions: list[str], seed: int = 0) -> tuple[Image.Image, list[str]]:
    """64 cells, row by row over a checkerboard, and their prompts: 48 taught captions, then HARD as it is."""
    prompts = [*chosen_prompts(captions)[:48], *HARD]
    return grid(checkerboard(sampler.native(prompts, seed)), COLUMNS), prompts
