from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.adapters.attention_sharing import AttentionSharing, new_sharing_weights
from acetate_engine.models.adapters.sharing_files import load_sharing_weights
from acetate_engine.models.checkpoints.load import load_offset_encoder, load_transparent_decoder
from tests.engine.models import official, small

LOADERS = {
    **dict.fromkeys(official.SD15_ROWS, load_sharing_weights),
    "vae_transparent_encoder": load_offset_encoder,
    "vae_transparent_decoder": load_transparent_decoder,
}


def row(name: str) -> dict[str, torch.Tensor]:
    if name in official.TRANSPARENCY_ROWS:
        return dict(official.TRANSPARENCY_ROWS[name]())
    return official.SD15_ROWS[name](small.sd15_unet())


def save(tensors: dict[str, torch.Tensor], folder: Path) -> Path:
    return official.save(tensors, folder / "file.safetensors")


@pytest.mark.parametrize("name", LOADERS)
def test_every_row_loads_strictly(name: str, tmp_path: Path) -> None:
    tensors = row(name)
    module = LOADERS[name](save(official.half(tensors), tmp_path))
    loaded = module.state_dict()
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[x], tensors[x].half().float()) for x in tensors)
    assert not module.training
    assert not any(parameter.requires_grad for parameter in module.parameters())
    assert LOADERS[name](save(tensors, tmp_path), torch.bfloat16).state_dict().popitem()[1].dtype == torch.bfloat16


def test_loaded_networks_run(tmp_path: Path) -> None:
    pixel, latent = torch.rand(1, 3, 32, 32), torch.rand(1, 4, 4, 4)
    path = save(row("vae_transparent_decoder"), tmp_path)
    torch.testing.assert_close(load_transparent_decoder(path)(pixel, latent), small.decoder()(pixel, latent))
    path = save(row("vae_transparent_encoder"), tmp_path)
    rgba = torch.rand(1, 4, 32, 32)
    torch.testing.assert_close(load_offset_encoder(path)(rgba), small.encoder()(rgba))


@pytest.mark.parametrize("name", official.SD15_ROWS)
def test_sd15_rows_fit_their_unet(name: str, tmp_path: Path) -> None:
    unet = small.sd15_unet()
    with AttentionSharing(unet, load_sharing_weights(save(row(name), tmp_path))) as sharing:
        assert sharing.takes_condition == name.endswith(("fg2bg", "bg2fg"))


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("place", [0, 0.5, 0.99])
def test_missing_tensors_are_named(name: str, place: float, tmp_path: Path) -> None:
    tensors = row(name)
    missing = list(tensors)[int(place * len(tensors))]
    del tensors[missing]
    with pytest.raises(CheckpointError) as caught:
        LOADERS[name](save(tensors, tmp_path))
    assert missing in caught.value.detail or "but a" in caught.value.detail  # without its mark it is another kind


@pytest.mark.parametrize("name", LOADERS)
def test_surplus_tensors_and_other_shapes_are_named(name: str, tmp_path: Path) -> None:
    tensors = row(name)
    with pytest.raises(CheckpointError, match=r"more\.weight left over"):
        LOADERS[name](save({**tensors, "more.weight": torch.zeros(1)}, tmp_path))
    last = list(tensors)[-1]
    with pytest.raises(CheckpointError, match=f"{last} is "):
        LOADERS[name](save({**tensors, last: torch.zeros(3, 3)}, tmp_path))


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_values_that_are_not_numbers_are_named(name: str, value: str, tmp_path: Path) -> None:
    tensors = {key: tensor.clone() for key, tensor in row(name).items()}
    last = list(tensors)[-1]
    tensors[last].view(-1)[0] = float(value)
    with pytest.raises(CheckpointError, match=f"not numbers in {last}"):
        LOADERS[name](save(tensors, tmp_path))


def test_a_mended_file_is_looked_at_again(tmp_path: Path) -> None:
    tensors = row("vae_transparent_encoder")
    broken = {name: tensor.clone() for name, tensor in tensors.items()}
    broken["blocks.0.bias"][0] = float("nan")
    with pytest.raises(CheckpointError):
        load_offset_encoder(save(broken, tmp_path))
    load_offset_encoder(save(tensors, tmp_path))


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = save(row("layer_sd15_joint"), tmp_path)
    for load in (load_offset_encoder, load_transparent_decoder):
        with pytest.raises(CheckpointError, match="is a LayerDiffuse attention sharing file, but"):
            load(path)


@pytest.mark.parametrize(("frames", "condition", "tensors"), [(1, 0, 640), (3, 0, 1152), (2, 256, 1180)])
def test_full_size_sd15_layer_adapters(frames: int, condition: int, tensors: int) -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=768)
        weights = new_sharing_weights(unet, frames, condition=condition)
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.state_dict().items()}
    assert len(shapes) == tensors
    assert shapes["hookers.layers.1.to_k_lora.0.down.weight"] == (256, 768)
    assert shapes["hookers.layers.31.temporal_q.weight"] == (1280, 1280)  # the middle block comes last
