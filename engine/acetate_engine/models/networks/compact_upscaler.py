"""SRVGGNetCompact, the small enlarging network of Real-ESRGAN (arXiv 2107.10833), read from ncnn's two files."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from acetate.protocol.errors import CheckpointError

_HALF = 0x01306B47  # ncnn's flag of float16 weights; 0 means float32


class CompactUpscaler(nn.Module):
    """(B, 3, H, W) → (B, 3, factor · H, factor · W), both sRGB in about 0..1: the input's pixels, and what lacks.

    Convolutions of 3×3 with PReLU between them; the last one's channels are shuffled into pixels. They may compute in
    less than the pixels come in: the input's pixels stay exact.
    """

    def __init__(self, body: nn.Sequential, factor: int) -> None:
        super().__init__()
        self.body, self.factor = body, factor
        self.reach = sum(isinstance(layer, nn.Conv2d) for layer in body)  # input pixels that one looks at, each way

    @property
    def dtype(self) -> torch.dtype:
        return next(self.parameters()).dtype

    def forward(self, x: Tensor) -> Tensor:
        missing = F.pixel_shuffle(self.body(x.to(self.dtype)), self.factor).to(x.dtype)
        return missing + F.interpolate(x, scale_factor=self.factor, mode="nearest")

    @staticmethod
    def from_ncnn(param: bytes, weights: bytes) -> CompactUpscaler:
        """From the text of the layers and their weights in order. Raises CheckpointError: it is another network."""
        reader = _Weights(weights)
        layers, factor = nn.Sequential(), 0
        for kind, numbers in _layers(param.decode("utf-8", errors="replace")):
            if kind == "Convolution":
                layers.append(_convolution(reader, int(numbers["0"]), int(numbers["1"]), int(numbers["6"])))
            elif kind == "PReLU":
                layers.append(_prelu(reader, int(numbers["0"])))
            elif kind == "PixelShuffle":
                factor = int(numbers["0"])
        if not factor or not reader.is_at_end:
            raise CheckpointError("these files are no compact Real-ESRGAN", "Run `acetate models get`.")
        return CompactUpscaler(layers, factor).eval().requires_grad_(False)


def _layers(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Kind and numbered parameters of each layer: KIND NAME INPUTS OUTPUTS blobs… NUMBER=VALUE…."""
    for line in text.splitlines()[2:]:
        words = line.split()
        if words:
            yield words[0], dict(word.split("=", 1) for word in words[4:] if "=" in word)


class _Weights:
    """ncnn's .bin, read from its start."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._content)

    def flagged(self, count: int) -> Tensor:
        """`count` numbers behind their flag; those of 2 bytes are padded to 4."""
        half = int(self._take("<u4", 1)[0]) == _HALF
        values = self._take("<f2" if half else "<f4", count)
        self._at += (-self._at) % 4
        return torch.from_numpy(values.astype(np.float32))

    def plain(self, count: int) -> Tensor:
        return torch.from_numpy(self._take("<f4", count).astype(np.float32))

    def _take(self, kind: str, count: int) -> np.ndarray:
        size = np.dtype(kind).itemsize * count
        if self._at + size > len(self._content):
            raise CheckpointError("the weights of the compact Real-ESRGAN are cut short", "Run `acetate models get`.")
        values = np.frombuffer(self._content, kind, count, self._at)
        self._at += size
        return values


def _convolution(reader: _Weights, out: int, side: int, count: int) -> nn.Conv2d:
    layer = nn.Conv2d(count // (out * side * side), out, side, padding=side // 2)
    weight = reader.flagged(count).reshape(layer.weight.shape)
    layer.weight.data = weight.contiguous(memory_format=torch.channels_last)  # faster on CPUs
    layer.bias.data = reader.plain(out)  # type: ignore[union-attr]  # there is one
    return layer


def _prelu(reader: _Weights, count: int) -> nn.PReLU:
    layer = nn.PReLU(count)
    layer.weight.data = reader.plain(count)
    return layer
