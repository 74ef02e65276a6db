from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from diffusers import EulerDiscreteScheduler, UNet2DConditionModel
from peft import LoraConfig
from torch import Tensor

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.adapters.unet_patch import UNetPatch
from acetate_engine.models.checkpoints.names import to_diffusers
from acetate_engine.models.checkpoints.offsets import OffsetFile
from tests.engine.models import official, small


@pytest.fixture
def unet() -> UNet2DConditionModel:
    return small.sdxl_unet()


@torch.no_grad()
def predict(unet: UNet2DConditionModel, batch: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    sample = torch.randn(batch, unet.conv_in.in_channels, 8, 8, generator=generator)
    return unet(sample, **small.sdxl_arguments(batch)).sample


def row(unet: UNet2DConditionModel, name: str, folder: Path) -> OffsetFile:
    return OffsetFile(official.save(official.XL_ROWS[name](unet), folder / "file.safetensors"))


@pytest.mark.parametrize("name", official.XL_ROWS)
def test_every_row_loads_strictly_and_unloads_bit_for_bit(
    unet: UNet2DConditionModel, name: str, tmp_path: Path
) -> None:
    before, conv_in, plain = copy.deepcopy(unet.state_dict()), unet.conv_in, predict(unet)
    file = row(unet, name, tmp_path)
    patch = UNetPatch(unet, file)
    for _ in range(2):  # the second run must not find conv_in half patched
        with patch:
            assert unet.config.in_channels == unet.conv_in.in_channels == (file.input_channels or 4)
            assert (predict(unet) - plain).abs().max() > 1e-3 or unet.conv_in.in_channels != 4
            changed = unet.state_dict()
            assert {x for x in before if not same(before[x], changed[x])} == set(file.shapes)
        assert unet.conv_in is conv_in
        assert unet.config.in_channels == 4
        assert all(torch.equal(before[x], tensor) for x, tensor in unet.state_dict().items())
        assert torch.equal(predict(unet), plain)


def same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a, b)


def test_offsets_are_added(unet: UNet2DConditionModel, tmp_path: Path) -> None:
    name = "mid_block.attentions.0.proj_in.weight"
    before = unet.get_parameter(name).clone()
    tensors = official.offsets(unet, official.is_not_qkv, 8)
    added = official.diff_tensors(unet, official.is_not_qkv, 8)
    with UNetPatch(unet, OffsetFile(official.save(added, tmp_path / "file.safetensors"))):
        torch.testing.assert_close(unet.get_parameter(name), before + tensors[name])
        torch.testing.assert_close(unet.conv_in.weight[:, 4:], tensors["conv_in.weight"][:, 4:])


def test_both_namings_of_the_attention_weights_agree(unet: UNet2DConditionModel, tmp_path: Path) -> None:
    lora = official.lora_tensors(unet)
    full = {}
    for name in official.shapes(unet, official.is_projection):
        stem = f"diffusion_model.{official.to_ldm(name)}::lora::"
        full[name] = lora[f"{stem}0"] @ lora[f"{stem}1"]
    outputs = []
    for tensors in (lora, full):
        with UNetPatch(unet, OffsetFile(official.save(tensors, tmp_path / "file.safetensors"))):
            outputs.append(predict(unet))
    torch.testing.assert_close(*outputs, atol=1e-5, rtol=0)


def test_half_precision_unets_come_back_too(unet: UNet2DConditionModel, tmp_path: Path) -> None:
    unet.to(torch.float16)
    before = copy.deepcopy(unet.state_dict())
    path = official.save(
        official.half(official.diff_tensors(unet, official.is_not_qkv, 12)), tmp_path / "a.safetensors"
    )
    with UNetPatch(unet, OffsetFile(path)):
        assert {tensor.dtype for tensor in unet.state_dict().values()} == {torch.float16}
    assert all(torch.equal(before[name], tensor) for name, tensor in unet.state_dict().items())


def test_patches_stack_and_come_off_in_reverse(unet: UNet2DConditionModel, tmp_path: Path) -> None:
    plain = predict(unet)
    first = UNetPatch(unet, OffsetFile(official.save(official.lora_tensors(unet), tmp_path / "a.safetensors")))
    second = UNetPatch(unet, row(unet, "layer_xl_fg2ble", tmp_path))
    first.apply()
    second.apply()
    with pytest.raises(RuntimeError, match="applied already"):
        first.apply()
    with pytest.raises(RuntimeError, match="not the patch that was applied last"):
        first.remove()
    second.remove()
    first.remove()
    assert torch.equal(predict(unet), plain)
    with pytest.raises(RuntimeError, match="not the patch that was applied last"):
        first.remove()


def test_a_failure_half_way_leaves_the_unet_whole(
    unet: UNet2DConditionModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = predict(unet)
    file = row(unet, "layer_xl_fg2ble", tmp_path)
    patch = UNetPatch(unet, file)
    half = list(file.read())[: len(file.shapes) // 2]

    def failing() -> Iterator[tuple[str, tuple[Tensor, ...]]]:
        yield from half
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(file, "read", failing)
    with pytest.raises(torch.OutOfMemoryError):
        patch.apply()
    assert torch.equal(predict(unet), plain)


def test_with_a_style_lora(unet: UNet2DConditionModel, tmp_path: Path) -> None:
    file = row(unet, "layer_xl_transparent_attn", tmp_path)
    with UNetPatch(unet, file):
        expected = predict(unet)
    unet.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_out.0"]))  # its up matrices are zero
    with UNetPatch(unet, file):
        torch.testing.assert_close(predict(unet), expected)


def test_the_model_switches_part_way_and_the_solver_keeps_its_history(
    unet: UNet2DConditionModel, tmp_path: Path
) -> None:
    """fg + blend -> bg runs the adapted model first and the base model after, with one scheduler."""
    patch = UNetPatch(unet, row(unet, "layer_xl_fgble2bg", tmp_path))
    conditions = [torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)]
    scheduler = EulerDiscreteScheduler()
    scheduler.set_timesteps(4)
    latent = torch.randn(1, 4, 8, 8) * scheduler.init_noise_sigma
    patch.apply()
    for index, timestep in enumerate(scheduler.timesteps):
        if index == 2:
            patch.remove()
        sample = scheduler.scale_model_input(latent, timestep)
        sample = torch.cat([sample, *(conditions if index < 2 else [])], dim=1)
        with torch.no_grad():
            noise = unet(sample, **{**small.sdxl_arguments(1), "timestep": timestep}).sample
        latent = scheduler.step(noise, timestep, latent).prev_sample
    assert scheduler.step_index == 4
    assert latent.isfinite().all()


class TestRefused:
    """Each names the tensor, and changes nothing."""

    def refuse(self, unet: UNet2DConditionModel, tensors: dict[str, Tensor], folder: Path, match: str) -> None:
        before = copy.deepcopy(unet.state_dict())
        path = official.save(tensors, folder / "file.safetensors")
        with pytest.raises(CheckpointError, match=match):
            UNetPatch(unet, OffsetFile(path))
        assert all(torch.equal(before[name], tensor) for name, tensor in unet.state_dict().items())

    @pytest.mark.parametrize("name", official.XL_ROWS)
    @pytest.mark.parametrize("place", [0, 0.3, 0.9])
    def test_missing(self, unet: UNet2DConditionModel, name: str, place: float, tmp_path: Path) -> None:
        tensors = official.XL_ROWS[name](unet)
        missing = list(tensors)[int(place * len(tensors))]
        del tensors[missing]
        plain = missing.split("::")[0]
        plain = to_diffusers(plain.removeprefix("diffusion_model.")) if "::" in missing else plain
        self.refuse(unet, tensors, tmp_path, re.escape(plain))

    def test_surplus(self, unet: UNet2DConditionModel, tmp_path: Path) -> None:
        tensors = official.diff_tensors(unet, official.is_not_qkv)
        tensors["diffusion_model.input_blocks.40.0.in_layers.2.weight::diff::0"] = torch.zeros(3)
        self.refuse(unet, tensors, tmp_path, "down_blocks.13.resnets.0.conv1.weight left over")

    def test_surplus_that_no_unet_has(self, unet: UNet2DConditionModel, tmp_path: Path) -> None:
        tensors = official.diff_tensors(unet, official.is_not_qkv)
        tensors["diffusion_model.nonsense.weight::diff::0"] = torch.zeros(3)
        self.refuse(unet, tensors, tmp_path, "nonsense.weight::diff::0, which no UNet has")

    def test_other_shape(self, unet: UNet2DConditionModel, tmp_path: Path) -> None:
        tensors = official.offsets(unet, official.is_projection)
        name = next(iter(tensors))
        tensors[name] = tensors[name][:-1]
        self.refuse(unet, tensors, tmp_path, f"{name} is .* instead of")

    def test_not_a_number(self, unet: UNet2DConditionModel, tmp_path: Path) -> None:
        tensors = official.diff_tensors(unet, official.is_not_qkv, 12)
        name = list(tensors)[-1]
        tensors[name].view(-1)[-1] = float("nan")
        self.refuse(unet, tensors, tmp_path, "not numbers in diffusion_model")

    def test_other_family(self, unet: UNet2DConditionModel, tmp_path: Path) -> None:
        self.refuse(unet, official.diff_tensors(small.sd15_unet(), official.is_not_qkv), tmp_path, "does not fit")
