"""IP-Adapters: pictures as prompts, through diffusers' own attention processors and projections."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.embeddings import MultiIPAdapterImageProjection
from safetensors import safe_open
from torch import Tensor, nn

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.header import Shape, read_header, require_shapes
from acetate_engine.models.checkpoints.kinds import Family, Kind, require
from acetate_engine.models.checkpoints.load import require_finite

if TYPE_CHECKING:  # takes long to import: not without a picture as a prompt
    from transformers import CLIPVisionModelWithProjection

_PLAIN = "image_proj.proj.weight"
_PLUS = "image_proj.proj_in.weight"
_ATTENTION = "ip_adapter."
_WRONG_FILE = "Choose an IP-Adapter that was made for this model family."


@dataclass(frozen=True)
class _Adapter:
    """What a file's header says: its tokens come from the whole picture, or (plus) from each of its patches."""

    path: Path
    plus: bool
    width: int  # of the image encoder's output

    @staticmethod
    def read(path: Path, family: Family, unet: UNet2DConditionModel) -> _Adapter:
        """Raises CheckpointError where it is another kind of file, damaged, or does not fit the UNet."""
        require(path, {Kind.IP_ADAPTER}, family)
        shapes = read_header(path).shapes
        found = next((name for name in (_PLAIN, _PLUS) if name in shapes), None)
        if found is None or any("_lora." in name for name in shapes):
            raise CheckpointError(
                f"{path.name} is an IP-Adapter for faces, which needs another program to find them",
                "Choose a plain IP-Adapter or a plus one.",
            )
        attention = {name: shape for name, shape in shapes.items() if name.startswith(_ATTENTION)}
        require_shapes(path, attention, _attention_shapes(unet))
        require_finite(path)
        return _Adapter(path, found == _PLUS, shapes[found][1])

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """As diffusers takes them."""
        parts: dict[str, dict[str, Tensor]] = {"image_proj": {}, "ip_adapter": {}}
        with safe_open(self.path, "pt") as file:
            for name in file.keys():  # noqa: SIM118  # not a dict
                part, _, rest = name.partition(".")
                if part in parts:
                    parts[part][rest] = file.get_tensor(name)
        return parts


class IPAdapters:
    """Those in a UNet; without any, its processors are the very ones that they were.

    Not to be changed while a layer adapter is attached: attention sharing hands each frame to these processors.

    Args:
        files: by the names that requests call them.
        encoders: folders of CLIP image encoders; the one whose width an adapter wants serves it.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        family: Family,
        files: Mapping[str, Path],
        encoders: Sequence[Path],
        device: torch.device,
    ) -> None:
        self.names = tuple(files)
        self._unet = unet
        self._family = family
        self._files = files
        self._folders = encoders
        self._device = device
        self._in_use: list[_Adapter] = []  # one a picture
        self._encoders: dict[Path, CLIPVisionModelWithProjection] = {}
        self._undo: Callable[[], None] | None = None

    def use(self, wanted: Sequence[tuple[str, float]]) -> None:
        """These, by name, each with its weight, in place of all others; one that is named again sees another picture.

        Raises:
            CheckpointError: a file is damaged, or does not fit the model; none is in it then.
        """
        self._remove_all()
        if not wanted:
            return
        names = [name for name, _ in wanted]
        adapters = {name: _Adapter.read(self._files[name], self._family, self._unet) for name in names}
        self._undo = _remembered(self._unet)
        try:
            self._unet._load_ip_adapter_weights([each.tensors() for each in adapters.values()], low_cpu_mem_usage=False)
        except (KeyError, IndexError, RuntimeError) as error:
            self._remove_all()
            files = " or ".join(each.path.name for each in adapters.values())
            reason = " ".join(str(error).split())[:200]
            raise CheckpointError(f"{files} does not fit: {reason}", _WRONG_FILE) from error
        # diffusers sets the attribute only, which is lost as soon as a layer adapter registers the input that it grows
        self._unet.register_to_config(encoder_hid_dim_type="ip_image_proj")
        _one_a_picture(self._unet, [list(adapters).index(name) for name in names], [weight for _, weight in wanted])
        self._unet.requires_grad_(False)
        self._in_use = [adapters[name] for name in names]

    @property
    def encoder_bytes(self) -> int:
        """Of the largest image encoder that is there, in what it computes in."""
        files = [file for folder in self._folders for file in sorted(folder.glob("*.safetensors"))[:1]]
        return max((file.stat().st_size for file in files), default=0) * self._unet.dtype.itemsize // 4

    def embed(self, pictures: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """In the order of `use`: (3, H, W), 0..1, sRGB → (no picture, the picture) of each, (1, 1, ...)."""
        return [self._embed(adapter, picture) for adapter, picture in zip(self._in_use, pictures, strict=True)]

    @torch.no_grad()
    def _embed(self, adapter: _Adapter, picture: Tensor) -> tuple[Tensor, Tensor]:
        from transformers import CLIPImageProcessor

        encoder = self._encoder(adapter)
        side = encoder.config.image_size
        prepare = CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
        given = (picture * 255).round().to("cpu", torch.uint8)
        prepared = prepare(given.permute(1, 2, 0).numpy(), input_data_format="channels_last", return_tensors="pt")
        pixels = prepared.pixel_values.to(self._device, encoder.dtype)
        if not adapter.plus:
            known = encoder(pixels).image_embeds[:, None]
            return torch.zeros_like(known), known
        nothing, known = (
            encoder(x, output_hidden_states=True).hidden_states[-2][:, None] for x in (torch.zeros_like(pixels), pixels)
        )
        return nothing, known

    def _encoder(self, adapter: _Adapter) -> CLIPVisionModelWithProjection:
        folder = next((path for path in self._folders if _output_width(path, adapter.plus) == adapter.width), None)
        if folder is None:
            raise CheckpointError(
                f"there is no image encoder of width {adapter.width}, which {adapter.path.name} needs",
                "Put the folder `image_encoder` that was published with it beside it.",
            )
        if folder not in self._encoders:
            self._encoders[folder] = _load_encoder(folder, self._unet.dtype).to(self._device)
        return self._encoders[folder]

    def _remove_all(self) -> None:
        self._in_use = []
        if self._undo is not None:
            self._undo()
            self._undo = None


def _one_a_picture(unet: UNet2DConditionModel, adapters: Sequence[int], weights: Sequence[float]) -> None:
    """diffusers gives the pictures of one adapter one weight: so each has the adapter's modules for itself, shared."""
    projections: Any = unet.encoder_hid_proj
    unet.encoder_hid_proj = MultiIPAdapterImageProjection([projections.image_projection_layers[i] for i in adapters])
    for processor in unet.attn_processors.values():
        if hasattr(processor, "to_k_ip"):
            processor.to_k_ip = nn.ModuleList([processor.to_k_ip[i] for i in adapters])
            processor.to_v_ip = nn.ModuleList([processor.to_v_ip[i] for i in adapters])
            processor.num_tokens = [processor.num_tokens[i] for i in adapters]
            processor.scale = list(weights)


def _remembered(unet: UNet2DConditionModel) -> Callable[[], None]:
    """What gives the UNet its processors and its projection back."""
    processors, projection, kind = dict(unet.attn_processors), unet.encoder_hid_proj, unet.config.encoder_hid_dim_type

    def put_back() -> None:
        unet.encoder_hid_proj = projection  # before: a projection may hold attentions of its own
        unet.set_attn_processor(processors)
        unet.register_to_config(encoder_hid_dim_type=kind)

    return put_back


def _attention_shapes(unet: UNet2DConditionModel) -> dict[str, Shape]:
    """A file numbers all attentions in the UNet's own order and holds every second one: those that listen."""
    shapes: dict[str, Shape] = {}
    for number, name in enumerate(unet.attn_processors):
        if name.endswith("attn2.processor"):
            attention: Any = unet.get_submodule(name.removesuffix(".processor"))
            for part in ("to_k_ip", "to_v_ip"):
                shapes[f"{_ATTENTION}{number}.{part}.weight"] = (attention.inner_dim, attention.cross_attention_dim)
    return shapes


def _output_width(folder: Path, plus: bool) -> int | None:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return int(config["hidden_size" if plus else "projection_dim"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # another folder may fit; where none does, the error says so


def _load_encoder(folder: Path, dtype: torch.dtype) -> CLIPVisionModelWithProjection:
    from transformers import CLIPVisionModelWithProjection

    for path in sorted(folder.glob("*.safetensors")):
        read_header(path)
        require_finite(path)
    try:
        encoder = CLIPVisionModelWithProjection.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=dtype
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{folder.name} cannot be read: {error}", "Download the image encoder again.") from error
    return encoder.eval().requires_grad_(False)
