"""`acetate train pairs`: layer pairs by inpainting, the paper's way (arXiv 2402.17113).

A cut-out is laid over a plain colour. Everything but its core is inpainted: a blended picture, in which the cut-out's
edges have met their surroundings. Then the cut-out's place is inpainted: the background.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from PIL import Image, ImageFilter
from torch.nn import functional as F

from acetate.protocol.requests import Scheduler
from acetate_engine.compositing.alpha import over
from acetate_engine.compositing.pixels import Floats
from acetate_engine.models.families.components import Text
from acetate_engine.models.networks.autoencoder import SpaceToDepthAutoencoder
from acetate_engine.pipelines.stages.before_denoise import first_latent, make_timesteps, seeded_noise
from acetate_engine.pipelines.stages.denoise import Denoising, Known
from acetate_engine.pipelines.stages.guidance import Predictor
from acetate_engine.training.config import Existing
from acetate_engine.training.diffusion import encode_feeds, encode_texts, frozen_unet, frozen_vae, noise_schedule
from acetate_engine.training.layered import Layered
from acetate_engine.training.scenes import LayeredConfig, Scene, load_scenes, write_pair

_PAPER_SIDE = 1024  # pixels of the pictures whose mask the paper erodes by 8


class PairsConfig(LayeredConfig):
    start: Existing  # the base UNet
    pairs: int = 100  # how many to make
    steps: int = 25
    eroded: float = 8.0  # pixels of a picture of 1024; fewer of a smaller one


def make_pairs(config: PairsConfig, data: Path, out: Path) -> int:
    """Write `config.pairs` pairs, `schedule.batch` at a time, into `out`; how many were made."""
    inpainter = Inpainter(config)
    scenes = load_scenes(config, data, config.pairs)
    size = config.schedule.batch
    parts = [scenes[i : i + size] for i in range(0, len(scenes), size)]
    made = [pair for number, part in enumerate(parts) for pair in inpainter.pairs(part, config.schedule.seed + number)]
    rows = [write_pair(pair, out, number) for number, pair in enumerate(made)]
    (out / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return len(rows)


class Inpainter:
    """A base model that fills in what a mask leaves open."""

    def __init__(self, config: PairsConfig) -> None:
        self.config = config
        self.vae: SpaceToDepthAutoencoder = frozen_vae(config.vae)
        self.unet: UNet2DConditionModel = frozen_unet(config.start)

    def pairs(self, scenes: list[Scene], seed: int) -> Iterator[Scene]:
        """The same cut-outs and captions with backgrounds that were made for them."""
        cutouts = np.stack([scene.layers.foreground for scene in scenes])
        start = over(cutouts, np.full_like(cutouts[..., :3], 0.5))
        said = [scene.captions.blended for scene in scenes]
        outside = 1 - np.stack([core(cutout[..., 3], self.config.eroded) for cutout in cutouts])
        blended = over(cutouts, self.inpaint(start, outside, said, seed))
        inside = np.stack([grown(cutout[..., 3], self.config.eroded) for cutout in cutouts])
        behind = self.inpaint(blended, inside, [scene.captions.background for scene in scenes], seed + 1)
        backgrounds = blended + inside[..., None] * (behind - blended)
        for scene, background, whole in zip(scenes, backgrounds, blended, strict=True):
            yield Scene(Layered(scene.layers.foreground, background, whole=whole), scene.captions)

    @torch.no_grad()
    def inpaint(self, pictures: Floats, mask: Floats, prompts: list[str], seed: int) -> Floats:
        """(N, H, W, 3) in 0..1, made anew in every latent pixel that the mask (N, H, W), 0..1, touches."""
        latent = encode_feeds(self.vae, pictures * 2 - 1)
        keep = 1 - F.max_pool2d(torch.from_numpy(mask)[:, None], self.vae.factor).ceil()
        positive, negative = Text(encode_texts(prompts)), Text(encode_texts([""] * len(prompts)))
        predictor = Predictor(self.unet, positive, negative, self.config.guidance)
        generator = torch.Generator().manual_seed(seed)
        timesteps = make_timesteps(noise_schedule(), Scheduler.UNIPC, self.config.steps, 1.0, latent.device)
        noise = seeded_noise(generator, tuple(latent.shape), latent.device)
        denoising = Denoising(
            lambda sample, timestep, step: predictor(sample, timestep, step / timesteps.count),
            timesteps,
            first_latent(timesteps, None, noise, 1.0),
            generator,
            lambda *_: None,
            Known(latent, keep, noise),
        )
        denoising.run(timesteps.count)
        made = denoising.result()
        decoded = self.vae.decode(made / self.vae.config.scaling_factor).sample
        return ((decoded.clamp(-1, 1) + 1) / 2).permute(0, 2, 3, 1).numpy()


def core(alpha: Floats, eroded: float) -> Floats:
    """(H, W): 1 where the cut-out is solid, but not within `eroded` pixels (of 1024) of its edge."""
    return _filtered(alpha > 0.5, ImageFilter.MinFilter(_window(alpha, eroded)))


def grown(alpha: Floats, by: float) -> Floats:
    """(H, W): 1 wherever the cut-out shows at all, and `by` pixels (of 1024) around."""
    return _filtered(alpha > 0.02, ImageFilter.MaxFilter(_window(alpha, by)))


def _window(alpha: Floats, pixels: float) -> int:
    return 2 * max(1, round(pixels * max(alpha.shape) / _PAPER_SIDE)) + 1


def _filtered(mask: np.ndarray, how: ImageFilter.Filter) -> Floats:
    return np.asarray(Image.fromarray(mask.astype(np.uint8)).filter(how), np.float32)
