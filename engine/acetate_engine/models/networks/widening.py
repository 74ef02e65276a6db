"""More channels for a trained network, behind its own."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import nn


@torch.no_grad()
def take_weights(wider: nn.Module, narrower: nn.Module, blank: Collection[str] = ()) -> None:
    """Copy all weights into the first channels of `wider`'s, which see nothing of the other ones.

    Of the weights named in `blank` everything else becomes 0, too.
    """
    weights = wider.state_dict()
    for name, weight in narrower.state_dict().items():
        if name in blank:
            weights[name].zero_()
        if weight.ndim > 1:
            weights[name][: weight.shape[0], weight.shape[1] :] = 0
        weights[name][tuple(slice(size) for size in weight.shape)] = weight
