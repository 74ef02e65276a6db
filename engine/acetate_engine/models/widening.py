"""More latent channels for a trained network, behind its own."""

from collections.abc import Collection

import torch
from torch import nn


@torch.no_grad()
def take_weights(wider: nn.Module, narrower: nn.Module, blank: Collection[str]) -> None:
    """Copy all weights into the first channels of `wider`'s; of those named in `blank` the other channels become 0."""
    weights = wider.state_dict()
    for name, weight in narrower.state_dict().items():
        if name in blank:
            weights[name].zero_()
        weights[name][tuple(slice(size) for size in weight.shape)] = weight
