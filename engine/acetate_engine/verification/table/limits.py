"""What a network takes at least on this processor: matrix products, each measured at its own shape, and exponentials.

A convolution is measured as one product of its weights with patches that lie there already, by itself, and with packed
weights; attention as its two products and their exponentials, and by itself; a linear map with packed weights, too.
What is fastest counts. Softmax, SiLU and GELU want one exponential a value, however computed: it is measured on
values that lie in the caches. All is measured in the dtype in which it ran.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, TypeVar

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
from acetate_engine.verification.table.line import Bound

_ROUNDS = 3  # the best of them counts
_Shape = tuple[int, int, int, int]  # how many at once, rows, sums, columns
_Where = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int]  # padding, stride, dilation, groups
_Convolution = tuple[tuple[int, ...], tuple[int, ...], _Where]  # of input and weights
_Attention = tuple[tuple[int, ...], tuple[int, ...]]  # of queries and keys
_Key = TypeVar("_Key")
_Counted = Counter[tuple[torch.dtype, _Key]]
_PRODUCTS = {"mm": 0, "bmm": 0, "addmm": 1, "baddbmm": 1}  # and where their first matrix stands
_ATTENTION = ("_scaled_dot_product_flash_attention_for_cpu", "scaled_dot_product_attention")
_EXPONENTIALS = ("_softmax", "softmax", "silu", "silu_", "gelu", "sigmoid", "tanh", "exp")
_IN_CACHE = 1 << 16  # values


@dataclass(frozen=True)
class Least:
    """Processor seconds that no way of computing the same network leaves out."""

    products: float  # convolutions, linear maps, attention, batches of products
    exponentials: float

    @property
    def seconds(self) -> float:
        return self.products + self.exponentials

    def __str__(self) -> str:
        return f"matrix products {self.products:.3g} s and exponentials {self.exponentials:.3g} s alone"

    def beside(self, took: float, dtype: str = "") -> Bound:
        return Bound(f"{self}{dtype and f', {dtype}'}", self.seconds, took)


def least(run: Callable[[], object]) -> Least:
    """Of all that `run` computes. Norms, sums, and all that is moved between them count as nothing."""
    counts = _Counts()
    with torch.no_grad():
        with counts:
            run()
        return Least(counts.product_seconds(), counts.exponential_seconds())


class _Counts(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own has no types
    """Counts the shapes of matrix products, and exponentials; inference mode calls some of them by other names."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.products: _Counted[_Shape] = Counter()
        self.convolutions: dict[tuple[torch.dtype, _Shape], set[_Convolution]] = defaultdict(set)
        self.attentions: _Counted[_Attention] = Counter()
        self.exponentials: Counter[torch.dtype] = Counter()

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
            self._product(output, 1, prod(args[0].shape[:-1]), args[0].shape[-1], output.shape[-1])
        elif name in _ATTENTION:
            self.attentions[args[0].dtype, (tuple(args[0].shape), tuple(args[1].shape))] += 1
        elif name in _PRODUCTS:
            a, b = args[_PRODUCTS[name] :][:2]
            self._product(output, prod(a.shape[:-2]), a.shape[-2], a.shape[-1], b.shape[-1])
        elif name in _EXPONENTIALS:
            self.exponentials[output.dtype] += output.numel()
        return output

    def _product(self, output: Tensor, *shape: int) -> None:
        count, rows, sums, columns = shape
        self.products[output.dtype, (count, rows, sums, columns)] += 1

    def _convolution(self, given: Tensor, weight: Tensor, output: Tensor, where: Any) -> None:
        shape = 1, len(weight), prod(weight.shape[1:]), output.numel() // output.shape[1]
        self._product(output, *shape)
        padding, stride, dilation, groups = where
        settings = tuple(padding), tuple(stride), tuple(dilation), groups
        self.convolutions[output.dtype, shape].add((tuple(given.shape), tuple(weight.shape), settings))

    def product_seconds(self) -> float:
        took = {(dtype, shape): _product_seconds(shape, dtype) for dtype, shape in self.products}
        for (dtype, shape), convolutions in self.convolutions.items():
            each = (_convolution_seconds(one, dtype) for one in convolutions)
            took[dtype, shape] = min(took[dtype, shape], *each)
        attended = sum(count * _attention_seconds(*one, dtype) for (dtype, one), count in self.attentions.items())
        return attended + sum(count * took[which] for which, count in self.products.items())

    def exponential_seconds(self) -> float:
        return sum(count * _exponential_seconds(count, dtype) for dtype, count in self.exponentials.items())


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
    scores = count * tokens * seen
    apart = sum(_product_seconds(shape, dtype) for shape in shapes) + scores * _exponential_seconds(scores, dtype)
    return min(apart, _best(lambda: F.scaled_dot_product_attention(q, k, k)))


def _exponential_seconds(count: int, dtype: torch.dtype) -> float:
    """Of one among so many."""
    values = torch.zeros(min(count, _IN_CACHE), dtype=dtype)
    made = torch.empty_like(values)
    return _best(lambda: torch.exp(values, out=made)) / len(values)


def _packs(dtype: torch.dtype) -> bool:
    return has_onednn() and (dtype is torch.float32 or computes_in_bf16())


def _best(run: Callable[[], object]) -> float:
    times = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        run()
        times.append(time.process_time() - began)
    return min(times)
