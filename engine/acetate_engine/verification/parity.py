"""Compare every network with golden vectors: seeded weights in, the public implementation's outputs out.

A directory of vectors holds `parameters.json` (salt, configurations, parameter shapes) and a safetensors file a module.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file
from torch import Tensor, nn

from acetate.protocol.errors import FileError
from acetate_engine.models.adapters.attention_sharing import AttentionSharing
from acetate_engine.models.adapters.sharing_weights import SharingWeights
from acetate_engine.models.checkpoints.shapes import decoder_config, encoder_config
from acetate_engine.models.networks.latent_transparency import (
    RELEASED_OFFSET_SCALE,
    adjusted_latent,
    decode_alpha_rgb,
    plain_latent,
)
from acetate_engine.models.networks.padding import pad_rgb
from acetate_engine.models.networks.transparency import OffsetEncoder, TransparentDecoder
from acetate_engine.verification.comparison import Comparison, largest
from acetate_engine.verification.seeded import seeded_weights

TOLERANCE = 1e-4
PADDED_RGB_TOLERANCE = 2e-3
_SHARING = "attention_sharing_"
_SHARED_PARTS = {"sharing_unet"}  # of several vectors

Shapes = dict[str, list[int]]
Vector = dict[str, Tensor]


class Vectors:
    """A directory of golden vectors.

    Raises:
        FileError: `parameters.json` or a vector that it calls for is missing.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        description = directory / "parameters.json"
        if not description.is_file():
            raise FileError(f"{directory} has no parameters.json", "Give a directory of golden vectors")
        self.description: dict[str, Any] = json.loads(description.read_text())
        self.parameters: dict[str, Shapes] = self.description["parameters"]
        self.names = [_vector(name) for name in self.parameters if name not in _SHARED_PARTS]

    def read(self, name: str) -> Vector:
        path = self.directory / f"{name}.safetensors"
        if not path.is_file():
            raise FileError(f"{path} is missing", "Complete the directory of golden vectors")
        return load_file(path)

    def weights(self, name: str) -> dict[str, Tensor]:
        return seeded_weights(self.parameters[name], self.description["salt"])

    def seeded(self, name: str, module: nn.Module) -> nn.Module:
        module.load_state_dict(self.weights(name), strict=True)
        return module.eval()


@torch.no_grad()
def compare(directory: Path) -> Iterator[Comparison]:
    """Run every vector of `directory` in float32: one for each module of `parameters.json`.

    Raises:
        FileError: a file is missing, or belongs to a module that is not known here.
        RuntimeError: a parameter of `parameters.json` is missing in our module, left over or of another shape.
    """
    vectors = Vectors(directory)
    runs = {"transparent_decoder": _decoder, "offset_encoder": _offset_encoder, "transparent_encoder": _encoder}
    for name in vectors.names:
        if name.startswith(_SHARING):
            yield _sharing(vectors, name.removeprefix(_SHARING))
        elif name in runs:
            yield from runs[name](vectors)
        else:
            raise FileError(f"{directory} describes {name}, which is not known here", "Update Acetate")


def _vector(module: str) -> str:
    """The vector that compares a module of `parameters.json`; the VAE takes part in the transparent encoder only."""
    if module == "vae":
        return "transparent_encoder"
    return f"attention_{module}" if module.startswith("sharing_") else module


def _decoder(vectors: Vectors) -> Iterator[Comparison]:
    golden = vectors.read("transparent_decoder")
    factor = golden["pixel"].shape[2] // golden["latent"].shape[2]
    config = decoder_config(vectors.parameters["transparent_decoder"])
    decoder = TransparentDecoder(**{**config, "vae_factor": factor})
    vectors.seeded("transparent_decoder", decoder)
    decoder.conv_out.bias.data += 0.5
    single = decoder(golden["pixel"], golden["latent"])
    yield _absolute("transparent_decoder", "single pass", single, golden["single"])
    median = decode_alpha_rgb(decoder, golden["pixel"], golden["latent"], note=_fail_on_note)
    yield _absolute("transparent_decoder", "median of 8", median, golden["augmented"])


def _offset_encoder(vectors: Vectors) -> Iterator[Comparison]:
    golden = vectors.read("offset_encoder")
    offset = _seeded_encoder(vectors)(golden["alpha_and_padded_rgb"])
    yield _absolute("offset_encoder", "offset", offset, golden["offset"])


def _encoder(vectors: Vectors) -> Iterator[Comparison]:
    golden = vectors.read("transparent_encoder")
    rgba = _channels_first(golden["rgba"]) / 255
    padded = _channels_first(golden["padded_rgb"])
    name = "transparent_encoder"
    yield _absolute(name, "padded RGB", pad_rgb(rgba), padded, PADDED_RGB_TOLERANCE)
    encoder, vae = _seeded_encoder(vectors), _seeded_vae(vectors)
    latent = adjusted_latent(plain_latent(rgba, vae), rgba[:, 3:], padded, encoder, RELEASED_OFFSET_SCALE)
    error = largest(latent - golden["latent"]) / largest(golden["latent"])
    yield Comparison(name, "latent", error, TOLERANCE, relative=True)


def _sharing(vectors: Vectors, kind: str) -> Comparison:
    golden = vectors.read(_SHARING + kind)
    unet = UNet2DConditionModel(**vectors.description["sharing_unet_config"])
    vectors.seeded("sharing_unet", unet)
    weights = SharingWeights.from_state_dict(vectors.weights(f"sharing_{kind}"))
    with AttentionSharing(unet, weights) as sharing:
        if sharing.takes_condition:
            sharing.set_condition(golden["condition_image"])
        noise = unet(golden["sample"], golden["timestep"], golden["encoder_hidden_states"]).sample
    return _absolute(_SHARING + kind, "noise", noise, golden["noise_pred"])


def _seeded_encoder(vectors: Vectors) -> OffsetEncoder:
    encoder = OffsetEncoder(**encoder_config(vectors.parameters["offset_encoder"]))
    vectors.seeded("offset_encoder", encoder)
    return encoder


def _seeded_vae(vectors: Vectors) -> AutoencoderKL:
    config = vectors.description["vae_config"]
    levels = len(config["block_out_channels"])
    vae = AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * levels, up_block_types=["UpDecoderBlock2D"] * levels, **config
    )
    vectors.seeded("vae", vae)
    return vae


def _absolute(vector: str, output: str, ours: Tensor, golden: Tensor, tolerance: float = TOLERANCE) -> Comparison:
    return Comparison(vector, output, largest(ours - golden), tolerance)


def _channels_first(picture: Tensor) -> Tensor:
    return picture.permute(2, 0, 1)[None].float()


def _fail_on_note(note: str) -> None:
    raise MemoryError(f"the comparison needs whole pictures: {note}")
