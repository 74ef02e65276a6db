from __future__ import annotations

import json

import pytest
import torch
from diffusers import UNet2DConditionModel

from acetate_engine.models.checkpoints.names import SD15_ATTENTION_UP_BLOCKS, to_diffusers, to_ldm
from tests.engine.models import small

ROWS = json.loads((small.REFERENCES / "sdxl_unet_keys.json").read_text())


def test_all_rows_of_sdxl_in_both_directions() -> None:
    prefix = "diffusion_model."
    assert len(ROWS) == 1680
    assert [to_diffusers(ldm.removeprefix(prefix)) for ldm, _, _ in ROWS] == [name for _, name, _ in ROWS]
    assert [prefix + to_ldm(name) for _, name, _ in ROWS] == [ldm for ldm, _, _ in ROWS]


def test_the_rows_are_those_of_diffusers_unet() -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel(**small.FULL_SDXL_CONFIG)
    assert {name: list(tensor.shape) for name, tensor in unet.state_dict().items()} == {row[1]: row[2] for row in ROWS}


def test_sd15_in_both_directions() -> None:
    names = list(small.sd15_unet().state_dict())
    theirs = [to_ldm(name, SD15_ATTENTION_UP_BLOCKS) for name in names]
    assert len(set(theirs)) == len(names)
    assert [to_diffusers(name) for name in theirs] == names
    assert "output_blocks.2.1.conv.weight" in theirs  # no attention there, so the upsampler is the second part
    assert "output_blocks.5.2.conv.weight" in theirs


@pytest.mark.parametrize("name", ["", "weight", "input_blocks.1.7.norm.weight", "first_stage_model.encoder.weight"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(KeyError):
        to_diffusers(name)
    with pytest.raises(KeyError):
        to_ldm(name)
