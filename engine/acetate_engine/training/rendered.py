"""Pictures of translucent subjects beside those of the data folder, for every stage that looks at cut-outs."""

from __future__ import annotations

import numpy as np

from acetate_engine.training.config import StageConfig
from acetate_engine.training.datasets import PictureSet
from acetate_engine.training.translucent.subjects import render_all

UNSEEN = 1_000_000  # seeds from here on are for evaluation: no stage trains on them


class RenderedConfig(StageConfig):
    rendered: int = 0  # how many pictures of translucent subjects are taught, about as many of each


def with_rendered(pictures: PictureSet, count: int) -> PictureSet:
    """The same and `count` rendered ones of their size behind them."""
    if not count:
        return pictures
    made = render_all(count, pictures.pixels.shape[1], 0)
    return PictureSet(np.concatenate([pictures.pixels, made.pixels]), [*pictures.rows, *made.rows])
