"""What add-ons there are, said without torch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from acetate.protocol.errors import CheckpointError
from acetate.protocol.requests import ControlKind, ControlMethod
from acetate_engine.models.checkpoints.kinds import Family, Kind
from acetate_engine.models.families.add_ons import find_add_ons, list_files
from acetate_engine.paths import models_dir
from tests.engine.models import add_ons, official


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    models_dir().mkdir(parents=True)
    return models_dir()


def test_each_is_found_by_its_name(models: Path) -> None:
    for family in (Family.SD15, Family.SDXL):
        add_ons.write_add_ons(models, family)
    found = find_add_ons("sdxl", Family.SDXL)
    nets, union = ControlMethod.CONTROLNET, ControlMethod.UNION
    assert found.controls[nets, ControlKind.DEPTH] == models / "controlnet" / "sdxl_depth"
    assert found.controls[nets, ControlKind.EDGES] == models / "controlnet" / "sdxl_edges.safetensors"
    assert (nets, ControlKind.POSE) not in found.controls
    assert {kind for method, kind in found.controls if method is union} == set(ControlKind)
    assert (ControlMethod.T2I_ADAPTER, ControlKind.LINES) in found.controls
    assert found.image_encoders == (models / "ip_adapter" / "image_encoder",)
    assert "sdxl.ink" in found.loras and "sdxl" in found.ip_adapters
    assert not any(method is union for method, _ in find_add_ons("sd15", Family.SD15).controls)


def test_those_of_another_family_are_not_offered(models: Path) -> None:
    (models / "loras").mkdir()
    stem = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k"
    for name, width in (("old", 768), ("new", 2048), ("odd", 7)):
        tensors = {f"{stem}.lora_down.weight": torch.zeros(2, width)}
        official.save(tensors, models / "loras" / f"{name}.safetensors")
    assert set(find_add_ons("sd15", Family.SD15).loras) == {"old", "odd"}
    assert set(find_add_ons("sdxl", Family.SDXL).loras) == {"new", "odd"}


def test_every_file_is_listed_the_broken_ones_with_the_reason(models: Path) -> None:
    (models / "loras").mkdir()
    (models / "loras" / "old.ckpt").write_bytes(b"\x80\x04")
    (models / "loras" / "cut.safetensors").write_bytes(b"\x00")
    (models / "loras" / "notes.txt").write_text("mine")
    add_ons.image_encoder().save_pretrained(models / "loras" / "encoder")
    good = official.save({"x.lora_down.weight": torch.zeros(2, 2)}, models / "loras" / "good.safetensors")
    found = {item.path.name: what for item, what in list_files()}
    assert found.keys() == {"old.ckpt", "cut.safetensors", "good.safetensors", "encoder"}
    assert found["encoder"].kind is Kind.IMAGE_ENCODER
    assert found["good.safetensors"].kind is Kind.STYLE_LORA and found["good.safetensors"].path == good
    assert isinstance(found["old.ckpt"], CheckpointError) and "pickle" in found["old.ckpt"].detail
    assert isinstance(found["cut.safetensors"], CheckpointError)
