"""Weights that depend on nothing but parameter names, to compare two implementations without a checkpoint."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor, nn


def seeded_tensor(name: str, shape: Iterable[int], salt: int = 0) -> Tensor:
    """float32 values that are a function of `name`, `shape` and `salt` alone.

    Biases are small, other 1-d parameters (norm scales) lie around 1, and the rest is normal with variance 1 / fan-in.
    """
    extent = tuple(shape)
    generator = np.random.Generator(np.random.PCG64([zlib.crc32(name.encode()), salt]))
    normal = generator.standard_normal(extent, dtype=np.float32)
    if name.endswith("bias"):
        normal *= np.float32(0.02)
    elif len(extent) == 1:
        normal = np.float32(1) + normal * np.float32(0.1)
    else:
        normal *= np.float32(int(np.prod(extent[1:])) ** -0.5)
    return torch.from_numpy(normal)


def seeded_weights(shapes: Mapping[str, Iterable[int]], salt: int = 0) -> dict[str, Tensor]:
    """A state dict of seeded float32 tensors, one for each parameter name and shape."""
    return {name: seeded_tensor(name, shape, salt) for name, shape in shapes.items()}


def seed_module(module: nn.Module, salt: int = 0) -> None:
    """Give every parameter of `module` its seeded value, in place."""
    shapes = {name: tensor.shape for name, tensor in module.state_dict().items()}
    module.load_state_dict(seeded_weights(shapes, salt), strict=True)
