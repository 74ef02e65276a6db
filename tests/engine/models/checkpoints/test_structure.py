"""UNets of other sizes, in the names that they are published in: told from the header, refused by what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from diffusers import UNet2DConditionModel

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.base import load_base
from acetate_engine.models.checkpoints.header import Header
from acetate_engine.models.checkpoints.info import Family, FileInfo
from acetate_engine.models.checkpoints.kinds import inspect
from acetate_engine.models.checkpoints.names import SD15_ATTENTION_UP_BLOCKS, SDXL_ATTENTION_UP_BLOCKS, to_ldm
from acetate_engine.models.checkpoints.recognise import identify
from acetate_engine.models.networks.empty import empty_parameters
from acetate_engine.paths import resources_dir
from acetate_engine.verification.tiny.networks import SDXL_CONFIG
from tests.engine.models import official, single_file, small

FOLDERS = {Family.SD15: "sd15", Family.SDXL: "sdxl"}
NAMINGS = ["original", "diffusers"]


def config(family: Family) -> dict[str, Any]:
    return dict(UNet2DConditionModel.load_config(resources_dir() / "configs" / FOLDERS[family] / "unet"))


def told(family: Family, naming: str, without: str | None = None, **changed: object) -> FileInfo:
    """Of a file in the published size with these changes; nothing but its header is made."""
    with empty_parameters():
        unet = UNet2DConditionModel.from_config({**config(family), **changed})
    blocks = SD15_ATTENTION_UP_BLOCKS if family is Family.SD15 else SDXL_ATTENTION_UP_BLOCKS
    shapes = {
        f"model.diffusion_model.{to_ldm(name, blocks)}" if naming == "original" else f"unet.{name}": tuple(x.shape)
        for name, x in unet.state_dict().items()
    }
    kept = {name: shape for name, shape in shapes.items() if without is None or without not in name}
    return identify(Header(Path("a.safetensors"), kept, dict.fromkeys(kept, "F16")))


@pytest.mark.parametrize("naming", NAMINGS)
@pytest.mark.parametrize("family", FOLDERS)
def test_the_published_ones_have_no_problem(family: Family, naming: str) -> None:
    info = told(family, naming)
    assert (info.family, info.problem) == (family, "")


@pytest.mark.parametrize("naming", NAMINGS)
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"block_out_channels": (256, 512, 1024)}, "levels of 256, 512, 1024 channels instead of 320, 640, 1280"),
        ({"transformer_layers_per_block": [1, 2, 4]}, "0, 2, 4 transformer layers a level instead of 0, 2, 10"),
    ],
)
def test_another_sdxl_is_refused_by_what_it_is(changed: dict[str, Any], words: str, naming: str) -> None:
    info = told(Family.SDXL, naming, **changed)
    assert info.family is Family.SDXL and words in info.problem and "Choose" in info.problem


@pytest.mark.parametrize(("naming", "middle"), [("original", ".middle_block.1."), ("diffusers", ".mid_block.attent")])
@pytest.mark.parametrize("family", FOLDERS)
def test_no_attention_in_the_middle(family: Family, naming: str, middle: str) -> None:
    """SSD-1B, Vega; small-sd and tiny-sd of SD1.5."""
    info = told(family, naming, middle)
    assert "SSD-1B" in str(info) if family is Family.SDXL else "no attention in its middle" in info.problem
    assert "Choose" in info.problem


def smaller() -> UNet2DConditionModel:
    return UNet2DConditionModel(**{**SDXL_CONFIG, "block_out_channels": (8, 32, 32), "attention_head_dim": (1, 4, 4)})


def test_the_configuration_decides_when_it_is_loaded(tmp_path: Path) -> None:
    """Whatever the size of the text: a tiny one, beside a tiny configuration."""
    described = single_file.write_config(tmp_path / "config", Family.SDXL)
    others = {f"model.diffusion_model.{to_ldm(name)}": x for name, x in smaller().state_dict().items()}
    whole = {name: x for name, x in single_file.tensors(Family.SDXL).items() if not name.startswith("model.")}
    path = official.save({**whole, **others}, tmp_path / "narrow.safetensors")
    with pytest.raises(CheckpointError, match=r"narrow.*no plain SDXL.*levels of 8, 32, 32 .* instead of 16, 32, 32"):
        load_base(path, Family.SDXL, config=described)


@pytest.mark.parametrize("entry", [{"block_out_channels": [128, 256, 512]}, {"mid_block_type": None}])
def test_folders_too(entry: dict[str, object], tmp_path: Path) -> None:
    folder = single_file.write_folder(tmp_path / "model", Family.SDXL)
    path = folder / "unet" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "cross_attention_dim": 2048, **entry}))
    info = inspect(folder)
    assert "Choose" in info.problem and ("128, 256, 512" in info.problem or "SSD-1B" in str(info))


def test_a_tiny_one_is_built_alike(tmp_path: Path) -> None:
    info = inspect(official.save({f"unet.{n}": x for n, x in small.sdxl_unet().state_dict().items()}, tmp_path / "a"))
    assert (info.family, info.problem) == (Family.SDXL, "")
