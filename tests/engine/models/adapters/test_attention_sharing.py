from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor2_0
from peft import LoraConfig
from safetensors.torch import load_file
from torch import Tensor

from acetate_engine.models.adapters.attention_sharing import (
    AttentionSharing,
    new_sharing_weights,
    sharing_order,
)
from acetate_engine.models.adapters.sharing_processor import by_frame
from acetate_engine.models.adapters.sharing_weights import ConditionEncoder, SharingWeights
from acetate_engine.verification.seeded import seed_module, seeded_weights
from tests.engine.models import official, small

KINDS = {"transparent": 1, "conditioned": 2, "joint": 3}


@pytest.fixture
def unet() -> UNet2DConditionModel:
    return small.sd15_unet()


def weights(unet: UNet2DConditionModel, frames: int, condition: int = 0) -> SharingWeights:
    return SharingWeights.from_state_dict(official.sharing_tensors(unet, frames, condition))


def inputs(batch: int, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "sample": torch.randn(batch, 4, 8, 16, generator=generator),
        "timestep": torch.tensor(300),
        "encoder_hidden_states": torch.randn(batch, 5, 48, generator=generator),
    }


def image(count: int = 1, seed: int = 9) -> Tensor:
    return torch.rand(count, 3, 64, 128, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@torch.no_grad()
def predict(unet: UNet2DConditionModel, arguments: dict[str, Tensor], **more: object) -> Tensor:
    return unet(**arguments, **more).sample


@torch.no_grad()
def run(
    unet: UNet2DConditionModel, parts: SharingWeights, arguments: dict[str, Tensor], trainable: bool, **more: Any
) -> Tensor:
    with AttentionSharing(unet, parts, trainable) as sharing:
        if sharing.takes_condition:
            sharing.set_condition(image())
        return predict(unet, arguments, **more)


@pytest.mark.parametrize("trainable", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_golden(unet: UNet2DConditionModel, kind: str, trainable: bool) -> None:
    golden = load_file(small.REFERENCES / f"attention_sharing_{kind}.safetensors")
    parts = SharingWeights.from_state_dict(seeded_weights(small.PARAMETERS["parameters"][f"sharing_{kind}"]))
    assert parts.frames == KINDS[kind]
    with AttentionSharing(unet, parts, trainable) as sharing:
        if sharing.takes_condition:
            sharing.set_condition(golden["condition_image"])
        noise = predict(unet, {name: golden[name] for name in ("sample", "timestep", "encoder_hidden_states")})
    assert (noise - golden["noise_pred"]).abs().max() < 2e-5


@pytest.mark.parametrize(("frames", "condition"), [(1, 0), (2, 16), (3, 0)])
def test_detaching_leaves_no_trace(unet: UNet2DConditionModel, frames: int, condition: int) -> None:
    before = copy.deepcopy(unet.state_dict())
    processors = [attention.processor for attention in sharing_order(unet)]
    plain = predict(unet, inputs(6))
    assert not torch.equal(run(unet, weights(unet, frames, condition), inputs(6), trainable=False), plain)
    assert unet.state_dict().keys() == before.keys()
    assert all(torch.equal(before[name], tensor) for name, tensor in unet.state_dict().items())
    assert all(x.processor is y for x, y in zip(sharing_order(unet), processors, strict=True))
    assert torch.equal(predict(unet, inputs(6)), plain)


def test_images_of_a_batch_do_not_mix_and_frames_do(unet: UNet2DConditionModel) -> None:
    parts, arguments = weights(unet, 3), inputs(6)
    both = run(unet, parts, arguments, trainable=False)
    first = {name: value[:3] if value.ndim else value for name, value in arguments.items()}
    torch.testing.assert_close(both[:3], run(unet, parts, first, trainable=False), atol=1e-4, rtol=0)
    first["sample"] = first["sample"].clone()
    first["sample"][1] += 1  # another second frame changes the first frame
    assert (run(unet, parts, first, trainable=False)[0] - both[0]).abs().max() > 1e-3


def test_each_image_has_its_condition_and_guidance_repeats_them(unet: UNet2DConditionModel) -> None:
    parts, arguments = weights(unet, 2, condition=16), inputs(4)
    doubled = {name: torch.cat([value, value]) if value.ndim else value for name, value in arguments.items()}
    pictures = image(2)
    with AttentionSharing(unet, parts) as sharing:
        sharing.set_condition(pictures)
        guided = predict(unet, doubled)
        sharing.set_condition(pictures[1:])
        second = predict(unet, {name: value[2:] if value.ndim else value for name, value in arguments.items()})
    torch.testing.assert_close(guided[:4], guided[4:], atol=1e-4, rtol=0)
    torch.testing.assert_close(guided[2:4], second, atol=1e-4, rtol=0)


def test_the_condition_is_computed_once(unet: UNet2DConditionModel) -> None:
    parts = weights(unet, 2, condition=16)
    calls = []
    for unit in parts.units():
        unit.control_convs[0].register_forward_hook(lambda *_: calls.append(1))
    with AttentionSharing(unet, parts) as sharing:
        sharing.set_condition(image())
        steps = [predict(unet, inputs(2)) for _ in range(3)]
        assert len(calls) == 32
        sharing.set_condition(image(seed=10))
        assert not torch.equal(predict(unet, inputs(2)), steps[0])
    assert torch.equal(steps[0], steps[2])


def test_prompts_of_each_frame(unet: UNet2DConditionModel) -> None:
    texts = [torch.randn(2, 5, 48) for _ in range(3)]
    batch = torch.stack(texts, dim=1).flatten(0, 1)  # frame by frame of each image
    assert torch.equal(batch[4], texts[1][1])
    frames = by_frame(batch, 3).unbind(1)
    assert all(torch.equal(x, y) for x, y in zip(frames, texts, strict=True))


def test_gradients_reach_every_trainable_weight(unet: UNet2DConditionModel) -> None:
    parts = new_sharing_weights(unet, 2, rank=4, condition=16)
    seed_module(parts)
    with AttentionSharing(unet, parts, trainable=True) as sharing:
        sharing.set_condition(image())
        unet(**inputs(2)).sample.square().mean().backward()
    assert [name for name, x in parts.named_parameters() if x.grad is None or not x.grad.any()] == []
    assert all(x.grad is None for x in unet.parameters())


def test_untrained_weights_change_nothing(unet: UNet2DConditionModel) -> None:
    plain = predict(unet, inputs(2))
    same = run(unet, new_sharing_weights(unet, 2, rank=4, condition=16), inputs(2), trainable=False)
    torch.testing.assert_close(same, plain, atol=1e-5, rtol=0)


class TestTogether:
    """With diffusers' own mechanisms: merged must equal unmerged, and the addition must matter."""

    def compare(self, unet: UNet2DConditionModel, plain: Tensor, **more: object) -> None:
        parts = weights(unet, 3)
        merged = run(unet, parts, inputs(6), trainable=False, **more)
        torch.testing.assert_close(merged, run(unet, parts, inputs(6), trainable=True, **more), atol=1e-4, rtol=0)
        assert (merged - plain).abs().max() > 1e-3

    def plain(self, unet: UNet2DConditionModel) -> Tensor:
        return run(unet, weights(unet, 3), inputs(6), trainable=False)

    def test_style_lora(self, unet: UNet2DConditionModel) -> None:
        plain = self.plain(unet)
        unet.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_k", "to_v", "to_out.0", "conv1"]))
        for name, parameter in unet.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.2)
        self.compare(unet, plain)

    def test_ip_adapter(self, unet: UNet2DConditionModel) -> None:
        plain = self.plain(unet)
        unet._load_ip_adapter_weights([ip_adapter(unet)])
        images = torch.randn(6, 1, 10, generator=torch.Generator().manual_seed(3))
        self.compare(unet, plain, added_cond_kwargs={"image_embeds": [images]})

    def test_controlnet(self, unet: UNet2DConditionModel) -> None:
        controlnet = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(8, 16, 16, 16))
        seed_module(controlnet)
        with torch.no_grad():
            down, mid = controlnet(**inputs(6), controlnet_cond=torch.rand(6, 3, 64, 128), return_dict=False)
        more = {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}
        self.compare(unet, self.plain(unet), **more)

    def test_masked_text(self, unet: UNet2DConditionModel) -> None:
        mask = torch.ones(6, 5)
        mask[1, 3:] = 0
        self.compare(unet, self.plain(unet), encoder_attention_mask=mask)

    def test_processors_replaced_while_attached_are_an_error(self, unet: UNet2DConditionModel) -> None:
        sharing = AttentionSharing(unet, weights(unet, 1))
        unet.set_attn_processor(AttnProcessor2_0())
        with pytest.raises(RuntimeError, match="load IP-Adapters and choose attention backends before attaching"):
            sharing.detach()


def ip_adapter(unet: UNet2DConditionModel) -> dict[str, dict[str, Tensor]]:
    """A synthetic IP-Adapter: 4 tokens from an image embedding of width 10."""
    projection = {"proj.weight": (4 * 48, 10), "proj.bias": (4 * 48,), "norm.weight": (48,), "norm.bias": (48,)}
    crosses = [x for x in unet.attn_processors if x.endswith("attn2.processor")]
    attention = {
        f"{2 * index + 1}.{part}.weight": (unet.get_submodule(name.removesuffix(".processor")).query_dim, 48)
        for index, name in enumerate(crosses)
        for part in ("to_k_ip", "to_v_ip")
    }
    return {"image_proj": seeded_weights(projection), "ip_adapter": seeded_weights(attention)}


def test_bfloat16_is_close(unet: UNet2DConditionModel) -> None:
    exact = run(unet, weights(unet, 3), inputs(3), trainable=False)
    rough = small.sd15_unet().to(torch.bfloat16)
    arguments = {name: x.to(torch.bfloat16) if x.is_floating_point() else x for name, x in inputs(3).items()}
    close = run(rough, weights(rough, 3), arguments, trainable=False)
    assert close.dtype == torch.bfloat16
    assert (close - exact).abs().mean() < 0.1 * exact.abs().mean()


def test_batches_that_are_not_multiples_of_the_frames_are_refused(unet: UNet2DConditionModel) -> None:
    with pytest.raises(ValueError, match="images x 3 frames, got 4"):
        run(unet, weights(unet, 3), inputs(4), trainable=False)
    assert torch.isfinite(predict(unet, inputs(4))).all(), "the UNet must be whole again"


def test_conditions_that_do_not_fit_are_refused(unet: UNet2DConditionModel) -> None:
    with (
        AttentionSharing(unet, weights(unet, 1)) as sharing,
        pytest.raises(ValueError, match="takes no condition image"),
    ):
        sharing.set_condition(image())
    with AttentionSharing(unet, weights(unet, 2, condition=16)) as sharing:
        sharing.set_condition(image()[..., :64])
        with pytest.raises(ValueError, match="give it the size in pixels that is generated"):
            predict(unet, inputs(2))


def test_weights_of_another_family_are_refused(unet: UNet2DConditionModel) -> None:
    other = small.sdxl_unet()
    with pytest.raises(ValueError, match="this UNet has"):
        AttentionSharing(other, weights(unet, 1))
    narrow = UNet2DConditionModel(**{**small.PARAMETERS["sharing_unet_config"], "cross_attention_dim": 40})
    with pytest.raises(ValueError, match="part 1 of the layer adapter is for widths"):
        AttentionSharing(narrow, weights(unet, 1))


def test_works_on_other_unets() -> None:
    """Any UNet2DConditionModel, here SDXL's blocks."""
    unet = small.sdxl_unet()
    arguments = {"sample": torch.randn(4, 4, 8, 8), **small.sdxl_arguments(4)}
    parts = weights(unet, 2)
    merged = run(unet, parts, arguments, trainable=False)
    torch.testing.assert_close(merged, run(unet, parts, arguments, trainable=True), atol=1e-4, rtol=0)


@torch.no_grad()
def test_a_new_pyramid_still_sees_its_picture() -> None:
    """torch's own initialisation leaves a three-hundredth of it, and training from there goes nowhere."""
    torch.manual_seed(0)
    picture = torch.rand(2, 3, 128, 128) * 2 - 1
    for level in ConditionEncoder(32)(picture).values():
        assert 0.05 < level.flatten(2).std(-1).mean() < 5
