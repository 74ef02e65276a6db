"""Building modules whose parameters are about to be replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_FILLS = {nn.init.kaiming_uniform_, nn.init.uniform_, nn.init.constant_, nn.init.normal_}
_FILLS |= {Tensor.uniform_, Tensor.normal_, Tensor.fill_, Tensor.zero_}


class _Unfilled(TorchFunctionMode):
    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        if func in _FILLS:
            return args[0] if args else named["tensor"]
        return func(*args, **named)


@contextmanager
def empty_parameters() -> Iterator[None]:
    """Modules built within have parameters on the meta device, and initialise none of them.

    torch initialises them even there, through Python: more than half a second for the layers of one file.
    """
    with torch.device("meta"), _Unfilled():
        yield
