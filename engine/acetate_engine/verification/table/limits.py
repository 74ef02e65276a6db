"""What a network takes at least on this processor: its matrix products alone, each measured at its own shape."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from math import prod
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

NEAR = 1.25  # times the limit
_Shape = tuple[int, int, int, int]  # how many at once, rows, sums, columns


def matrix_seconds(run: Callable[[], object], dtype: torch.dtype) -> float:
    """Processor seconds of the products in `run`: convolutions, linear maps, and batches of products.

    A convolution counts as the product of its weights with the patches, which lie there already; what attention
    fuses, norms and all that is moved between them counts as nothing.
    """
    products = _Products()
    with torch.no_grad(), products:
        run()
    return sum(count * _seconds(shape, dtype) for shape, count in products.counted.items())


class _Products(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own has no types
    """Counts the shapes of matrix products."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counted: Counter[_Shape] = Counter()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = function(*args, **(kwargs or {}))
        name = function.overloadpacket.__name__
        if name == "convolution":
            weight = args[1]
            self.counted[1, len(weight), prod(weight.shape[1:]), output.numel() // output.shape[1]] += 1
        elif name in ("mm", "addmm", "bmm", "baddbmm"):
            a, b = args[:2] if name in ("mm", "bmm") else args[1:3]
            self.counted[prod(a.shape[:-2]), a.shape[-2], a.shape[-1], b.shape[-1]] += 1
        return output


def _seconds(shape: _Shape, dtype: torch.dtype) -> float:
    count, rows, sums, columns = shape
    a, b = torch.ones(count, rows, sums, dtype=dtype), torch.ones(count, sums, columns, dtype=dtype)
    times = []
    for _ in range(3):
        began = time.process_time()
        torch.bmm(a, b) if count > 1 else torch.mm(a[0], b[0])
        times.append(time.process_time() - began)
    return min(times)
