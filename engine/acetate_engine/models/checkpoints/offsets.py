"""Released offsets on an SDXL UNet, in both namings: `::lora::` and `::diff::` files, and diffusers' full offsets."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.header import Header, Shape, read_header, require_shapes
from acetate_engine.models.checkpoints.kinds import Kind, require
from acetate_engine.models.checkpoints.names import to_diffusers

OFFSET_KINDS = {Kind.OFFSET_LORA, Kind.OFFSET, Kind.OFFSET_DIFFUSERS}
CONV_IN = "conv_in.weight"

_MARKED = re.compile(r"diffusion_model\.(.+)::(diff|lora)::(\d)")
_ALONE = re.compile(r"(time_embedding|add_embedding|conv_in|conv_norm_out|conv_out)\.")  # there once in a UNet
_WRONG_FILE = "Choose a file released for this model family, or download it again"


class OffsetFile:
    """What one file adds to the parameters of a UNet, by diffusers' names; tensors are read one at a time.

    Raises:
        CheckpointError: another kind of file, a damaged one, or one with a tensor that no UNet has.
    """

    def __init__(self, path: Path) -> None:
        self.kind = require(path, OFFSET_KINDS).kind
        self.path = path
        header = read_header(path)
        self._parts = _parts(header)
        self.shapes = {name: _offset_shape(header, parts) for name, parts in self._parts.items()}

    @property
    def input_channels(self) -> int | None:
        """Channels of `conv_in` with this file applied (4, 8 or 12); None if it leaves `conv_in` alone."""
        return self.shapes[CONV_IN][1] if CONV_IN in self.shapes else None

    def require_fit(self, parameters: Mapping[str, Shape]) -> None:
        """Compare with the parameters of a UNet, by the header alone.

        A kind of parameter (say, the first convolution of residual blocks) is in the file at every place of the UNet or
        at none: the released files leave different kinds out, and a gap in a kind is a missing tensor. `conv_in` may
        have more input channels than the UNet.

        Raises:
            CheckpointError: a tensor is missing, left over or of another shape.
        """
        roles = {_role(name) for name in self.shapes}
        expected = {name: shape for name, shape in parameters.items() if _role(name) in roles}
        channels = self.input_channels
        if channels is not None and CONV_IN in expected:
            width, base, *kernel = expected[CONV_IN]
            expected[CONV_IN] = (width, max(channels, base), *kernel)
        require_shapes(self.path, self.shapes, expected)

    def read(self) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
        """Each parameter's name with its (offset,) or low-rank factors (up, down), in the file's dtype, on the CPU."""
        with safe_open(self.path, "pt") as file:
            for name, parts in self._parts.items():
                yield name, tuple(file.get_tensor(part) for part in parts)


def _parts(header: Header) -> dict[str, list[str]]:
    """Parameter name -> names in the file: [offset], or [up, down]."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for name in header.shapes:
        parameter, index = _parameter(header.path, name)
        found[parameter][index] = name
    for parameter, parts in found.items():
        lora = any("::lora::" in name for name in parts.values())
        if sorted(parts) != ([0, 1] if lora else [0]):
            raise CheckpointError(f"{header.path.name} holds only one of the two factors of {parameter}", _WRONG_FILE)
    return {parameter: [parts[index] for index in sorted(parts)] for parameter, parts in found.items()}


def _parameter(path: Path, name: str) -> tuple[str, int]:
    """(parameter in diffusers' naming, index of the part)."""
    marked = _MARKED.fullmatch(name)
    if marked is None:
        if "::" in name:
            raise CheckpointError(f"{path.name} has an unknown kind of tensor, {name}", _WRONG_FILE)
        return name, 0
    try:
        return to_diffusers(marked[1]), int(marked[3])
    except KeyError as error:
        raise CheckpointError(f"{path.name} holds {name}, which no UNet has", _WRONG_FILE) from error


def _offset_shape(header: Header, parts: list[str]) -> Shape:
    shapes = [header.shapes[part] for part in parts]
    if len(shapes) == 1:
        return shapes[0]
    up, down = shapes
    if len(up) != 2 or len(down) != 2 or up[1] != down[0]:
        raise CheckpointError(f"{header.path.name}: the factors {parts[0]} and {parts[1]} do not fit", _WRONG_FILE)
    return up[0], down[1]


def _role(name: str) -> str:
    """The kind of a parameter: its name without numbers; each embedding and each end of the UNet is one kind."""
    if alone := _ALONE.match(name):
        return alone[0]
    return re.sub(r"^(down_blocks|up_blocks|mid_block)|\.\d+", "", name)
