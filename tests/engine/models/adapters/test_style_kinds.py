"""What is no plain LoRA: each kind against its own formula, and gone without a trace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from acetate_engine.models.adapters.styles import StyleLoras
from acetate_engine.models.checkpoints.info import Family
from tests.engine.models import add_ons, official, single_file, small

LINEAR = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
CONV = "mid_block.resnets.0.conv1"
NORM = "mid_block.resnets.0.norm1"
Made = tuple[str, dict[str, Tensor], Callable[[Tensor], Tensor]]
"""(layer, its tensors, weight → what it becomes at weight 1)."""


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape))) * 0.3


def loha(w: Tensor) -> Made:
    a1, b1, a2, b2 = random(w.shape[0], 2), random(2, w.shape[1]), random(w.shape[0], 2), random(2, w.shape[1])
    tensors = {"hada_w1_a": a1, "hada_w1_b": b1, "hada_w2_a": a2, "hada_w2_b": b2, "alpha": torch.tensor(1.0)}
    return LINEAR, tensors, lambda base: base + (a1 @ b1) * (a2 @ b2) / 2


def lokr(w: Tensor) -> Made:
    one, a, b = random(4, 2), random(w.shape[0] // 4, 3), random(3, w.shape[1] // 2)
    tensors = {"lokr_w1": one, "lokr_w2_a": a, "lokr_w2_b": b, "alpha": torch.tensor(6.0)}
    return LINEAR, tensors, lambda base: base + 2 * torch.kron(one, a @ b)


def lokr_full_conv(w: Tensor) -> Made:
    one, two = random(2, 2), random(w.shape[0] // 2, w.shape[1] // 2, 3, 3)
    tensors = {"lokr_w1": one, "lokr_w2": two, "alpha": torch.tensor(99.0)}  # which then means nothing
    return CONV, tensors, lambda base: base + torch.kron(one[..., None, None], two)


def tucker(w: Tensor) -> Made:
    down, mid, up = random(2, w.shape[1], 1, 1), random(3, 2, 3, 3), random(w.shape[0], 3, 1, 1)
    tensors = {"lora_down.weight": down, "lora_mid.weight": mid, "lora_up.weight": up, "alpha": torch.tensor(1.0)}
    offset = torch.einsum("op,pqkl,qi->oikl", up[..., 0, 0], mid, down[..., 0, 0])
    return CONV, tensors, lambda base: base + offset / 2


def locon(w: Tensor) -> Made:
    down, up = random(2, w.shape[1], 3, 3), random(w.shape[0], 2, 1, 1)
    offset = torch.einsum("or,rikl->oikl", up[..., 0, 0], down)
    return CONV, {"lora_down.weight": down, "lora_up.weight": up}, lambda base: base + offset


def full(w: Tensor) -> Made:
    offset = random(*w.shape)
    return LINEAR, {"diff": offset}, lambda base: base + offset


def norm(w: Tensor) -> Made:
    offset = random(*w.shape)
    return NORM, {"w_norm": offset}, lambda base: base + offset


def dora(w: Tensor, rows: bool = True) -> Made:
    down, up = random(2, w.shape[1]), random(w.shape[0], 2)
    magnitude = 1 + random(w.shape[0], 1).abs() if rows else 1 + random(1, w.shape[1]).abs()
    tensors = {"lora_down.weight": down, "lora_up.weight": up, "dora_scale": magnitude}

    def changed(base: Tensor) -> Tensor:
        raised = base + up @ down
        return raised * magnitude / raised.norm(dim=1 if rows else 0, keepdim=True)

    return LINEAR, tensors, changed


KINDS = {
    "LoHa": (LINEAR, loha),
    "LoKr": (LINEAR, lokr),
    "LoKr of a convolution, in full": (CONV, lokr_full_conv),
    "LoCon": (CONV, locon),
    "LoCon with Tucker": (CONV, tucker),
    "full difference": (LINEAR, full),
    "norm": (NORM, norm),
    "DoRA": (LINEAR, dora),
    "DoRA by columns": (LINEAR, lambda w: dora(w, rows=False)),
}


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prefix", ["lora_unet_", "unet.", "diffusion_model."])
def test_each_kind_is_its_formula(kind: str, prefix: str, tmp_path: Path, unet: nn.Module) -> None:
    layer, make = KINDS[kind]
    weight = unet.get_parameter(f"{layer}.weight")
    original = weight.clone()
    _, tensors, become = make(original)
    stem = prefix + (layer.replace(".", "_") if prefix.endswith("_") else layer)
    path = official.save({f"{stem}.{what}": x for what, x in tensors.items()}, tmp_path / "a.safetensors")
    styles = StyleLoras(unet, [], Family.SD15, {"odd": path})
    styles.use({"odd": 0.5})
    expected = original + 0.5 * (become(original) - original)
    torch.testing.assert_close(effective(unet.get_submodule(layer)), expected, atol=2e-5, rtol=1e-4)
    assert (expected - original).abs().max() > 1e-3
    styles.use({})
    assert unet.get_parameter(f"{layer}.weight") is weight and torch.equal(weight, original)


def effective(layer: nn.Module) -> Tensor:
    """Of a layer that peft may have wrapped."""
    if not hasattr(layer, "base_layer"):
        return cast(Tensor, layer.weight)
    return cast(Tensor, layer.base_layer.weight + layer.get_delta_weight("style_0"))


def test_differences_of_biases_too(tmp_path: Path, unet: nn.Module) -> None:
    bias = unet.get_parameter(f"{CONV}.bias")
    before, offset = bias.clone(), random(*bias.shape)
    path = official.save({f"lora_unet_{CONV.replace('.', '_')}.diff_b": offset}, tmp_path / "a.safetensors")
    styles = StyleLoras(unet, [], Family.SD15, {"odd": path})
    styles.use({"odd": 2.0})
    torch.testing.assert_close(bias, before + 2 * offset)
    styles.use({})
    assert torch.equal(bias, before)


@pytest.fixture(scope="module")
def unet() -> nn.Module:
    return small.sd15_unet()


def test_parts_that_the_model_lacks_are_said(tmp_path: Path, unet: nn.Module) -> None:
    second = add_ons.kohya(add_ons.text_factors(single_file.modules(Family.SDXL)["text_encoder_2"]), "lora_te2")
    tensors = add_ons.kohya(add_ons.few_factors(unet, 0), "lora_unet") | second
    styles = StyleLoras(unet, [], Family.SD15, {"odd": official.save(tensors, tmp_path / "odd.safetensors")})
    styles.use({"odd": 1.0})
    (note,) = styles.notes
    assert "odd.safetensors" in note and "text_encoder_2" in note and f"({len(second) // 3})" in note
    styles.use({})
    assert styles.notes == ()


def test_words_of_a_bundle_come_with_it(tmp_path: Path, unet: nn.Module) -> None:
    tensors = add_ons.kohya(add_ons.few_factors(unet, 0), "lora_unet") | {"bundle_emb.zyx.emb_params": random(2, 48)}
    styles = StyleLoras(unet, [], Family.SD15, {"odd": official.save(tensors, tmp_path / "a.safetensors")})
    styles.use({"odd": 1.0})
    assert set(styles.embeddings) == {"zyx"}


TEXT_PREFIXES = {
    "lora_te_": "_",
    "text_encoder.": ".",
    "base_model.model.": ".",
    "base_model.model.text_encoder.": ".",
    "clip_l.": ".",
}


@pytest.mark.parametrize("prefix", TEXT_PREFIXES)
def test_text_encoders_alone(prefix: str, tmp_path: Path, unet: nn.Module) -> None:
    encoder = single_file.modules(Family.SD15)["text_encoder"]
    tokens = torch.tensor([[0, 5, 9, 2]])
    plain = encoder(tokens)[0]
    tensors = {}
    for name, (down, up) in add_ons.text_factors(encoder).items():
        stem = prefix + name.replace(".", TEXT_PREFIXES[prefix])
        tensors |= {f"{stem}.lora_A.weight": down, f"{stem}.lora_B.weight": up}
    styles = StyleLoras(unet, [encoder], Family.SD15, {"t": official.save(tensors, tmp_path / "a.safetensors")})
    styles.use({"t": 1.0})
    assert (encoder(tokens)[0] - plain).abs().max() > 1e-4
    styles.use({})
    assert torch.equal(encoder(tokens)[0], plain)
