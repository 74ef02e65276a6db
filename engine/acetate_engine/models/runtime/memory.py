"""Running a network within the memory there is: smaller batches first, then tiles with overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from acetate.protocol.errors import OutOfMemory
from acetate_engine.models.runtime.devices import empty_caches

Note = Callable[[str], None]  # receives a sentence that the job shows beside its result


def unsaid(text: str) -> None:
    """A Note for where no job is."""


_TILES = (64, 32)  # latent pixels a side


def is_out_of_memory(error: BaseException) -> bool:
    """True for an allocation that failed on any device (all but CUDA raise a plain RuntimeError)."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("DefaultCPUAllocator" in text or "out of memory" in text)


@dataclass(frozen=True)
class MemoryPlan:
    """How to run: `batch` images at once; `tile` latent pixels a side, or None for whole pictures."""

    batch: int
    tile: int | None = None

    def __str__(self) -> str:
        if self.tile is None:
            return f"{self.batch} at a time"
        return f"in overlapping tiles of {self.tile} latent pixels"


def run_within_memory(
    run: Callable[..., Tensor], inputs: Sequence[Tensor], what: str, note: Note, batch: int = 4, factor: int = 1
) -> Tensor:
    """Call `run(*inputs)`, in smaller batches and then in tiles when memory runs out.

    Args:
        run: takes tensors like `inputs`, returns (B, C, H', W'), a fixed multiple of the latent's sides.
        inputs: (B, C_i, H_i, W_i), same B; sides are whole multiples of those of the latent.
        what: name of the step, for the note and the error.
        note: told when the first plan did not fit.
        batch: images at once, at first.
        factor: of the smallest input's sides to the latent's: 1 where that is the latent, as in decoding.

    Raises:
        OutOfMemory: not even the smallest tile fits.
    """
    smallest = min(inputs, key=lambda x: x.shape[2] * x.shape[3])
    plans = list(_plans(min(batch, smallest.shape[0]), max(smallest.shape[2:]) // factor))
    for plan in plans:
        result = _attempt(run, inputs, plan, factor)
        if result is not None:
            if plan is not plans[0]:
                note(f"{what} ran out of memory and was done {plan}")
            return result
    raise OutOfMemory(
        f"{what} does not fit into memory, not even {plans[-1]}",
        "Close other programs that use the graphics card, or ask for a smaller region",
    )


def _plans(batch: int, side: int) -> Iterator[MemoryPlan]:
    while batch > 1:
        yield MemoryPlan(batch)
        batch //= 2
    yield MemoryPlan(1)
    yield from (MemoryPlan(1, tile) for tile in _TILES if tile < side)


def _attempt(run: Callable[..., Tensor], inputs: Sequence[Tensor], plan: MemoryPlan, factor: int) -> Tensor | None:
    try:
        return _execute(run, inputs, plan, factor)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    # outside of the handler, where the error no longer keeps the failed tensors alive
    empty_caches()
    return None


def _execute(run: Callable[..., Tensor], inputs: Sequence[Tensor], plan: MemoryPlan, factor: int) -> Tensor:
    chunks = zip(*(torch.split(x, plan.batch) for x in inputs), strict=True)
    if plan.tile is None:
        return torch.cat([run(*chunk) for chunk in chunks])
    return torch.cat([run_tiled(run, chunk, plan.tile, plan.tile // 4, factor) for chunk in chunks])


def run_tiled(run: Callable[..., Tensor], inputs: Sequence[Tensor], tile: int, overlap: int, factor: int = 1) -> Tensor:
    """Call `run` on overlapping tiles and blend its outputs with linear ramps.

    Args:
        run, inputs, factor: as for `run_within_memory`.
        tile, overlap: latent pixels a side, overlap < tile.

    Returns:
        (B, C, H', W') in the dtype of `run`'s output.
    """
    height, width = (side // factor for side in min(tuple(x.shape[2:]) for x in inputs))
    total: Tensor | None = None
    for top in _starts(height, tile, overlap):
        for left in _starts(width, tile, overlap):
            rows, columns = min(tile, height), min(tile, width)
            output = run(*(_crop(x, top, left, rows, columns, x.shape[2] // height) for x in inputs))
            scale = output.shape[2] // rows
            if total is None:
                total = output.new_zeros(*output.shape[:2], height * scale, width * scale, dtype=torch.float32)
                weight = total.new_zeros(1, 1, height * scale, width * scale)
            ramp = _ramp(rows * scale, overlap * scale, top > 0, top + rows < height)[:, None]
            ramp = ramp * _ramp(columns * scale, overlap * scale, left > 0, left + columns < width)
            ramp = ramp.to(total)
            _crop(total, top, left, rows, columns, scale).add_(output.float() * ramp)
            _crop(weight, top, left, rows, columns, scale).add_(ramp)
    assert total is not None
    return (total / weight).to(output.dtype)


def _crop(x: Tensor, top: int, left: int, height: int, width: int, scale: int) -> Tensor:
    return x[:, :, top * scale : (top + height) * scale, left * scale : (left + width) * scale]


def _starts(size: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin so that they cover `size` and neighbours share at least `overlap`."""
    if size <= tile:
        return [0]
    return [*range(0, size - tile, tile - overlap), size - tile]


def _ramp(length: int, overlap: int, rising: bool, falling: bool) -> Tensor:
    """(length,) weights: 1 inside, falling linearly to almost 0 over `overlap` at the edges that have a neighbour."""
    weights = torch.ones(length)
    slope = (torch.arange(overlap) + 1) / (overlap + 1)
    if rising:
        weights[:overlap] *= slope
    if falling:
        weights[-overlap:] *= slope.flip(0)
    return weights
