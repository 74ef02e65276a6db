from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.adapters.attention_sharing import AttentionSharing
from acetate_engine.models.adapters.sharing_weights import SharingWeights
from acetate_engine.models.adapters.styles import StyleLoras
from acetate_engine.models.checkpoints.info import Family
from tests.engine.models import add_ons, official, single_file, small, spellings

Factors = dict[str, tuple[Tensor, Tensor]]
SPELLINGS = [
    pytest.param(family, name, spell, id=f"{family.value} {name}", marks=marks)
    for family, some, marks in (
        (Family.SD15, spellings.ANY | spellings.SD15, ()),
        (Family.SDXL, spellings.SDXL, ()),
        (Family.SDXL, spellings.ANY, pytest.mark.long),  # the same code reads them for SD1.5
    )
    for name, spell in some.items()
]


def parts(family: Family) -> dict[str, nn.Module]:
    unet = add_ons.UNETS[family]()
    texts = [name for name in single_file.modules(family) if name.startswith("text_encoder")]
    return {"unet": unet, **{name: _copy(single_file.modules(family)[name]) for name in texts}}


@pytest.fixture(scope="module")
def models() -> dict[Family, dict[str, nn.Module]]:
    """Each test leaves them as they were: that is part of it."""
    return {family: parts(family) for family in (Family.SD15, Family.SDXL)}


def _copy(module: nn.Module) -> nn.Module:
    fresh = type(module)(module.config)
    fresh.load_state_dict(module.state_dict())
    return fresh.eval().requires_grad_(False)


def shelf(family: Family, found: dict[str, nn.Module], **files: Path) -> StyleLoras:
    texts = [module for name, module in found.items() if name != "unet"]
    return StyleLoras(found["unet"], texts, family, files)


@torch.no_grad()
def predict(unet: nn.Module, batch: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    sample = torch.randn(batch, 4, 8, 8, generator=generator)
    if unet.config.addition_embed_type:
        return unet(sample, **small.sdxl_arguments(batch)).sample
    return unet(sample, 300, torch.randn(batch, 5, 48, generator=generator)).sample


def merged(family: Family, factors: Factors, weight: float) -> nn.Module:
    unet = add_ons.UNETS[family]()
    with torch.no_grad():
        for name, (down, up) in factors.items():
            base = unet.get_parameter(f"{name}.weight")
            base += weight * (up.flatten(1) @ down.flatten(1)).reshape(base.shape)
    return unet


@pytest.mark.parametrize(("family", "name", "spell"), SPELLINGS)
def test_one_picture_whatever_the_spelling(
    family: Family, name: str, spell: spellings.Spell, tmp_path: Path, models: dict[Family, dict[str, nn.Module]]
) -> None:
    """The product, added; and without the style the very same UNet."""
    found = models[family]
    factors = add_ons.unet_factors(found["unet"])
    before = {key: tensor.clone() for key, tensor in found["unet"].state_dict().items()}
    modules, plain = dict(found["unet"].named_modules()), predict(found["unet"])
    styles = shelf(family, found, ink=official.save(spell(factors), tmp_path / "a.safetensors"))
    styles.use({"ink": 0.7})
    expected = predict(merged(family, factors, 0.7))
    torch.testing.assert_close(predict(found["unet"]), expected, atol=2e-5, rtol=0)
    assert (expected - plain).abs().max() > 1e-3
    styles.use({})
    after = found["unet"].state_dict()
    assert after.keys() == before.keys() and all(torch.equal(before[key], x) for key, x in after.items())
    assert all(modules[key] is module for key, module in found["unet"].named_modules())
    assert torch.equal(predict(found["unet"]), plain)


@pytest.mark.parametrize("family", [Family.SD15, Family.SDXL])
def test_text_encoders_too(family: Family, tmp_path: Path) -> None:
    found = parts(family)
    tokens = torch.tensor([[0, 5, 9, 2]])
    texts = {name: module for name, module in found.items() if name != "unet"}
    plain = {name: module(tokens)[0] for name, module in texts.items()}
    tensors = {}
    for name, prefix in zip(texts, ("lora_te1", "lora_te2") if len(texts) > 1 else ("lora_te",), strict=True):
        tensors |= add_ons.kohya(add_ons.text_factors(texts[name]), prefix)
    styles = shelf(family, found, ink=official.save(tensors, tmp_path / "a.safetensors"))
    styles.use({"ink": 1.0})
    assert all((module(tokens)[0] - plain[name]).abs().max() > 1e-4 for name, module in texts.items())
    styles.use({})
    assert all(torch.equal(module(tokens)[0], plain[name]) for name, module in texts.items())


def test_several_add_up_whatever_their_order(tmp_path: Path) -> None:
    found = parts(Family.SD15)
    files = {
        f"s.{salt}": official.save(
            add_ons.peft(add_ons.unet_factors(found["unet"], salt)), tmp_path / f"{salt}.safetensors"
        )
        for salt in range(2)
    }
    styles = StyleLoras(found["unet"], [], Family.SD15, files)
    styles.use({"s.0": 0.5, "s.1": -1.0})
    both = predict(found["unet"])
    styles.use({"s.1": -1.0, "s.0": 0.5})
    torch.testing.assert_close(predict(found["unet"]), both, atol=2e-5, rtol=0)
    styles.use({"s.0": 0.5})
    assert (predict(found["unet"]) - both).abs().max() > 1e-3


def test_layer_weights_are_merged_with_them(tmp_path: Path) -> None:
    found = parts(Family.SD15)
    unet, factors = found["unet"], add_ons.unet_factors(found["unet"])
    layer = SharingWeights.from_state_dict(official.sharing_tensors(unet, 3))
    whole = merged(Family.SD15, factors, 1.0)
    with AttentionSharing(whole, layer):
        expected = predict(whole, 3)
    styles = shelf(Family.SD15, found, ink=official.save(add_ons.peft(factors), tmp_path / "a.safetensors"))
    styles.use({"ink": 1.0})
    with AttentionSharing(unet, layer):
        torch.testing.assert_close(predict(unet, 3), expected, atol=1e-4, rtol=0)


def bad(what: str, *shape: int) -> dict[str, Tensor]:
    """Of the layer `INK`, whose weight is (64, 64, 1, 1)."""
    pair = {"lora_down.weight": torch.ones(2, 64, 1, 1), "lora_up.weight": torch.ones(64, 2, 1, 1)}
    return {f"{INK}.{name}": x for name, x in {**pair, what: torch.ones(shape)}.items()}


STRAY = "lora_unet_down_blocks_9_attentions_0_transformer_blocks_0_attn1_to_q"
SURPLUS = {f"{STRAY}.lora_down.weight": torch.zeros(2, 8), f"{STRAY}.lora_up.weight": torch.zeros(8, 2)}
INK = "lora_unet_mid_block_attentions_0_proj_in"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (SURPLUS, "no place for it: down_blocks.9 (1)"),
        ({f"{STRAY}.hada_w1_a": torch.zeros(2, 2), f"{STRAY}_x.dora_scale": torch.zeros(2)}, "down_blocks.9 (2)"),
        ({"lora_unet_odd.gamma": torch.zeros(1), "lora_unet_odd.beta": torch.zeros(1)}, "odd.beta and 1 more"),
        ({f"{INK}.oft_blocks": torch.zeros(2, 2, 2), f"{INK}.alpha": torch.ones(1)}, "OFT: mid_block_attentions.0 (1)"),
        ({f"{INK}.weight": torch.zeros(8), f"{INK}.on_input": torch.ones(1)}, "IA³: mid_block_attentions.0 (1)"),
        ({"text_encoder.encoder.layers.0.mlp.fc1.ia3_l": torch.zeros(8)}, "IA³: text_encoder (1)"),
        (
            {f"{INK}.{x}.weight": torch.zeros(2, 2) for x in ("a1", "b2")},
            "GLoRA: mid_block_attentions.0 (1)",
        ),
        (
            bad("lora_down.weight", 2, 7, 1, 1),
            "mid_block_attentions.0 (1); the first, mid_block_attentions.0.proj_in, is for",
        ),
        (bad("lora_up.weight", 64, 3, 1, 1), "has factors of ranks 2 and 3"),
        (bad("dora_scale", 5), "has 5 magnitudes"),
        (bad("lora_mid.weight", 5, 5, 1, 1), "has factors that do not fit together"),
        (bad("alpha", 3), "has an alpha of 3 numbers"),
        ({f"{INK}.hada_w1_a": torch.ones(64, 2)}, "has factors that do not fit together"),
        (bad("diff_b", 3), "a difference of a bias"),
        ({f"{INK}.diff": torch.ones(64, 3)}, "is for (64, 3), and the model has"),
        ({f"{INK}.lokr_w1": torch.ones(2, 2), f"{INK}.lokr_w2": torch.ones(3, 3)}, "is for (6, 6), and the model has"),
    ],
    ids=[
        *("a layer", "other kinds of it", "what nobody knows", "OFT", "IA³", "IA³ of a text encoder", "GLoRA"),
        *("down", "ranks", "magnitudes", "Tucker", "alpha", "LoHa", "bias", "difference", "LoKr"),
    ],
)
def test_what_can_be_applied_is_and_the_rest_is_named(
    more: dict[str, Tensor], words: str, tmp_path: Path, models: dict[Family, dict[str, nn.Module]]
) -> None:
    found = models[Family.SD15]
    factors = {name: pair for name, pair in add_ons.unet_factors(found["unet"]).items() if "mid_block" not in name}
    path = official.save({**add_ons.kohya(factors, "lora_unet"), **more}, tmp_path / "file.safetensors")
    styles = shelf(Family.SD15, found, ink=path)
    styles.use({"ink": 0.7})
    scaled = {name: (down, up / 2) for name, (down, up) in factors.items()}  # the scale that kohya's alpha is
    torch.testing.assert_close(predict(found["unet"]), predict(merged(Family.SD15, scaled, 0.7)), atol=2e-5, rtol=0)
    assert ["file.safetensors" in note and words in note for note in styles.notes] == [True]
    styles.use({})
    assert styles.notes == ()


class TestRefused:
    """Each names the tensor, and nothing is changed."""

    def refuse(self, tensors: dict[str, Tensor], folder: Path, match: str, family: Family = Family.SD15) -> None:
        found = parts(family)
        plain = predict(found["unet"])
        styles = shelf(family, found, ink=official.save(tensors, folder / "file.safetensors"))
        with pytest.raises(CheckpointError, match=match):
            styles.use({"ink": 1.0})
        assert torch.equal(predict(found["unet"]), plain)

    @pytest.fixture
    def good(self) -> dict[str, Tensor]:
        return add_ons.kohya(add_ons.unet_factors(small.sd15_unet()), "lora_unet")

    def test_half_a_pair(self, good: dict[str, Tensor], tmp_path: Path) -> None:
        name = next(x for x in good if x.endswith("lora_up.weight"))
        del good[name]
        self.refuse(good, tmp_path, name)

    def test_other_shapes_alone(self, tmp_path: Path) -> None:
        self.refuse(bad("lora_down.weight", 2, 7, 1, 1), tmp_path, r"is for \(7, 1, 1\), and the model has")

    def test_nothing_that_has_a_place(self, tmp_path: Path) -> None:
        self.refuse(SURPLUS, tmp_path, r"down_blocks\.9 \(1\).*down_blocks\.9\.attentions\.0")

    def test_not_a_number(self, good: dict[str, Tensor], tmp_path: Path) -> None:
        name = next(x for x in good if x.endswith("lora_up.weight"))
        good[name][0, 0] = float("nan")
        self.refuse(good, tmp_path, f"not numbers in {name}")

    def test_other_family(self, tmp_path: Path) -> None:
        stem = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
        tensors = {f"{stem}.lora_down.weight": torch.zeros(2, 2048), f"{stem}.lora_up.weight": torch.zeros(8, 2)}
        self.refuse(tensors, tmp_path, r"style LoRA \(SDXL\), but a style LoRA \(SD1.5\)")

    def test_another_kind_of_file(self, tmp_path: Path) -> None:
        self.refuse(small.encoder().state_dict(), tmp_path, "transparency encoder, but a style LoRA")
