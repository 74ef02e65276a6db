"""What stages export is what the engine reads: style LoRAs, ControlNets, concatenated conditions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from acetate.protocol.requests import ControlMethod
from acetate_engine.models.adapters.attention_sharing import AttentionSharing
from acetate_engine.models.adapters.controls import load_reader
from acetate_engine.models.adapters.sharing_files import load_sharing_weights
from acetate_engine.models.adapters.styles import StyleLoras
from acetate_engine.models.adapters.unet_patch import UNetPatch
from acetate_engine.models.checkpoints.kinds import Family
from acetate_engine.models.checkpoints.offsets import OffsetFile
from acetate_engine.training.config import STAGES
from acetate_engine.training.diffusion import frozen_unet
from acetate_engine.training.loop import Trainer


@pytest.fixture
def trained_stage(workshop: Path, data: Path, tmp_path: Path) -> Callable[[str], tuple[Any, Path]]:
    """A stage after two steps, with the weights that it exports in place, and where it exported them."""

    def train(name: str) -> tuple[Any, Path]:
        settings, stage = STAGES[name].build(workshop / f"{name}.yaml", data)
        trainer = Trainer(stage, settings.schedule, tmp_path / "run")
        with torch.enable_grad():
            trainer.run(until=2)
        trainer.export(tmp_path / "export")
        trainer.averaged().__enter__()
        return stage, tmp_path / "export"

    return train


@pytest.fixture
def inputs() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = {"noisy": (2, 4, 4, 4), "text": (2, 16, 384), "given": (2, 8, 4, 4), "hint": (2, 3, 32, 32)}
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def _close(ours: Tensor, theirs: Tensor) -> None:
    """fp16 rounds the exported weights."""
    torch.testing.assert_close(ours, theirs, atol=5e-3, rtol=5e-3)


@torch.no_grad()
def test_a_style_is_read_by_the_engine(
    workshop: Path, trained_stage: Callable[[str], tuple[Any, Path]], inputs: dict[str, Tensor]
) -> None:
    stage, folder = trained_stage("style")
    base = frozen_unet(workshop / "base/unet")
    time, text = torch.tensor([500]), inputs["text"]
    layer = load_sharing_weights(workshop / "layer/transparent.safetensors")
    with AttentionSharing(base, layer):
        before = base(inputs["noisy"], time, text).sample
    StyleLoras(base, [], Family.MINI, {"style": Path(folder / "style.safetensors")}).use({"style": 1.0})
    with AttentionSharing(base, layer):
        after = base(inputs["noisy"], time, text).sample
    _close(after, stage.unet(inputs["noisy"], time, text).sample)
    assert not torch.equal(before, after)


def test_a_style_may_be_exported_weaker_than_it_was_learnt(workshop: Path, data: Path, tmp_path: Path) -> None:
    found = []
    for weight in (1.0, 0.5):
        config = workshop / "weaker.yaml"
        config.write_text((workshop / "style.yaml").read_text() + f"\nexported_weight: {weight}\n")
        _, stage = STAGES["style"].build(config, data)
        with torch.no_grad():
            for name, parameter in stage.unet.named_parameters():
                if "lora_B" in name:
                    parameter.fill_(0.25)
        stage.export(tmp_path)
        found.append(load_file(tmp_path / "style.safetensors"))
    for name, tensor in found[0].items():
        torch.testing.assert_close(found[1][name], tensor * (0.5 if "lora_B" in name else 1))


@torch.no_grad()
def test_concatenated_conditions_are_read_by_the_engine(
    workshop: Path, trained_stage: Callable[[str], tuple[Any, Path]], inputs: dict[str, Tensor]
) -> None:
    stage, folder = trained_stage("concat")
    base = frozen_unet(workshop / "base/unet")
    time, both = torch.tensor([500]), torch.cat([inputs["noisy"], inputs["given"]], 1)
    with UNetPatch(base, OffsetFile(folder / "bgble2fg.safetensors")):
        _close(base(both, time, inputs["text"]).sample, stage.unet(both, time, inputs["text"]).sample)
    assert base.conv_in.in_channels == 4


@torch.no_grad()
def test_a_controlnet_is_read_by_the_engine(
    workshop: Path, trained_stage: Callable[[str], tuple[Any, Path]], inputs: dict[str, Tensor]
) -> None:
    stage, folder = trained_stage("control")
    base, hint = frozen_unet(workshop / "base/unet"), inputs["hint"][:1]
    reader = load_reader(folder, ControlMethod.CONTROLNET, Family.SD15, base, torch.device("cpu"))
    time = torch.tensor(500)
    read = reader.read(hint, None)(inputs["noisy"], time, {"encoder_hidden_states": inputs["text"]})
    outer, middle = stage.control(
        inputs["noisy"], time, inputs["text"], controlnet_cond=hint.expand(2, -1, -1, -1), return_dict=False
    )
    _close(read.middle, middle)
    for ours, theirs in zip(read.outer, outer, strict=True):
        _close(ours, theirs)
