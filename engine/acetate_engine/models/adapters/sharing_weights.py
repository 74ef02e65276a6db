"""The trained parts of attention sharing, in the layout of the released SD1.5 layer adapters.

`SharingWeights` only holds parameters and their mathematics: it trains, and it loads the released files strictly.
`attention_sharing.py` puts it into a UNet and, for generating, merges it first.

The batch is frames x images with the frame fastest: (image 0, frame 0), (image 0, frame 1), ...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from acetate_engine.models.checkpoints.shapes import numbers
from acetate_engine.models.networks.empty import empty_parameters

RELEASED_RANK = 256
PROJECTIONS = ("q", "k", "v", "out")
RELEASED_CONDITION_CHANNELS = 256
_SILU_GAIN = 3.6  # 1 / the share of its mean square that a normal of spread 0.5 keeps in SiLU
_PYRAMID_LEVELS = 4  # the latent's size, 1/2, 1/4, 1/8


class LowRankOffset(nn.Module):
    """x -> up(down(x)), the offset that one frame adds to one projection."""

    def __init__(self, source: int, target: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Linear(source, rank, bias=False)
        self.up = nn.Linear(rank, target, bias=False)
        nn.init.kaiming_uniform_(self.down.weight, a=5**0.5)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        offset: Tensor = self.up(self.down(x))
        return offset


class SharingUnit(nn.Module):
    """What one attention of the UNet gains: LoRAs per frame, attention across frames, condition convolutions.

    Args:
        width: channels of the attention's input and output.
        context: channels of what keys and values are made from.
        frames, rank: number of frames, rank of every LoRA.
        condition: channels of a condition image's features; 0 if there is none.
    """

    def __init__(self, width: int, context: int, frames: int, rank: int, condition: int) -> None:
        super().__init__()
        self.frames = frames
        for name in PROJECTIONS:
            source = context if name in "kv" else width
            setattr(self, f"to_{name}_lora", nn.ModuleList(LowRankOffset(source, width, rank) for _ in range(frames)))
        self.temporal_i = nn.Linear(width, width)
        self.temporal_n = nn.LayerNorm(width, eps=1e-6)
        self.temporal_q = nn.Linear(width, width)
        self.temporal_k = nn.Linear(width, width)
        self.temporal_v = nn.Linear(width, width)
        self.temporal_o = nn.Linear(width, width)
        nn.init.zeros_(self.temporal_o.weight)
        nn.init.zeros_(self.temporal_o.bias)
        if condition:
            self.control_convs = FrameConvolutions(_condition_convolution(condition, width) for _ in range(frames))

    def lora(self, projection: str, frame: int) -> LowRankOffset:
        """The LoRA of `projection` ("q", "k", "v" or "out") for one frame."""
        pairs: nn.ModuleList = getattr(self, f"to_{projection}_lora")
        pair = pairs[frame]
        assert isinstance(pair, LowRankOffset)
        return pair

    def across_frames(self, x: Tensor, heads: int) -> Tensor:
        """(images, frames, tokens, width) -> the residual of an attention over the frames of each pixel."""
        x = self.temporal_i(self.temporal_n(x))
        mixed = frame_attention(self.temporal_q(x), self.temporal_k(x), self.temporal_v(x), heads)
        residual: Tensor = self.temporal_o(mixed)
        return residual


class FrameConvolutions(nn.ModuleList):
    """One level of the pyramid (n, channels, h, w) -> what the frames' inputs gain: (n, frames, h * w, width)."""

    def forward(self, level: Tensor) -> Tensor:
        return torch.stack([conv(level).flatten(2).transpose(1, 2) for conv in self], dim=1)


def frame_attention(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """Attention over the frames at each pixel; all (images, frames, tokens, width).

    Written out, for there are 3 frames at most and as many attentions as pixels: faster on CPUs than the fused kernels,
    whose launch on graphics cards fails above 65535 attentions. Scores are float32: in fp16 they would overflow.
    """
    q, k, v = (x.reshape(*x.shape[:3], heads, -1) for x in (q, k, v))
    frames = range(k.shape[1])
    scaled = q.float() * q.shape[-1] ** -0.5
    scores = torch.stack([(scaled * k[:, frame, None].float()).sum(-1) for frame in frames])
    weights = scores.softmax(0).to(v.dtype)[..., None]  # the first axis: the last would be too short for vectors
    mixed = weights[0] * v[:, 0, None]
    for frame in frames[1:]:
        mixed = mixed + weights[frame] * v[:, frame, None]
    return mixed.flatten(3)


def by_frame(batch: Tensor, frames: int) -> Tensor:
    """(images * frames, ...), frame fastest -> (images, frames, ...)."""
    return batch.reshape(-1, frames, *batch.shape[1:])


class ConditionEncoder(nn.Module):
    """A condition image -> a pyramid of features at the sizes of the UNet's levels.

    Args:
        channels: of the features, a multiple of 8.
    """

    def __init__(self, channels: int = RELEASED_CONDITION_CHANNELS) -> None:
        super().__init__()
        self.blocks_0 = nn.Sequential(*_first_block(channels))
        for level in range(1, _PYRAMID_LEVELS):
            setattr(self, f"blocks_{level}", nn.Sequential(*_halving(channels, channels)))

    def forward(self, image: Tensor) -> dict[int, Tensor]:
        """(n, 3, H, W) in -1..1, sRGB, full size -> {tokens h * w of a level: (n, channels, h, w)}."""
        pyramid: dict[int, Tensor] = {}
        for level in range(_PYRAMID_LEVELS):
            image = getattr(self, f"blocks_{level}")(image)
            pyramid[image.shape[2] * image.shape[3]] = image
        return pyramid


class SharingWeights(nn.Module):
    """Everything in one released layer adapter: `hookers.layers.N.*` and, for conditioned models, `kwargs_encoder.*`.

    Args:
        widths: (input channels, key/value channels) of each attention, in the released order (see `sharing_order`).
        frames: 1 transparent, 2 conditioned, 3 joint.
        rank: of every LoRA.
        condition: channels of a condition image's features (256 in the released files); 0 if none is taken.
    """

    def __init__(
        self, widths: list[tuple[int, int]], frames: int, rank: int = RELEASED_RANK, condition: int = 0
    ) -> None:
        super().__init__()
        self.frames = frames
        self.rank = rank
        units = [SharingUnit(width, context, frames, rank, condition) for width, context in widths]
        self.hookers = nn.ModuleDict({"layers": nn.ModuleList(units)})
        self.kwargs_encoder = ConditionEncoder(condition) if condition else None

    def units(self) -> Iterator[SharingUnit]:
        """The units in the released order."""
        for unit in self.hookers["layers"].children():
            assert isinstance(unit, SharingUnit)
            yield unit

    @staticmethod
    def for_shapes(shapes: Mapping[str, Sequence[int]]) -> SharingWeights:
        """Weights on the meta device, laid out as the names and shapes of a layer adapter's file say.

        Raises:
            KeyError: a tensor that decides the layout is missing; the error names it.
        """
        units = numbers(shapes, r"hookers\.layers\.(\d+)\..*")
        widths = [_widths(shapes, unit) for unit in units]
        frames = sum(f"hookers.layers.0.to_q_lora.{frame}.down.weight" in shapes for frame in range(8))
        rank = shapes["hookers.layers.0.to_q_lora.0.down.weight"][0]
        condition = shapes.get("kwargs_encoder.blocks_0.14.weight", (0,))[0]
        with empty_parameters():
            return SharingWeights(widths, frames, rank, condition)

    @staticmethod
    def from_state_dict(tensors: Mapping[str, Tensor]) -> SharingWeights:
        """What a layer adapter's file with these tensors holds, loaded strictly.

        Raises:
            KeyError, RuntimeError: tensors are missing, left over or of another shape; the message names them.
        """
        weights = SharingWeights.for_shapes({name: tensor.shape for name, tensor in tensors.items()})
        weights.load_state_dict(tensors, strict=True, assign=True)
        return weights


def _widths(shapes: Mapping[str, Sequence[int]], unit: int) -> tuple[int, int]:
    prefix = f"hookers.layers.{unit}"
    return shapes[f"{prefix}.to_q_lora.0.down.weight"][1], shapes[f"{prefix}.to_k_lora.0.down.weight"][1]


def _condition_convolution(channels: int, width: int) -> nn.Sequential:
    last = nn.Conv2d(channels, width, 1)
    for parameter in last.parameters():
        nn.init.zeros_(parameter)
    return nn.Sequential(keeping_spread(nn.Conv2d(channels, channels, 3, padding=1)), nn.SiLU(), last)


def keeping_spread(convolution: nn.Conv2d) -> nn.Conv2d:
    """With weights that leave what comes out of SiLU as spread as it went in.

    torch's own more than halve it: behind the eight convolutions of the first level a three-hundredth of a picture is
    left, and what begins at zero behind them learns next to nothing from it.
    """
    weight = convolution.weight
    nn.init.normal_(weight, std=(_SILU_GAIN / weight[0].numel()) ** 0.5)
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
    return convolution


def _first_block(channels: int) -> Iterator[nn.Module]:
    """Full size down to the latent's size, an eighth."""
    previous = 3
    for level, width in enumerate((channels // 8, channels // 4, channels // 2, channels)):
        yield from _halving(previous, width, stride=2 if level else 1)
        previous = width


def _halving(source: int, target: int, stride: int = 2) -> Iterator[nn.Module]:
    yield keeping_spread(nn.Conv2d(source, target, 3, padding=1, stride=stride))
    yield nn.SiLU()
    yield keeping_spread(nn.Conv2d(target, target, 3, padding=1))
    yield nn.SiLU()
