"""RGBA -> adjusted latent -> RGBA, for pictures of any size.

Latents here are *unscaled*: pipelines multiply by the VAE's scaling factor before denoising and divide after.
Follows "Transparent Image Layer Diffusion using Latent Transparency" (arXiv 2402.17113) and its released weights.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from acetate_engine.models.networks.alpha_residual import AlphaResidual
from acetate_engine.models.networks.padding import pad_rgb, pad_to_multiple
from acetate_engine.models.networks.space_to_depth_transparency import (
    SpaceToDepthOffsetEncoder,
    SpaceToDepthTransparentDecoder,
)
from acetate_engine.models.networks.transparency import OffsetEncoder, TransparentDecoder
from acetate_engine.models.runtime.memory import Note, run_within_memory, unsaid

Encoder = OffsetEncoder | SpaceToDepthOffsetEncoder
Decoder = TransparentDecoder | SpaceToDepthTransparentDecoder

RELEASED_OFFSET_SCALE = 300.0  # lambda of the released weights; the paper says 100
_BATCH = 4  # pictures at once, while memory allows
# exchanges that bring eight values into order, Knuth 5.3.4
_SORTING_EIGHT = (
    *((0, 2), (1, 3), (4, 6), (5, 7), (0, 4), (1, 5), (2, 6), (3, 7), (0, 1), (2, 3), (4, 5), (6, 7)),
    *((2, 4), (3, 5), (1, 4), (3, 6), (1, 2), (3, 4), (5, 6)),
)
PASSES = (1, 2, 4, 8)  # 8 is the released quality, the others are drafts

# (mirrored, quarter turns) of the eight passes. Those that keep the picture's shape come first: a draft is one batch.
_ORIENTATIONS = ((False, 0), (True, 2), (False, 2), (True, 0), (False, 1), (False, 3), (True, 1), (True, 3))


class Distribution(Protocol):
    mean: Tensor
    std: Tensor


class AutoencoderOutput(Protocol):
    latent_dist: Distribution


class DecoderOutput(Protocol):
    sample: Tensor


class Autoencoder(Protocol):
    """The part of diffusers' AutoencoderKL that is used here."""

    @property
    def dtype(self) -> torch.dtype: ...
    def encode(self, x: Tensor) -> AutoencoderOutput: ...
    def decode(self, z: Tensor) -> DecoderOutput: ...


@dataclass(frozen=True)
class LatentTransparency:
    """The trained networks and lambda. Any network may be absent where a task does not need it."""

    encoder: Encoder | None
    decoder: Decoder | None
    offset_scale: float = RELEASED_OFFSET_SCALE
    residual: AlphaResidual | None = None

    @torch.no_grad()
    def encode_rgba(
        self, rgba: Tensor, vae: Autoencoder, multiple: int = 64, *, factor: int = 8, note: Note = unsaid
    ) -> Tensor:
        """Hide transparency in a latent.

        Args:
            rgba: (B, 4, H, W), 0..1, sRGB, straight alpha; any size.
            vae: the frozen autoencoder.
            multiple: pixels; the picture is extended right and below to a multiple of it.
            factor: pixels a latent pixel.
            note: told when memory ran out and another way was taken.

        Returns:
            (B, C, h, w) float32, unscaled, of the extended picture. `decode_layers(size=(H, W))` crops it again.

        Raises:
            ValueError: there is no encoder, or the autoencoder computes in fp16.
        """
        if self.encoder is None:
            raise ValueError("this model has no offset encoder: load one to encode RGBA")
        extended = pad_to_multiple(rgba.float(), multiple)
        plain = encode_rgb((2 * extended[:, :3] - 1) * extended[:, 3:], vae, factor, note)
        given = torch.cat([extended[:, 3:], pad_rgb(extended)], dim=1).to(self.encoder.dtype)
        offset = run_within_memory(self.encoder, [given], "Encoding transparency", note, len(given), factor)
        return _adjusted(plain.mean, plain.std, offset, self.offset_scale)

    @torch.no_grad()
    def decode_layers(
        self,
        latent: Tensor,
        vae: Autoencoder,
        *,
        note: Note,
        passes: int = 8,
        size: tuple[int, int] | None = None,
        batch: int | None = None,
    ) -> Tensor:
        """Read the transparent picture from a latent.

        Args:
            latent: (B, C, h, w), unscaled; any size.
            vae: the frozen autoencoder.
            note: told when memory ran out and another way was taken.
            passes: 8 for the released quality, 4, 2 or 1 for drafts.
            size: (height, width) in pixels to crop to; all of it if None.
            batch: pictures at once, while memory allows; None: what is fastest on the device.

        Returns:
            (B, 4, H, W) float32, 0..1: [alpha, straight sRGB colour].

        Raises:
            ValueError: there is no decoder, `passes` is another number, or the autoencoder computes in fp16.
            OutOfMemory: not even small tiles fit.
        """
        if self.decoder is None:
            raise ValueError("this model has no transparent decoder: load one to decode layers")
        pixel = decode_rgb(latent, vae, note=note, batch=batch or _BATCH)
        layers = decode_alpha_rgb(self.decoder, pixel, latent, note=note, passes=passes, batch=batch)
        height, width = size or pixel.shape[2:]
        return layers[:, :, :height, :width]

    @torch.no_grad()
    def code_residual(self, rgba: Tensor, layers: Tensor) -> Tensor:
        """What decoding lost of the alpha of layers.

        Args:
            rgba: (B, 4, H, W), 0..1, sRGB, straight alpha; any size.
            layers: what `decode_layers` made of their latent from `encode_rgba`, not cropped.

        Returns:
            (B, channels, h, w) float32, for `with_residual`.

        Raises:
            ValueError: there is no network for it.
        """
        below, right = layers.shape[2] - rgba.shape[2], layers.shape[3] - rgba.shape[3]
        alpha = F.pad(rgba[:, 3:].float(), (0, right, 0, below), mode="replicate")
        code: Tensor = self._residual().encode(alpha, layers[:, :1])
        return code

    @torch.no_grad()
    def with_residual(self, layers: Tensor, code: Tensor) -> Tensor:
        """Give decoded layers back what decoding lost of their alpha.

        Args:
            layers: from `decode_layers`, not cropped.
            code: from `code_residual`; the less is left of what it was made of, the smaller it is to be.

        Returns:
            As `layers`, with another alpha.

        Raises:
            ValueError: there is no network for it.
        """
        alpha = self._residual()(code, layers[:, :1]).clamp(0, 1)
        return torch.cat([alpha, layers[:, 1:]], dim=1)

    def _residual(self) -> AlphaResidual:
        if self.residual is None:
            raise ValueError("this model has no network for a residual of alpha: do without one")
        return self.residual


def plain_latent(rgba: Tensor, vae: Autoencoder) -> Distribution:
    """Of the picture over mid-grey: the latent, (B, C, h, w) unscaled, into which transparency is to be hidden.

    Args:
        rgba: (B, 4, H, W), 0..1, sRGB, straight alpha; sides are multiples of the VAE's factor.
    """
    require_range(vae)
    return vae.encode(((2 * rgba[:, :3] - 1) * rgba[:, 3:]).to(vae.dtype)).latent_dist


def adjusted_latent(plain: Distribution, alpha: Tensor, padded_rgb: Tensor, encoder: Encoder, scale: float) -> Tensor:
    """mean + std * (scale * offset): differentiable.

    Args:
        plain: from `plain_latent`.
        alpha: (B, 1, H, W), 0..1.
        padded_rgb: (B, 3, H, W), 0..1, sRGB, from `pad_rgb`.
        scale: lambda.

    Returns:
        (B, C, h, w) float32, unscaled.
    """
    return _adjusted(plain.mean, plain.std, encoder(torch.cat([alpha, padded_rgb], dim=1).to(encoder.dtype)), scale)


def _adjusted(mean: Tensor, std: Tensor, offset: Tensor, scale: float) -> Tensor:
    return mean.float() + std.float() * (scale * offset.float())


@dataclass(frozen=True)
class Spread:
    """A Distribution's two numbers a latent value, (B, C, h, w)."""

    mean: Tensor
    std: Tensor


@torch.no_grad()
def encode_rgb(rgb: Tensor, vae: Autoencoder, factor: int = 8, note: Note = unsaid) -> Spread:
    """(B, 3, H, W), -1..1, whose sides are multiples of `factor`, the pixels of a latent pixel → float32, unscaled.

    Raises:
        ValueError: the autoencoder computes in fp16.
        OutOfMemory: not even small tiles fit.
    """
    require_range(vae)

    def run(x: Tensor) -> Tensor:
        found = vae.encode(x).latent_dist
        return torch.cat([found.mean, found.std], dim=1)

    both = run_within_memory(run, [rgb.to(vae.dtype)], "Encoding colours", note, len(rgb), factor).float()
    return Spread(*both.chunk(2, dim=1))


@torch.no_grad()
def decode_rgb(latent: Tensor, vae: Autoencoder, *, note: Note, batch: int = _BATCH) -> Tensor:
    """The frozen autoencoder's opaque picture: (B, C, h, w) unscaled -> (B, 3, H, W) float32, 0..1, sRGB."""
    require_range(vae)
    decoded = run_within_memory(lambda z: vae.decode(z).sample, [latent.to(vae.dtype)], "Decoding colours", note, batch)
    return (decoded.float() * 0.5 + 0.5).clamp(0, 1)


@torch.no_grad()
def decode_alpha_rgb(
    decoder: Decoder, pixel: Tensor, latent: Tensor, *, note: Note, passes: int = 8, batch: int | None = None
) -> Tensor:
    """Alpha and colour from the frozen picture and its latent, by the median of several orientations.

    Args:
        pixel: (B, 3, H, W), 0..1, sRGB, from `decode_rgb`; any size that is a whole multiple of the latent's.
        latent: (B, C, h, w), unscaled.
        passes: 1, 2, 4 or 8 orientations; no more than the decoder can be turned to.
        batch: pictures at once, while memory allows; None: what is fastest on the device.

    Returns:
        (B, 4, H, W) float32, 0..1: [alpha, straight sRGB colour].
    """
    if passes not in PASSES:
        raise ValueError(f"passes must be one of {PASSES}, got {passes}")
    height, width = pixel.shape[2:]
    factor = height // latent.shape[2]
    pixel = pad_to_multiple(pixel, decoder.multiple).to(decoder.dtype)
    latent = pad_to_multiple(latent, decoder.multiple // factor).to(decoder.dtype)
    at_once = batch or (1 if pixel.device.type == "cpu" else _BATCH)  # one alone leaves a processor's caches already
    results: list[Tensor] = []
    for group in _same_shape(_ORIENTATIONS[: min(passes, decoder.orientations)]):
        inputs = [torch.cat([_turn(x, *way) for way in group]) for x in (pixel, latent)]
        output = run_within_memory(decoder, inputs, "Decoding transparency", note, at_once)
        clipped = output.float().clamp(0, 1).chunk(len(group))
        results += [_turn_back(x, *way) for x, way in zip(clipped, group, strict=True)]
    return _middle(torch.stack(results))[:, :, :height, :width]


def _middle(passes: Tensor) -> Tensor:
    """Over the first axis: torch's lower median of all eight, as released; the mean of the middle two of a draft.

    The lower of two would be the minimum, and alpha would shrink.
    """
    if len(passes) == 8:
        return _lower_median(passes)
    ordered = passes.sort(dim=0).values
    return (ordered[(len(passes) - 1) // 2] + ordered[len(passes) // 2]) / 2


def _lower_median(eight: Tensor) -> Tensor:
    """As `eight.median(dim=0).values`, which looks at each pixel by itself: the same values in a tenth of the time."""
    values = list(eight)
    for low, high in _SORTING_EIGHT:
        one, other = values[low], values[high]
        values[low], values[high] = torch.minimum(one, other), torch.maximum(one, other)
    return values[3]


def _same_shape(orientations: Iterable[tuple[bool, int]]) -> list[list[tuple[bool, int]]]:
    """Upright and sideways orientations apart, for only pictures of one shape make a batch."""
    ways = list(orientations)
    groups = [[way for way in ways if way[1] % 2 == side] for side in (0, 1)]
    return [group for group in groups if group]


def _turn(x: Tensor, mirrored: bool, quarters: int) -> Tensor:
    return torch.rot90(x.flip(3) if mirrored else x, quarters, dims=(2, 3))


def _turn_back(x: Tensor, mirrored: bool, quarters: int) -> Tensor:
    upright = torch.rot90(x, -quarters, dims=(2, 3))
    return upright.flip(3) if mirrored else upright


def require_range(vae: Autoencoder) -> None:
    """Refuse an autoencoder in fp16, whose values overflow."""
    if vae.dtype == torch.float16:
        raise ValueError("the autoencoder overflows in fp16: load it in bf16 or fp32")
