from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import CLIPVisionModelWithProjection

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.adapters.attention_sharing import AttentionSharing, sharing_order
from acetate_engine.models.adapters.concat_condition import grow_conv_in
from acetate_engine.models.adapters.image_prompts import IPAdapters
from acetate_engine.models.adapters.sharing_weights import SharingWeights
from acetate_engine.models.checkpoints.kinds import Family
from tests.engine.models import add_ons, official, small

CPU = torch.device("cpu")
PICTURE = torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(1))
MAKERS = {"plain": add_ons.ip_adapter, "plus": add_ons.ip_adapter_plus}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    add_ons.image_encoder().save_pretrained(tmp_path / "image_encoder")
    return tmp_path


def shelf(unet: torch.nn.Module, family: Family, folder: Path, *kinds: str) -> IPAdapters:
    files = {kind: official.save(MAKERS[kind](unet), folder / f"{kind}.safetensors") for kind in kinds}
    return IPAdapters(unet, family, files, [folder / "image_encoder"], CPU)


@torch.no_grad()
def predict(unet: torch.nn.Module, batch: int = 1, pictures: list[Tensor] | None = None) -> Tensor:
    sample = torch.randn(batch, 4, 8, 8, generator=torch.Generator().manual_seed(2))
    arguments: dict[str, Any] = {"timestep": 300, "encoder_hidden_states": torch.ones(batch, 5, 48)}
    if unet.config.addition_embed_type:
        arguments = small.sdxl_arguments(batch)
    if pictures is not None:
        more = [x.expand(batch, *x.shape[1:]) for x in pictures]
        arguments["added_cond_kwargs"] = {**arguments.get("added_cond_kwargs", {}), "image_embeds": more}
    return unet(sample, **arguments).sample


@pytest.mark.parametrize("kinds", [("plain",), ("plus",), ("plain", "plus")])
@pytest.mark.parametrize("family", [Family.SD15, Family.SDXL])
def test_a_picture_acts_and_leaves_no_trace(family: Family, kinds: tuple[str, ...], folder: Path) -> None:
    unet = add_ons.UNETS[family]()
    plain, before = predict(unet), {name: x.clone() for name, x in unet.state_dict().items()}
    processors = [attention.processor for attention in sharing_order(unet)]
    adapters = shelf(unet, family, folder, *kinds)
    adapters.use([(kind, 1.0) for kind in kinds])
    pairs = adapters.embed([PICTURE] * len(kinds))
    seen = predict(unet, pictures=[picture for _, picture in pairs])
    assert (seen - predict(unet, pictures=[nothing for nothing, _ in pairs])).abs().max() > 1e-4
    adapters.use([(kind, 0.0) for kind in kinds])
    torch.testing.assert_close(predict(unet, pictures=[picture for _, picture in pairs]), plain, atol=1e-5, rtol=0)
    adapters.use([])
    after = unet.state_dict()
    assert after.keys() == before.keys() and all(torch.equal(before[name], x) for name, x in after.items())
    assert all(x.processor is y for x, y in zip(sharing_order(unet), processors, strict=True))
    assert unet.encoder_hid_proj is None and torch.equal(predict(unet), plain)


def test_a_picture_is_seen_also_where_a_layer_adapter_has_grown_the_input(folder: Path) -> None:
    unet = add_ons.UNETS[Family.SDXL]()
    adapters = shelf(unet, Family.SDXL, folder, "plain")
    adapters.use([("plain", 1.0)])
    pictures = [picture for _, picture in adapters.embed([PICTURE])]
    seen = predict(unet, pictures=pictures)
    put_back = grow_conv_in(unet, 8)
    put_back()
    assert torch.equal(predict(unet, pictures=pictures), seen)
    adapters.use([])
    assert unet.config.encoder_hid_dim_type is None


def test_each_frame_of_shared_attention_sees_it(folder: Path) -> None:
    """Merged weights, the published way of computing, and the adapter: all three agree."""
    unet = small.sd15_unet()
    adapters = shelf(unet, Family.SD15, folder, "plain")
    adapters.use([("plain", 0.8)])
    pictures = [picture for _, picture in adapters.embed([PICTURE])]
    layer = SharingWeights.from_state_dict(official.sharing_tensors(unet, 3))
    with AttentionSharing(unet, layer):
        merged = predict(unet, 3, pictures)
        without = predict(unet, 3, [torch.zeros_like(picture) for picture in pictures])
    with AttentionSharing(unet, layer, trainable=True):
        torch.testing.assert_close(predict(unet, 3, pictures), merged, atol=1e-4, rtol=0)
    assert ((merged - without).abs().amax((1, 2, 3)) > 1e-4).all()


@pytest.mark.parametrize("kind", MAKERS)
def test_several_pictures_for_one_adapter_each_with_its_weight(kind: str, folder: Path) -> None:
    """As two equal files would, but in the memory of one."""
    unet, others = small.sd15_unet(), [PICTURE, PICTURE.flip(0) * 0.5]
    adapters = shelf(unet, Family.SD15, folder, kind)
    adapters.use([(kind, 0.9), (kind, -0.4)])
    seen = predict(unet, pictures=[picture for _, picture in adapters.embed(others)])
    twins = small.sd15_unet()
    files = dict.fromkeys(("one", "two"), folder / f"{kind}.safetensors")
    apart = IPAdapters(twins, Family.SD15, files, [folder / "image_encoder"], CPU)
    apart.use([("one", 0.9), ("two", -0.4)])
    expected = predict(twins, pictures=[picture for _, picture in apart.embed(others)])
    torch.testing.assert_close(seen, expected, atol=1e-5, rtol=0)
    assert (seen - predict(unet, pictures=[p for _, p in adapters.embed(others[::-1])])).abs().max() > 1e-4
    assert sum(x.numel() for x in unet.parameters()) < sum(x.numel() for x in twins.parameters())


def test_the_embedding_is_that_of_the_image_encoder(folder: Path) -> None:
    adapters = shelf(small.sd15_unet(), Family.SD15, folder, "plain")
    adapters.use([("plain", 1.0)])
    ((nothing, picture),) = adapters.embed([torch.full((3, 32, 32), 0.6)])
    mean, std = torch.tensor([0.48145466, 0.4578275, 0.40821073]), torch.tensor([0.26862954, 0.26130258, 0.27577711])
    encoder = CLIPVisionModelWithProjection.from_pretrained(folder / "image_encoder")
    with torch.no_grad():
        expected = encoder(((0.6 - mean) / std).reshape(1, 3, 1, 1).expand(1, 3, 32, 32)).image_embeds
    torch.testing.assert_close(picture[:, 0], expected, atol=1e-4, rtol=1e-4)
    assert not nothing.any()


class TestRefused:
    """Each names what is wrong, and changes nothing."""

    def refuse(self, tensors: dict[str, Tensor], folder: Path, match: str) -> None:
        unet = small.sd15_unet()
        plain = predict(unet)
        path = official.save(tensors, folder / "file.safetensors")
        adapters = IPAdapters(unet, Family.SD15, {"file": path}, [folder / "image_encoder"], CPU)
        with pytest.raises(CheckpointError, match=match):
            adapters.use([("file", 1.0)])
        assert torch.equal(predict(unet), plain)

    @pytest.fixture
    def good(self) -> dict[str, Tensor]:
        return add_ons.ip_adapter(small.sd15_unet())

    def test_missing(self, good: dict[str, Tensor], folder: Path) -> None:
        del good["ip_adapter.5.to_k_ip.weight"]
        self.refuse(good, folder, r"ip_adapter\.5\.to_k_ip\.weight missing")

    def test_surplus(self, good: dict[str, Tensor], folder: Path) -> None:
        self.refuse({**good, "ip_adapter.99.to_k_ip.weight": torch.zeros(1)}, folder, r"ip_adapter\.99.*left over")

    def test_missing_projection(self, good: dict[str, Tensor], folder: Path) -> None:
        del good["image_proj.norm.weight"]
        self.refuse(good, folder, "norm.weight")

    def test_faces(self, good: dict[str, Tensor], folder: Path) -> None:
        del good["image_proj.proj.weight"]
        self.refuse({**good, "image_proj.proj.0.weight": torch.zeros(2, 2)}, folder, "for faces")

    def test_not_a_number(self, good: dict[str, Tensor], folder: Path) -> None:
        good["ip_adapter.1.to_v_ip.weight"][0] = float("inf")
        self.refuse(good, folder, "not numbers in ip_adapter.1.to_v_ip.weight")

    def test_other_family(self, folder: Path) -> None:
        self.refuse({"ip_adapter.1.to_k_ip.weight": torch.zeros(8, 2048)}, folder, r"IP-Adapter \(SDXL\), but")

    def test_no_image_encoder_of_that_width(self, good: dict[str, Tensor], tmp_path: Path) -> None:
        path = official.save(good, tmp_path / "file.safetensors")
        adapters = IPAdapters(small.sd15_unet(), Family.SD15, {"file": path}, [], CPU)
        adapters.use([("file", 1.0)])
        with pytest.raises(CheckpointError, match=r"no image encoder of width 10, which file\.safetensors needs"):
            adapters.embed([PICTURE])
