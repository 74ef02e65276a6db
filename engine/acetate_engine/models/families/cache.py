"""Loaded models: the last one stays, for memory is short and painters stay with a model."""

from __future__ import annotations

import gc

from acetate_engine.models.families.base import Model
from acetate_engine.models.families.components import Components


class ModelCache:
    """Holds one model at a time."""

    def __init__(self) -> None:
        self._held: tuple[Model, Components] | None = None

    def get(self, model: Model) -> Components:
        """The components of `model`, loaded if it is not the one held; the former one is let go first.

        Raises:
            CheckpointError: a file of it cannot be used.
        """
        if self._held is None or self._held[0] != model:
            self._held = None
            gc.collect()  # modules and their hooks refer to each other
            self._held = (model, model.load())
        return self._held[1]
