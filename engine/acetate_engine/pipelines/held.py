"""The model that is in memory."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from weakref import WeakKeyDictionary

from acetate_engine.models.families.base import Model
from acetate_engine.models.families.components import Components
from acetate_engine.pipelines.stages.previews import LatentPreview


class HeldModel:
    """One: memory is short, and painters stay with a model."""

    def __init__(self) -> None:
        self._held: tuple[Model, Components] | None = None
        self._fitting = threading.Lock()
        self._previews: WeakKeyDictionary[Components, LatentPreview] = WeakKeyDictionary()

    def components(self, model: Model) -> Components:
        """Loaded, unless it is the one that is held; the former one is let go first. Raises CheckpointError."""
        if self._held is None or self._held[0] != model:
            if self._held is not None:
                self._held = None
                gc.collect()  # modules and their hooks refer to each other
            self._held = (model, model.load())
        return self._held[1]

    def preview(self, components: Components, wait: Callable[[], None] = lambda: None) -> LatentPreview | None:
        """Fitted at its first use, after `wait`; None while another thread does that."""
        if components not in self._previews and self._fitting.acquire(blocking=False):
            try:
                wait()
                self._previews[components] = LatentPreview(components)
            finally:
                self._fitting.release()
        return self._previews.get(components)
