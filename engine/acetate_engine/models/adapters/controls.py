"""What reads hints: ControlNets, union ControlNets and T2I-Adapters; folders and single files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import torch
from diffusers import ControlNetModel, ControlNetUnionModel, T2IAdapter, UNet2DConditionModel
from safetensors.torch import load_file
from torch import Tensor, nn

from acetate.protocol.errors import CheckpointError
from acetate.protocol.requests import ControlKind, ControlMethod
from acetate_engine.models.checkpoints.header import Header, read_header, require_shapes
from acetate_engine.models.checkpoints.kinds import Family, Kind, require
from acetate_engine.models.checkpoints.load import require_finite
from acetate_engine.models.checkpoints.names import controlnet_to_ldm
from acetate_engine.models.networks.empty import empty_parameters

_CLASSES = {
    ControlMethod.CONTROLNET: ControlNetModel,
    ControlMethod.UNION: ControlNetUnionModel,
    ControlMethod.T2I_ADAPTER: T2IAdapter,
}
_KINDS = {ControlMethod.CONTROLNET: Kind.CONTROLNET, ControlMethod.UNION: Kind.CONTROLNET_UNION}
# what a union was trained to tell apart: pose, depth, soft edges, hard edges, normals, segments, ...
_UNION_TYPES = {
    ControlKind.POSE: 0,
    ControlKind.DEPTH: 1,
    ControlKind.SCRIBBLE: 2,
    ControlKind.EDGES: 3,
    ControlKind.LINES: 3,
}
_HINT_HALVINGS = 3  # by the convolutions that read a hint: to the latent's size


@dataclass(frozen=True)
class Residuals:
    """What one hint adds inside the UNet, all for one batch."""

    outer: tuple[Tensor, ...] = ()  # to the skip connections, in order
    middle: Tensor | None = None
    inner: tuple[Tensor, ...] = ()  # within the down blocks: T2I-Adapters


AtStep = Callable[[Tensor, Tensor, Mapping[str, Any]], Residuals]
"""(sample (n, c, h, w) without conditions beside it, timestep, the UNet's text arguments) → residuals."""


class HintReader(Protocol):
    """A loaded net."""

    def read(self, image: Tensor, kind: ControlKind) -> AtStep:
        """The hint (1, 3, H, W), 0..1, of the working extent."""


@dataclass(frozen=True)
class ControlNetReader:
    """One kind of hint, at every step."""

    net: ControlNetModel

    def read(self, image: Tensor, kind: ControlKind) -> AtStep:
        def at_step(sample: Tensor, timestep: Tensor, arguments: Mapping[str, Any]) -> Residuals:
            return _called(self.net, sample, timestep, arguments, controlnet_cond=_expanded(image, sample, self.net))

        return at_step


@dataclass(frozen=True)
class UnionReader:
    """Any kind of hint, at every step."""

    net: ControlNetUnionModel

    def read(self, image: Tensor, kind: ControlKind) -> AtStep:
        index = _UNION_TYPES[kind]

        def at_step(sample: Tensor, timestep: Tensor, arguments: Mapping[str, Any]) -> Residuals:
            marks = torch.zeros(len(sample), self.net.config.num_control_type, device=sample.device)
            marks[:, index] = 1
            return _called(
                self.net,
                sample,
                timestep,
                arguments,
                controlnet_cond=[_expanded(image, sample, self.net)],
                control_type=marks.to(self.net.dtype),
                control_type_idx=[index],
            )

        return at_step


@dataclass(frozen=True)
class AdapterReader:
    """One kind of hint, once a job."""

    net: T2IAdapter

    def read(self, image: Tensor, kind: ControlKind) -> AtStep:
        with torch.no_grad():
            features = self.net(_channels(image, self.net.config.in_channels).to(self.net.dtype))

        def at_step(sample: Tensor, timestep: Tensor, arguments: Mapping[str, Any]) -> Residuals:
            return Residuals(inner=tuple(x.expand(len(sample), -1, -1, -1) for x in features))

        return at_step


def _called(net: Any, sample: Tensor, timestep: Tensor, arguments: Mapping[str, Any], **hint: Any) -> Residuals:
    text = {name: value for name, value in arguments.items() if name != "encoder_attention_mask"}
    outer, middle = net(sample.to(net.dtype), timestep, return_dict=False, **hint, **text)
    return Residuals(tuple(outer), middle)


def _expanded(image: Tensor, sample: Tensor, net: Any) -> Tensor:
    return image.to(net.dtype).expand(len(sample), -1, -1, -1)


def _channels(image: Tensor, channels: int) -> Tensor:
    """Adapters for sketches take grey pictures."""
    return image.mean(1, keepdim=True) if channels == 1 else image


class Net:
    """What reads hints, loaded at its first use.

    Args:
        load: raises CheckpointError.
        size: bytes that it takes on the device.
    """

    def __init__(self, load: Callable[[], HintReader], size: int) -> None:
        self.size = size
        self._load = load
        self._loaded: HintReader | None = None

    def __call__(self) -> HintReader:
        """Raises CheckpointError."""
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    @property
    def is_loaded(self) -> bool:
        return self._loaded is not None

    def unload(self) -> None:
        self._loaded = None


def load_reader(
    path: Path, method: ControlMethod, family: Family, unet: UNet2DConditionModel, device: torch.device
) -> HintReader:
    """A diffusers folder, or the single file of a ControlNet or union, in the UNet's dtype.

    Raises:
        CheckpointError: another kind or family, a pickle, damaged, or it does not fit the UNet.
    """
    net = _from_folder(path, method) if path.is_dir() else _from_file(path, method, family, unet)
    _require_fit(path, net, family, unet)
    net = nn.Module.to(net.eval().requires_grad_(False), device=device, dtype=unet.dtype)
    if isinstance(net, T2IAdapter):
        return AdapterReader(net)
    return UnionReader(net) if isinstance(net, ControlNetUnionModel) else ControlNetReader(net)


def _from_folder(folder: Path, method: ControlMethod) -> Any:
    wanted = _CLASSES[method]
    if (found := _class_name(folder)) != wanted.__name__:
        raise CheckpointError(f"{folder.name} holds a {found}, but a {wanted.__name__} is needed", "Choose another.")
    files = sorted(folder.glob("*.safetensors"))
    for file in files:
        read_header(file)
        require_finite(file)
    variant = "fp16" if files and all(".fp16." in file.name for file in files) else None
    try:
        return wanted.from_pretrained(folder, local_files_only=True, use_safetensors=True, variant=variant)
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{folder.name} cannot be read: {reason}", "Download it as safetensors.") from error


def _class_name(folder: Path) -> str:
    try:
        return str(json.loads((folder / "config.json").read_text(encoding="utf-8"))["_class_name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{folder.name} has no readable config.json", "Choose a diffusers folder.") from error


def _from_file(path: Path, method: ControlMethod, family: Family, unet: UNet2DConditionModel) -> Any:
    if method not in _KINDS:
        raise CheckpointError(f"{path.name} is a single file", "Choose the T2I-Adapter as a diffusers folder.")
    require(path, {_KINDS[method]}, family)
    header = read_header(path)
    with empty_parameters():
        expected = _described(header, method, unet)
    names = {name: tuple(x.shape) for name, x in expected.state_dict().items()}
    require_shapes(path, header.shapes, {_name_in(header, name): shape for name, shape in names.items()})
    require_finite(path)
    if isinstance(expected, ControlNetUnionModel):  # which diffusers cannot read from a single file
        expected.load_state_dict(load_file(path), strict=True, assign=True)
        return expected
    with TemporaryDirectory() as folder:
        expected.save_config(folder)
        return ControlNetModel.from_single_file(str(path), config=folder, local_files_only=True)


def _described(header: Header, method: ControlMethod, unet: UNet2DConditionModel) -> Any:
    """A net for this UNet, as the shapes of the file say; files do not carry their configuration."""
    # a layer adapter may have grown the UNet's input, and an IP-Adapter have marked it
    plain = {**unet.config, "in_channels": unet.config.out_channels, "encoder_hid_dim_type": None}
    net = ControlNetModel.from_unet(
        UNet2DConditionModel.from_config(plain),
        conditioning_embedding_out_channels=_hint_widths(header),
        load_weights_from_unet=False,
    )
    if method is ControlMethod.CONTROLNET:
        return net
    return ControlNetUnionModel.from_config({**net.config, **_union_config(header)})


def _union_config(header: Header) -> dict[str, int]:
    shapes = header.shapes
    if "spatial_ch_projs.weight" not in shapes:
        raise CheckpointError(f"{header.path.name} lacks spatial_ch_projs.weight", "Download the file again.")
    types, channels = shapes["task_embedding"]
    return {
        "num_control_type": types,
        "num_trans_channel": channels,
        "num_trans_layer": sum(f"transformer_layes.{layer}.ln_1.weight" in shapes for layer in range(8)),
        "num_proj_channel": shapes["spatial_ch_projs.weight"][0],
    }


def _hint_widths(header: Header) -> tuple[int, ...]:
    """Channels of the hint's convolutions: each pair of them ends in a wider one that halves the picture."""
    ours = [f"controlnet_cond_embedding.blocks.{2 * level + 1}.weight" for level in range(_HINT_HALVINGS)]
    names = [_name_in(header, name) for name in ours]
    missing = [name for name in names if name not in header.shapes]
    if missing:
        raise CheckpointError(f"{header.path.name} lacks {missing[0]}", "Download the file again.")
    return (header.shapes[names[0]][1], *(header.shapes[name][0] for name in names))


def _name_in(header: Header, name: str) -> str:
    """A parameter's name in the naming of the file, diffusers' or the original one."""
    if any(known.startswith(("controlnet_cond_embedding.", "controlnet_mid_block.")) for known in header.shapes):
        return name
    prefix = "control_model." if any(known.startswith("control_model.") for known in header.shapes) else ""
    return prefix + controlnet_to_ldm(name)


def _require_fit(path: Path, net: Any, family: Family, unet: UNet2DConditionModel) -> None:
    config = net.config
    wanted = list(unet.config.block_out_channels)
    if isinstance(net, T2IAdapter):
        fits = list(config.channels)[: len(wanted)] == wanted
        fits = fits and config.adapter_type.endswith("_xl") == (family is Family.SDXL)
    else:
        ours = unet.config.cross_attention_dim, wanted
        fits = (config.cross_attention_dim, list(config.block_out_channels)) == ours
    if not fits:
        raise CheckpointError(f"{path.name} belongs to another family of models", "Choose one of this family.")
