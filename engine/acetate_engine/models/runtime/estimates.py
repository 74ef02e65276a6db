"""How much memory a model computes in, beside its weights: counted from the widths of its layers.

The peak of a decoder is where it is back at full size, in its last level: the level's input, the same normalised, the
same through the activation, and what the convolution makes of it exist together. An encoder mirrors that. A UNet's is
in its first feed-forward layers and the skip connections; measured peaks of SDXL at 1024² are about 1 GB with guidance
in half precision, which is 32 KB a latent pixel and picture.
"""

from __future__ import annotations

from collections.abc import Sequence

_WORKSPACE = 600 << 20  # bytes: the driver's context, and what its convolutions and matrix products work in
_UNET_BYTES = 32 << 10  # a latent pixel, guided


def decoding(pixels: int, widths: Sequence[int], bytes_each: int) -> int:
    """Of one picture of so many pixels.

    Args:
        widths: channels of the levels, that of full size first.
        bytes_each: of one value.
    """
    last, before = widths[0], widths[min(1, len(widths) - 1)]
    return pixels * (3 * max(before, 2 * last) + last) * bytes_each


def denoising(pixels: int, factor: int, frames: int = 1) -> int:
    """One step of `frames` pictures; `factor`: pixels a latent pixel."""
    return pixels // factor**2 * _UNET_BYTES * frames


def working(*peaks: int) -> int:
    """What is to be kept free for a job, whose stages follow each other."""
    return max(peaks) + _WORKSPACE
