"""Layers enlarged by a network instead of by interpolation: clear edges, no weave; colour and alpha apart.

The network knows nothing of alpha, and a layer's colour means nothing where it is transparent. So the colour of what is
visible is spread under the rest first, both are enlarged on their own, and alpha is kept within what the pixels around
it had: what was transparent or opaque all around stays exactly that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelFormat
from acetate_engine.compositing.alpha import spread, to_float, to_pixels
from acetate_engine.compositing.pixels import Floats, Pixels
from acetate_engine.compositing.regions import crop
from acetate_engine.compositing.resize import resize
from acetate_engine.models.networks.compact_upscaler import CompactUpscaler
from acetate_engine.models.parts.shelf import read_part
from acetate_engine.models.runtime.devices import computes_in_bf16

_TILE = 192  # source pixels, each way
_AROUND = 7  # source pixels, over which grain is smoothed
_PATCH = 17  # source pixels: a little more than what a latent pixel of `mini` holds, whose ripples are levelled
_RIPPLE = 0.8  # of the grain
_PART = "compact_x4"

Check = Callable[[], None]
"""Called before every tile; raises JobCancelled."""


def enlarge(layer: Pixels, factor: float, *, grain: float = 0.0, check: Check = lambda: None) -> Pixels:
    """`enlarge_to` with both sides `factor` (above 0) times as long."""
    height, width = layer.shape[:2]
    extent = Extent(max(1, round(width * factor)), max(1, round(height * factor)))
    return enlarge_to(layer, extent, grain=grain, check=check)


def enlarge_to(
    layer: Pixels, extent: Extent, *, grain: float = 0.0, is_draft: bool = False, check: Check = lambda: None
) -> Pixels:
    """(H, W, 4) straight sRGB → exactly `extent`, same dtype: four times by the network, resampled from there.

    Colours that differ from those around them by about `grain` (0..1) or less are smoothed first, and flat parts
    levelled: the network would take them for detail, and draw it clearly.
    A draft is made in bf16 where the processor computes in it: half the time, 0.3/255 off in the mean.
    Where nothing grows, it is only resampled. Where alpha is 0, or full, in a pixel and all around it, it is exactly so
    in the result. Raises PartMissing, CheckpointError, and what `check` raises.
    """
    height, width = layer.shape[:2]
    if extent.width <= width and extent.height <= height:
        return resize(layer, extent)
    picture = _four_times(to_float(layer), grain, upscaler(is_draft), check)
    pixels = to_pixels(picture, PixelFormat.RGBA16 if layer.dtype == np.uint16 else PixelFormat.RGBA8)
    return resize(pixels, extent)


@cache
def upscaler(is_draft: bool) -> CompactUpscaler:
    """Loaded once a process. Raises PartMissing, CheckpointError."""
    files = read_part(_PART)
    dtype = torch.bfloat16 if is_draft and computes_in_bf16() else torch.float32
    return CompactUpscaler.from_ncnn(files["compact_x4.param"], files["compact_x4.bin"]).to(dtype)


def _four_times(picture: Floats, grain: float, net: CompactUpscaler, check: Check) -> Floats:
    """(H, W, 4) → (4 H, 4 W, 4), tile by tile; each sees as much around it as the network looks at: no seams."""
    height, width = picture.shape[:2]
    source = np.dstack([_without_grain(spread(picture), grain), picture[..., 3]])
    result = np.empty((net.factor * height, net.factor * width, 4), np.float32)
    for tile in _tiles(width, height):
        check()
        seen = tile.padded(net.reach).intersection(Bounds(0, 0, width, height))
        made = _of_tile(crop(source, seen), net)
        crop(result, _scaled(tile, net.factor))[...] = crop(made, _scaled(tile.relative_to(seen), net.factor))
    result[..., 3] = _within_neighbours(result[..., 3], picture[..., 3], net.factor)
    return result


def _without_grain(colour: NDArray[np.float32], grain: float) -> NDArray[np.float32]:
    """What is fine by the bilateral filter (Tomasi and Manduchi 1998), what is as wide as a patch by `_levelled`."""
    if grain == 0.0:
        return colour
    smooth = cv2.bilateralFilter(np.ascontiguousarray(colour), _AROUND, grain, _AROUND / 3)
    return _levelled(smooth, grain * _RIPPLE)


def _levelled(colour: NDArray[np.float32], ripple: float) -> NDArray[np.float32]:
    """(H, W, 3): where colours differ by less than `ripple` (standard deviation, 0..1) over a patch, near its mean.

    A guided filter (He, Sun and Tang 2010) that is its own guide, with a steeper turn: edges and texture beyond the
    ripple stay, and all channels are kept or levelled together.
    """
    size = (_PATCH, _PATCH)
    mean = cv2.blur(colour, size)
    variance = (cv2.blur(colour * colour, size) - mean * mean).clip(0, None).max(axis=-1, keepdims=True)
    kept = variance**2 / (variance**2 + np.float32(ripple) ** 4)
    share = cv2.blur(kept[..., 0], size)[..., None]
    levelled: NDArray[np.float32] = share * colour + cv2.blur(mean * (1 - kept), size)
    return levelled


def _tiles(width: int, height: int) -> Iterator[Bounds]:
    for y in range(0, height, _TILE):
        for x in range(0, width, _TILE):
            yield Bounds(x, y, min(_TILE, width - x), min(_TILE, height - y))


def _scaled(bounds: Bounds, factor: int) -> Bounds:
    return Bounds(bounds.x * factor, bounds.y * factor, bounds.width * factor, bounds.height * factor)


def _of_tile(seen: Floats, net: CompactUpscaler) -> Floats:
    """What the network makes of it; where there is nothing to see, or all is opaque, half or all of it is spared."""
    colour, alpha = seen[..., :3], seen[..., 3]
    if alpha.max() == 0.0:
        return _repeated(seen, net.factor)
    if alpha.min() == alpha.max():
        return np.dstack([_coloured(net, colour), _repeated(alpha, net.factor)])
    return np.dstack([_coloured(net, colour), _run(net, np.repeat(alpha[..., None], 3, axis=-1)).mean(axis=-1)])


def _coloured(net: CompactUpscaler, source: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W, 3), moved so that, made small again, it has the source's colours: back-projection (Irani and Peleg 1991).

    The network draws edges well and misses tones; what is finer than a pixel of the source stays the network's.
    """
    made = _run(net, source)
    (height, width), (low, narrow) = made.shape[:2], source.shape[:2]
    off = source - cv2.resize(made, (narrow, low), interpolation=cv2.INTER_AREA)
    return (made + cv2.resize(off, (width, height), interpolation=cv2.INTER_CUBIC)).clip(0, 1)


def _run(net: CompactUpscaler, rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    feed = torch.from_numpy(np.ascontiguousarray(rgb))[None].permute(0, 3, 1, 2)  # channels last, which is faster
    with torch.inference_mode():
        made: NDArray[np.float32] = net(feed)[0].permute(1, 2, 0).clamp(0, 1).numpy()
    return made


def _within_neighbours(alpha: NDArray[np.float32], source: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Neither above nor below what the source pixel and the eight around it have: no ringing, no haze, no holes."""
    around = np.ones((3, 3), np.uint8)
    low, high = (_repeated(kind(source, around), factor) for kind in (cv2.erode, cv2.dilate))
    return np.clip(alpha, low, high)


def _repeated(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    return values.repeat(factor, axis=0).repeat(factor, axis=1)
