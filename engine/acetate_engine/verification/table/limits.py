"""What a network takes at least on this processor: its matrix products alone, each measured at its own shape.

A convolution is measured as one product of its weights with patches that lie there already, and by itself; what is
faster counts.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from math import prod
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_ROUNDS = 3  # the best of them counts
_Shape = tuple[int, int, int, int]  # how many at once, rows, sums, columns
_Convolution = tuple[tuple[int, ...], tuple[int, ...], tuple[Any, ...]]  # of input and weights; stride and all that


def matrix_seconds(run: Callable[[], object], dtype: torch.dtype) -> float:
    """Processor seconds of the products in `run`: convolutions, linear maps, and batches of products.

    What attention fuses, norms and all that is moved between them counts as nothing.
    """
    products = _Products()
    with torch.no_grad(), products:
        run()
    took = {shape: _product_seconds(shape, dtype) for shape in products.counted}
    for shape, convolutions in products.convolutions.items():
        took[shape] = min(took[shape], *(_convolution_seconds(one, dtype) for one in convolutions))
    return sum(count * took[shape] for shape, count in products.counted.items())


class _Products(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own has no types
    """Counts the shapes of matrix products."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counted: Counter[_Shape] = Counter()
        self.convolutions: dict[_Shape, set[_Convolution]] = defaultdict(set)

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = function(*args, **(kwargs or {}))
        name = function.overloadpacket.__name__
        if name == "convolution":
            weight = args[1]
            shape = 1, len(weight), prod(weight.shape[1:]), output.numel() // output.shape[1]
            self.counted[shape] += 1
            settings = tuple(tuple(each) if isinstance(each, list) else each for each in args[3:])
            self.convolutions[shape].add((tuple(args[0].shape), tuple(weight.shape), settings))
        elif name in ("mm", "addmm", "bmm", "baddbmm"):
            a, b = args[:2] if name in ("mm", "bmm") else args[1:3]
            self.counted[prod(a.shape[:-2]), a.shape[-2], a.shape[-1], b.shape[-1]] += 1
        return output


def _product_seconds(shape: _Shape, dtype: torch.dtype) -> float:
    count, rows, sums, columns = shape
    a, b = torch.ones(count, rows, sums, dtype=dtype), torch.ones(count, sums, columns, dtype=dtype)
    return _best(lambda: torch.bmm(a, b) if count > 1 else torch.mm(a[0], b[0]))


def _convolution_seconds(convolution: _Convolution, dtype: torch.dtype) -> float:
    """Channels last, which is the faster order here."""
    given, weight = (torch.ones(shape, dtype=dtype) for shape in convolution[:2])
    if given.ndim == 4:
        given, weight = (each.to(memory_format=torch.channels_last) for each in (given, weight))
    return _best(lambda: torch.ops.aten.convolution(given, weight, None, *convolution[2]))


def _best(run: Callable[[], object]) -> float:
    times = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        run()
        times.append(time.process_time() - began)
    return min(times)
