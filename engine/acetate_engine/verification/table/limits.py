"""What a network takes at least on this processor: its matrix products alone, each measured at its own shape.

A convolution is measured as one product of its weights with patches that lie there already, by itself, and with packed
weights; attention as its two products, and by itself; a linear map with packed weights, too. What is fastest counts.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from acetate_engine.models.runtime.devices import computes_in_bf16
from acetate_engine.models.runtime.packing import (
    convolved,
    has_onednn,
    mapped,
    packed_convolution,
    packed_linear,
)

_ROUNDS = 3  # the best of them counts
_Shape = tuple[int, int, int, int]  # how many at once, rows, sums, columns
_Where = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int]  # padding, stride, dilation, groups
_Convolution = tuple[tuple[int, ...], tuple[int, ...], _Where]  # of input and weights
_Attention = tuple[tuple[int, ...], tuple[int, ...]]  # of queries and keys
_PRODUCTS = {"mm": 0, "bmm": 0, "addmm": 1, "baddbmm": 1}  # and where their first matrix stands
_ATTENTION = ("_scaled_dot_product_flash_attention_for_cpu", "scaled_dot_product_attention")


def matrix_seconds(run: Callable[[], object], dtype: torch.dtype) -> float:
    """Processor seconds of the products in `run`: convolutions, linear maps, attention, and batches of products.

    Norms and all that is moved between them count as nothing.
    """
    products = _Products()
    with torch.no_grad():
        with products:
            run()
        return products.seconds(dtype)


class _Products(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own has no types
    """Counts the shapes of matrix products; inference mode calls some of them by other names."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counted: Counter[_Shape] = Counter()
        self.convolutions: dict[_Shape, set[_Convolution]] = defaultdict(set)
        self.attentions: Counter[_Attention] = Counter()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = function(*args, **(kwargs or {}))
        name = function.overloadpacket.__name__
        if name == "convolution":
            stride, padding, dilation, _, _, groups = args[3:9]
            self._convolution(args[0], args[1], output, (padding, stride, dilation, groups))
        elif name == "_convolution_pointwise":
            self._convolution(args[0], args[1], output, args[3:7])
        elif name == "conv2d":
            self._convolution(args[0], args[1], output, _where(*args[3:], **(kwargs or {})))
        elif name in ("_linear_pointwise", "linear"):
            self.counted[1, prod(args[0].shape[:-1]), args[0].shape[-1], output.shape[-1]] += 1
        elif name in _ATTENTION:
            self.attentions[tuple(args[0].shape), tuple(args[1].shape)] += 1
        elif name in _PRODUCTS:
            a, b = args[_PRODUCTS[name] :][:2]
            self.counted[prod(a.shape[:-2]), a.shape[-2], a.shape[-1], b.shape[-1]] += 1
        return output

    def _convolution(self, given: Tensor, weight: Tensor, output: Tensor, where: Any) -> None:
        shape = 1, len(weight), prod(weight.shape[1:]), output.numel() // output.shape[1]
        self.counted[shape] += 1
        padding, stride, dilation, groups = where
        settings = tuple(padding), tuple(stride), tuple(dilation), groups
        self.convolutions[shape].add((tuple(given.shape), tuple(weight.shape), settings))

    def seconds(self, dtype: torch.dtype) -> float:
        took = {shape: _product_seconds(shape, dtype) for shape in self.counted}
        for shape, convolutions in self.convolutions.items():
            took[shape] = min(took[shape], *(_convolution_seconds(one, dtype) for one in convolutions))
        attended = sum(count * _attention_seconds(*one, dtype) for one, count in self.attentions.items())
        return attended + sum(count * took[shape] for shape, count in self.counted.items())


def _where(stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1, **_: object) -> Any:
    """Of the arguments of a convolution of pictures, which may be one number for both sides."""
    both = ([each] * 2 if isinstance(each, int) else each for each in (padding, stride, dilation))
    return (*both, groups)


def _product_seconds(shape: _Shape, dtype: torch.dtype) -> float:
    count, rows, sums, columns = shape
    a, b = torch.ones(count, rows, sums, dtype=dtype), torch.ones(count, sums, columns, dtype=dtype)
    if count > 1:
        return _best(lambda: torch.bmm(a, b))
    plain = _best(lambda: torch.mm(a[0], b[0]))
    if not _packs(dtype):
        return plain
    packed = packed_linear(torch.ones(columns, sums, dtype=dtype), a[0])
    return min(plain, _best(lambda: mapped(a[0], packed, None)))


def _convolution_seconds(convolution: _Convolution, dtype: torch.dtype) -> float:
    """Channels last, which is the faster order here."""
    given, weight = (torch.ones(shape, dtype=dtype) for shape in convolution[:2])
    padding, stride, dilation, groups = where = convolution[2]
    if given.ndim == 4:
        given, weight = (each.to(memory_format=torch.channels_last) for each in (given, weight))
    still = False, [0] * len(padding), groups
    plain = _best(lambda: torch.ops.aten.convolution(given, weight, None, stride, padding, dilation, *still))
    if given.ndim != 4 or not _packs(dtype):
        return plain
    packed = packed_convolution(weight, given, *where)
    return min(plain, _best(lambda: convolved(given, packed, None, *where)))


def _attention_seconds(queries: tuple[int, ...], keys: tuple[int, ...], dtype: torch.dtype) -> float:
    """Of (images, heads, tokens, width)."""
    q, k = torch.ones(queries, dtype=dtype), torch.ones(keys, dtype=dtype)
    count, width, tokens, seen = prod(queries[:-2]), queries[-1], queries[-2], keys[-2]
    shapes = (count, tokens, width, seen), (count, tokens, seen, width)
    apart = sum(_product_seconds(shape, dtype) for shape in shapes)
    return min(apart, _best(lambda: F.scaled_dot_product_attention(q, k, k)))


def _packs(dtype: torch.dtype) -> bool:
    return has_onednn() and (dtype is torch.float32 or computes_in_bf16())


def _best(run: Callable[[], object]) -> float:
    times = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        run()
        times.append(time.process_time() - began)
    return min(times)
