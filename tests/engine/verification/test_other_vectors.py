"""Vectors of any seed, prompt, size and number of steps: made here by diffusers' own pipeline, and held by ours.

The layer files are added to the UNet by hand, as they were published: a LoRA, and offsets with four channels more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionXLPipeline, UniPCMultistepScheduler
from safetensors.torch import load_file, save_file
from torch import Tensor

from acetate.protocol.geometry import Extent
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.checkpoints.names import to_diffusers
from acetate_engine.verification.golden_runs import FILE, compare_runs, pictures
from acetate_engine.verification.tiny.folders import write_golden

ASKED = [
    {"seed": "12345", "prompt": "two swans on a lake", "negative_prompt": "blurry", "steps": "5", "size": "128x192"},
    {"seed": "0", "prompt": "(ein) Fuchs, 狐", "negative_prompt": "ugly, hands", "steps": "3", "size": "192x128"},
]
FIXED = {"guidance_scale": "3.5"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("golden")
    return folder / "base", write_golden(folder, Family.SDXL)


@torch.no_grad()
def made(files: tuple[Path, Any], layer: str, asked: dict[str, str]) -> Tensor:
    """The latent that diffusers' pipeline gives."""
    base, released = files
    pipe = StableDiffusionXLPipeline.from_pretrained(base, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = UniPCMultistepScheduler.from_config(
        pipe.scheduler.config, final_sigmas_type="zero", timestep_spacing="linspace"
    )
    extent = Extent(*map(int, asked["size"].split("x")))
    added = dict(offsets(load_file(released.layers[layer])))
    if (entry := added.pop("conv_in.weight", None)) is not None:
        condition = encoded(pipe, extent)
        widen(pipe.unet, entry, condition)
    for name, offset in added.items():
        pipe.unet.get_parameter(name).add_(offset)
    noise = torch.randn(1, 4, extent.height // 8, extent.width // 8, generator=torch.manual_seed(int(asked["seed"])))
    result = pipe(
        prompt=asked["prompt"],
        negative_prompt=asked["negative_prompt"],
        num_inference_steps=int(asked["steps"]),
        guidance_scale=float(FIXED["guidance_scale"]),
        width=extent.width,
        height=extent.height,
        latents=noise,
        output_type="latent",
    )
    return result.images


def offsets(tensors: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """By diffusers' names."""
    for name, tensor in tensors.items():
        parameter, kind, part = name.removeprefix("diffusion_model.").split("::")
        if kind == "diff":
            yield to_diffusers(parameter), tensor
        elif part == "0":
            yield to_diffusers(parameter), tensor @ tensors[f"{name[:-1]}1"]


def encoded(pipe: StableDiffusionXLPipeline, extent: Extent) -> Tensor:
    rgb = torch.from_numpy(pictures(extent)["background"][..., :3].copy()).permute(2, 0, 1)[None] / 255
    return pipe.vae.encode(2 * rgb - 1).latent_dist.mean * pipe.vae.config.scaling_factor


def widen(unet: Any, entry: Tensor, condition: Tensor) -> None:
    """`conv_in` takes the condition's four channels behind those of the sample, in both passes."""
    weight = torch.cat([unet.conv_in.weight, torch.zeros_like(entry[:, 4:])], dim=1) + entry
    unet.conv_in.weight = torch.nn.Parameter(weight, requires_grad=False)
    forward = unet.forward
    unet.forward = lambda sample, *given, **named: forward(
        torch.cat([sample, condition.repeat(len(sample), 1, 1, 1)], dim=1), *given, **named
    )


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked["prompt"])
def test_vectors_made_elsewhere_hold(asked: dict[str, str], files: tuple[Path, Any], tmp_path: Path) -> None:
    names = {"transparent": "SDXL transparent attn unipc", "bg2ble": "SDXL bg2ble unipc"}
    latents = {name: made(files, layer, asked).contiguous() for layer, name in names.items()}
    save_file(latents, tmp_path / FILE, {**asked, **FIXED})
    rows = list(compare_runs(tmp_path))
    assert len(rows) == 2 and all(row.passed for row in rows), rows
    assert min(float(latent.abs().max()) for latent in latents.values()) > 1
