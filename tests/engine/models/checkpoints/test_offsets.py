from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.names import to_ldm
from acetate_engine.models.checkpoints.offsets import OffsetFile
from tests.engine.models import official, small


@pytest.fixture(scope="module")
def full_shapes() -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        unet = UNet2DConditionModel(**small.FULL_SDXL_CONFIG)
    return {name: tuple(tensor.shape) for name, tensor in unet.state_dict().items()}


def sparse_file(path: Path, shapes: dict[str, tuple[int, ...]]) -> Path:
    """A half-precision safetensors file of the real size that takes no room on the disk."""
    header, offset = {}, 0
    for name, shape in shapes.items():
        size = 2 * torch.Size(shape).numel()
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + offset)
    return path


@pytest.mark.parametrize(
    ("keep", "channels"),
    [
        (official.is_not_qkv, None),
        (official.is_not_qkv, 12),
        (official.is_not_qkv_nor_embedding, 12),
        (official.is_convolutional, 8),
    ],
)
def test_full_size_diff_files(
    full_shapes: dict[str, tuple[int, ...]], keep: Callable[[str], bool], channels: int | None, tmp_path: Path
) -> None:
    shapes = {name: shape for name, shape in full_shapes.items() if keep(name)}
    if channels:
        shapes["conv_in.weight"] = (320, channels, 3, 3)
    path = tmp_path / "layer.safetensors"
    sparse_file(path, {f"diffusion_model.{to_ldm(name)}::diff::0": shape for name, shape in shapes.items()})
    file = OffsetFile(path)
    file.require_fit(full_shapes)
    assert file.shapes == shapes
    assert file.input_channels == (channels or 4)


def test_full_size_lora_file(full_shapes: dict[str, tuple[int, ...]], tmp_path: Path) -> None:
    layout = {}
    for name in filter(official.is_projection, full_shapes):
        target, source = full_shapes[name]
        stem = f"diffusion_model.{to_ldm(name)}::lora::"
        layout |= {f"{stem}0": (target, 256), f"{stem}1": (256, source)}
    assert len(layout) == 70 * 8 * 2
    file = OffsetFile(sparse_file(tmp_path / "layer.safetensors", layout))
    file.require_fit(full_shapes)
    assert file.input_channels is None


def test_parts_are_read(tmp_path: Path) -> None:
    unet = small.sdxl_unet()
    tensors = official.lora_tensors(unet)
    file = OffsetFile(official.save(tensors, tmp_path / "a.safetensors"))
    name = "mid_block.attentions.0.transformer_blocks.1.attn2.to_k.weight"
    stem = f"diffusion_model.{to_ldm(name)}::lora::"
    parts = dict(file.read())
    up, down = parts[name]
    assert torch.equal(up, tensors[f"{stem}0"])
    assert torch.equal(down, tensors[f"{stem}1"])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda stem: {f"{stem}::lora::1": None}, "holds only one of the two factors"),
        (lambda stem: {f"{stem}::lora::1": torch.zeros(7, 32)}, "do not fit"),
        (lambda stem: {f"{stem}::lokr::0": torch.zeros(2)}, "unknown kind of tensor"),
        (lambda stem: {f"{stem}::lora::2": torch.zeros(2)}, "factors"),
    ],
)
def test_odd_tensors_are_named(change: Callable[[str], dict[str, Tensor | None]], match: str, tmp_path: Path) -> None:
    tensors = official.lora_tensors(small.sdxl_unet())
    stem = next(iter(tensors)).split("::")[0]
    tensors |= change(stem)
    tensors = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    with pytest.raises(CheckpointError, match=match):
        OffsetFile(official.save(tensors, tmp_path / "a.safetensors"))


def test_the_embeddings_are_all_there_or_not_at_all(tmp_path: Path) -> None:
    unet = small.sdxl_unet()
    tensors = official.diff_tensors(unet, official.is_not_qkv)
    del tensors["diffusion_model.label_emb.0.2.bias::diff::0"]
    file = OffsetFile(official.save(tensors, tmp_path / "a.safetensors"))
    with pytest.raises(CheckpointError, match=r"add_embedding\.linear_2\.bias missing"):
        file.require_fit({name: tuple(x.shape) for name, x in unet.state_dict().items()})


@pytest.mark.parametrize("left_out", ["out.2", "out.0", "input_blocks.0.0", "time_embed", "label_emb"])
def test_what_is_there_once_in_a_unet_may_be_left_out(left_out: str, tmp_path: Path) -> None:
    unet = small.sdxl_unet()
    tensors = official.diff_tensors(unet, official.is_not_qkv)
    kept = {name: x for name, x in tensors.items() if not name.startswith(f"diffusion_model.{left_out}.")}
    assert len(kept) < len(tensors)
    file = OffsetFile(official.save(kept, tmp_path / "a.safetensors"))
    file.require_fit({name: tuple(x.shape) for name, x in unet.state_dict().items()})


def test_a_gap_within_a_kind_is_refused(tmp_path: Path) -> None:
    unet = small.sdxl_unet()
    tensors = official.diff_tensors(unet, official.is_not_qkv)
    del tensors["diffusion_model.input_blocks.4.0.in_layers.2.weight::diff::0"]
    file = OffsetFile(official.save(tensors, tmp_path / "a.safetensors"))
    with pytest.raises(CheckpointError, match=r"resnets\.0\.conv1\.weight missing"):
        file.require_fit({name: tuple(x.shape) for name, x in unet.state_dict().items()})
