from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.base import BaseModel, load_base
from acetate_engine.models.checkpoints.kinds import Family
from tests.engine.models import official, single_file, small

FAMILIES = [Family.SD15, Family.SDXL]


def same(model: BaseModel, family: Family) -> bool:
    """Whether every weight is the one that was written."""
    wanted = single_file.modules(family)
    texts = [wanted[name] for name in ("text_encoder", "text_encoder_2") if name in wanted]
    pairs = [(model.unet, wanted["unet"]), (model.vae, wanted["vae"])]
    pairs += list(zip(model.text_encoders, texts, strict=True))
    return all(
        torch.equal(ours.state_dict()[name], tensor)
        for ours, theirs in pairs
        for name, tensor in theirs.state_dict().items()
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_single_file(family: Family, tmp_path: Path) -> None:
    config = single_file.write_config(tmp_path / "config", family)
    path = single_file.write_file(tmp_path / "model.safetensors", family)
    model = load_base(path, family, config=config)
    assert same(model, family)
    assert not model.unet.training
    assert not any(parameter.requires_grad for parameter in model.unet.parameters())
    assert model.tokenizers[0]("a cat", padding="max_length", max_length=6).input_ids == [
        49406,
        320,
        2368,
        *[49407] * 3,
    ]
    assert [tokenizer.pad_token_id for tokenizer in model.tokenizers[1:]] == [0] * (family is Family.SDXL)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("variant", [None, "fp16"])
def test_folder(family: Family, variant: str | None, tmp_path: Path) -> None:
    assert same(load_base(single_file.write_folder(tmp_path / "model", family, variant), family), family)


def test_precision(tmp_path: Path) -> None:
    folder = single_file.write_folder(tmp_path / "model", Family.SD15)
    model = load_base(folder, Family.SD15, torch.bfloat16, torch.float32)
    assert (model.unet.dtype, model.text_encoders[0].dtype) == (torch.bfloat16, torch.bfloat16)
    assert model.vae.dtype == torch.float32
    with pytest.raises(ValueError, match="overflows in fp16"):
        load_base(folder, Family.SD15, vae_dtype=torch.float16)


class TestRefused:
    @pytest.fixture
    def tensors(self) -> dict[str, torch.Tensor]:
        return {name: tensor.contiguous().clone() for name, tensor in single_file.tensors(Family.SD15).items()}

    def refuse(self, tensors: dict[str, torch.Tensor], folder: Path, match: str) -> None:
        path = folder / "model.safetensors"
        save_file(tensors, path)
        config = single_file.write_config(folder / "config", Family.SD15)
        with pytest.raises(CheckpointError, match=match):
            load_base(path, Family.SD15, config=config)

    def test_not_a_number(self, tensors: dict[str, Tensor], tmp_path: Path) -> None:
        tensors["first_stage_model.decoder.conv_in.bias"][0] = float("nan")
        self.refuse(tensors, tmp_path, r"not numbers in first_stage_model\.decoder\.conv_in\.bias")

    def test_missing_weight(self, tensors: dict[str, Tensor], tmp_path: Path) -> None:
        del tensors["model.diffusion_model.middle_block.1.proj_in.weight"]
        self.refuse(tensors, tmp_path, r"middle_block\.1\.proj_in\.weight missing")

    def test_missing_text_encoder(self, tensors: dict[str, Tensor], tmp_path: Path) -> None:
        tensors = {name: x for name, x in tensors.items() if not name.startswith("cond_stage_model")}
        self.refuse(tensors, tmp_path, "CLIP")

    def test_inpainting_model(self, tensors: dict[str, Tensor], tmp_path: Path) -> None:
        tensors["model.diffusion_model.input_blocks.0.0.weight"] = torch.zeros(32, 9, 3, 3)
        self.refuse(tensors, tmp_path, "inpainting or editing model with 9 input channels")

    def test_other_kinds(self, tensors: dict[str, Tensor], tmp_path: Path) -> None:
        self.refuse(official.lora_tensors(small.sdxl_unet()), tmp_path, r"is a LayerDiffuse LoRA \(SDXL\), but a base")

    def test_pickled_folder(self, tmp_path: Path) -> None:
        folder = single_file.write_folder(tmp_path / "model", Family.SD15)
        for path in (folder / "unet").glob("*.safetensors"):
            torch.save({}, path.with_suffix(".bin"))
            path.unlink()
        with pytest.raises(CheckpointError, match=r"holds no \.safetensors"):
            load_base(folder, Family.SD15)

    def test_folder_with_a_truncated_part(self, tmp_path: Path) -> None:
        folder = single_file.write_folder(tmp_path / "model", Family.SD15)
        path = next((folder / "vae").glob("*.safetensors"))
        path.write_bytes(path.read_bytes()[:-10])
        with pytest.raises(CheckpointError, match="cut short: 10 bytes are missing"):
            load_base(folder, Family.SD15)

    def test_folder_without_a_part(self, tmp_path: Path) -> None:
        folder = single_file.write_folder(tmp_path / "model", Family.SD15)
        next((folder / "text_encoder").glob("*.safetensors")).unlink()
        with pytest.raises(CheckpointError, match="cannot be read"):
            load_base(folder, Family.SD15)

    def test_folder_of_another_family(self, tmp_path: Path) -> None:
        folder = single_file.write_folder(tmp_path / "model", Family.SD15)
        with pytest.raises(CheckpointError, match=r"base model folder \(SD1.5\), but"):
            load_base(folder, Family.SDXL)
