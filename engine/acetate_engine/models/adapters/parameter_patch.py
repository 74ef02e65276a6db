"""Adding to a UNet's own parameters, and putting back what was there, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

_CASTING = "layerwise_casting"  # diffusers' hook that keeps a layer's weights in 8 bits


class ParameterPatch:
    """Changes of parameters, undone last in, first out.

    The original values are kept on the CPU, where those of a model on the CPU take no extra memory. A layer whose
    weights are kept in 8 bits has them in full while it is changed: most of a small offset would be rounded away.
    """

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def on_undo(self, undo: Callable[[], None]) -> None:
        """What else is to be undone, in turn."""
        self._undo.append(undo)

    @torch.no_grad()
    def add(self, layer: nn.Module, name: str, offset: Callable[[torch.device], Tensor]) -> None:
        """Add to the parameter `name` of a layer, computed in float32, stored in what the layer computes in.

        Args:
            offset: makes it, float32, on the device that the parameter is on.
        """
        parameter = layer.get_parameter(name)
        original = parameter.data
        dtype = self._in_full(layer) or original.dtype
        kept = original.to("cpu")
        parameter.data = (original.float() + offset(original.device)).to(dtype)

        def put_back() -> None:
            parameter.data = kept.to(parameter.device)

        self._undo.append(put_back)

    def _in_full(self, layer: nn.Module) -> torch.dtype | None:
        """Stop keeping a layer's weights in 8 bits; what it computes in, or None where they are not kept so."""
        hook: Any = casting_hook(layer)
        if hook is None:
            return None
        storage = hook.storage_dtype
        hook.storage_dtype = hook.compute_dtype

        def keep_small() -> None:
            hook.storage_dtype = storage
            layer.to(storage)  # siblings of what was changed: they were rounded before, so nothing is lost

        if storage != hook.compute_dtype:
            self._undo.append(keep_small)
        computes: torch.dtype = hook.compute_dtype
        return computes

    def undo(self) -> None:
        while self._undo:
            self._undo.pop()()


def casting_hook(layer: nn.Module) -> Any:
    registry: Any = getattr(layer, "_diffusers_hook", None)
    return None if registry is None else registry.get_hook(_CASTING)
