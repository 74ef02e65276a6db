"""From released files to modules: strict, checked before memory is spent, safetensors only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import safe_open
from torch import Tensor, nn

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.header import Header, Shape, read_header, require_shapes
from acetate_engine.models.checkpoints.kinds import Kind, require
from acetate_engine.models.checkpoints.shapes import decoder_config, encoder_config
from acetate_engine.models.networks.empty import empty_parameters
from acetate_engine.models.networks.transparency import OffsetEncoder, TransparentDecoder

_WRONG_FILE = "Download the file again, or choose the released one"

Module = TypeVar("Module", bound=nn.Module)


def load_offset_encoder(path: Path, dtype: torch.dtype = torch.float32) -> OffsetEncoder:
    """A `vae_transparent_encoder` file of any family, on the CPU, for inference.

    Raises:
        CheckpointError: another kind of file, or a damaged one.
    """
    return load_module(path, Kind.TRANSPARENT_ENCODER, lambda shapes: OffsetEncoder(**encoder_config(shapes)), dtype)


def load_transparent_decoder(path: Path, dtype: torch.dtype = torch.float32) -> TransparentDecoder:
    """A `vae_transparent_decoder` file of any family, on the CPU, for inference.

    Raises:
        CheckpointError: another kind of file, or a damaged one.
    """
    return load_module(
        path, Kind.TRANSPARENT_DECODER, lambda shapes: TransparentDecoder(**decoder_config(shapes)), dtype
    )


def require_finite(path: Path) -> None:
    """Look at every value, one tensor in memory at a time.

    Raises:
        CheckpointError: a weight is NaN or infinite.
    """
    state = path.stat()
    _require_finite(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _require_finite(path: Path, size: int, modified: int) -> None:
    """Size and modification time make a changed file another key; reading gigabytes once a process is enough."""
    with safe_open(path, "pt") as file:
        for name in file.keys():  # noqa: SIM118  # not a dict
            tensor = file.get_tensor(name)
            if tensor.is_floating_point() and not tensor.float().isfinite().all():
                raise CheckpointError(
                    f"{path.name} has values that are not numbers in {name}", "Download the file again"
                )


def load_module(path: Path, kind: Kind, build: Callable[[Mapping[str, Shape]], Module], dtype: torch.dtype) -> Module:
    """`build` makes the module, empty, from the shapes that its file tells."""
    require(path, {kind})
    header = read_header(path)
    return _filled(_built(header, build), header, dtype)


def _built(header: Header, build: Callable[[Mapping[str, Shape]], Module]) -> Module:
    try:
        with empty_parameters():
            return build(header.shapes)
    except KeyError as error:
        raise CheckpointError(f"{header.path.name} lacks {error.args[0]}", _WRONG_FILE) from error
    except (IndexError, ValueError) as error:
        raise CheckpointError(f"{header.path.name} has tensors of unknown shapes: {error}", _WRONG_FILE) from error


def _filled(module: Module, header: Header, dtype: torch.dtype) -> Module:
    """Fill a module on the meta device from the file, strictly."""
    require_shapes(header.path, header.shapes, {name: tuple(x.shape) for name, x in module.state_dict().items()})
    require_finite(header.path)
    with safe_open(header.path, "pt") as file:
        tensors: dict[str, Tensor] = {name: file.get_tensor(name).to(dtype) for name in header.shapes}
    module.load_state_dict(tensors, strict=True, assign=True)
    return module.eval().requires_grad_(False)
