"""Stage `base`: the RGB text-to-image UNet, on cut-outs over mid-grey, layered pictures and backgrounds alone."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from PIL import Image
from torch import Tensor

from acetate_engine.compositing.alpha import to_float
from acetate_engine.compositing.pixels import Floats
from acetate_engine.models.networks.text import MiniLMTextEncoder
from acetate_engine.models.networks.widening import take_weights
from acetate_engine.training.compose import vae_feed
from acetate_engine.training.config import Existing, Frozen
from acetate_engine.training.datasets import Bytes, PictureSet
from acetate_engine.training.diffusion import (
    draw_indices,
    encode_feeds,
    encode_texts,
    frozen_vae,
    load_subset,
    noise_schedule,
    save_solver,
    solver,
    velocity_loss,
)
from acetate_engine.training.framing import (
    PoseConfig,
    Shape,
    framed_cutout,
    framed_ground,
    framed_scene,
    posed,
)
from acetate_engine.training.layered import Layered
from acetate_engine.training.loop import Losses, Step
from acetate_engine.training.sampling import sample_latents
from acetate_engine.training.scenes import LayeredConfig, Scene, Texts, compose_scenes, load_backgrounds
from acetate_engine.training.sheets import grid, to_bytes


class UNetModel(Frozen):
    """The UNet's size; every resolution has self- and cross-attention."""

    widths: tuple[int, ...] = (128, 192)
    head_width: int = 32
    layers: int = 1
    groups: int = 16


class BaseConfig(LayeredConfig):
    model: UNetModel = UNetModel()
    mirror: bool = True  # mirror images of cut-outs too
    scene_share: float = 0.15  # of a batch: cut-outs composed over backgrounds
    background_share: float = 0.1  # backgrounds alone
    scenes: int = 1500  # layered pictures to prepare; the stages on the frozen base do without
    start: Existing | None = None  # an exported UNet to begin with; its latent may have fewer channels
    poses: PoseConfig = PoseConfig()  # further copies of every cut-out


@dataclass(frozen=True)
class Latents:
    """Prepared examples: `latent` (N, C, h, w), `text` (N) rows of the text states, `weight` (N) is how often."""

    latent: Tensor
    text: Tensor
    weight: np.ndarray
    shown: Tensor | None = None  # (N, 3, H, W) bytes: their plain pictures, where a stage looks at them
    offset: Tensor | None = None  # (N, C, h, w): what they have more than plain latents, where a stage looks at it


@dataclass(frozen=True)
class Pools:
    """What batches of one shape are drawn from: cut-outs, and with the share of a batch that they have all others."""

    plain: Latents
    others: list[tuple[float, Latents]]


def new_unet(model: UNetModel, channels: int, size: int) -> UNet2DConditionModel:
    """A UNet whose text also reaches the time embedding (pooled by attention), which small sets learn from soonest."""
    levels = len(model.widths)
    return UNet2DConditionModel(
        sample_size=size,
        in_channels=channels,
        out_channels=channels,
        block_out_channels=model.widths,
        down_block_types=("CrossAttnDownBlock2D",) * levels,
        up_block_types=("CrossAttnUpBlock2D",) * levels,
        layers_per_block=model.layers,
        cross_attention_dim=MiniLMTextEncoder.width,
        attention_head_dim=tuple(width // model.head_width for width in model.widths),
        norm_num_groups=model.groups,
        addition_embed_type="text",
        addition_embed_type_num_heads=6,
    )


class BaseStage:
    """Trains `unet` on latents that are prepared once, with the autoencoder frozen."""

    name = "base"
    trains = "unet"  # what its losses update

    def __init__(self, config: BaseConfig, data: Path) -> None:
        self.config = config
        self.vae = frozen_vae(config.vae)
        self.foregrounds = self.pictures(data)
        self.sheet_states = encode_texts(list(config.prompts or self.foregrounds.captions[:32]))
        scenes, backgrounds = self._scenery(data)
        blended = [scene.captions.blended for scene in scenes]
        self.behind = backgrounds.captions if backgrounds and config.background_share else []
        self.texts = Texts([*self.foregrounds.captions, *blended, *self.behind])
        rng = np.random.default_rng(config.schedule.seed)
        shapes = (None, *config.framing.shapes)  # None: the square
        self.pools = [self._pools(shape, scenes, backgrounds, rng) for shape in shapes]
        self.plain = self.pools[0].plain
        self.noise = noise_schedule()
        self.size = self.plain.latent.shape[-1]
        self.unet = self._unet()

    def pictures(self, data: Path) -> PictureSet:
        """The cut-outs that are taught."""
        return load_subset(self.config, data)

    def _unet(self) -> UNet2DConditionModel:
        channels = self.vae.config.latent_channels
        if self.config.start:
            start = UNet2DConditionModel.from_pretrained(self.config.start, torch_dtype=torch.float32)
            return widened(start, channels)
        torch.manual_seed(self.config.schedule.seed)
        return new_unet(self.config.model, channels, self.size)

    def modules(self) -> dict[str, torch.nn.Module]:
        return {self.trains: self.unet}

    @property
    def device(self) -> torch.device:
        """Where the UNet is; the autoencoder stays on the CPU."""
        return torch.device(self.unet.device)

    def encode_cutouts(self, rgba: Bytes) -> Tensor:
        """(N, H, W, 4) straight RGBA -> scaled latents; here of the cut-outs over mid-grey."""
        return encode_feeds(self.vae, vae_feed(to_float(rgba)))

    def views(self) -> list[Bytes]:
        """Every cut-out (N, H, W, 4) and, if wanted, its mirror image and its poses."""
        pixels, how, rng = self.foregrounds.pixels, self.config.poses, np.random.default_rng(self.config.schedule.seed)
        copies = (np.stack([posed(p, rng, how, self.config.mirror) for p in pixels]) for _ in range(how.copies))
        return [pixels, *([pixels[:, :, ::-1]] if self.config.mirror else []), *copies]

    def shown(self, views: list[Bytes]) -> Tensor | None:
        """Plain pictures of cut-outs, where a stage looks at them; `base` does not."""
        return None

    def offset(self, views: list[Bytes], latent: Tensor) -> Tensor | None:
        """What `latent`, of these cut-outs, has more than plain latents, where a stage looks at it."""
        return None

    def _scenery(self, data: Path) -> tuple[list[Scene], PictureSet | None]:
        config = self.config
        if not (config.scenes or config.background_share):
            return [], None
        backgrounds = load_backgrounds(config, data, self.foregrounds.pixels.shape[1])
        return compose_scenes(config, self.foregrounds, backgrounds, config.scenes), backgrounds

    def _pools(
        self, shape: Shape | None, scenes: list[Scene], backgrounds: PictureSet | None, rng: np.random.Generator
    ) -> Pools:
        others: list[tuple[float, Latents]] = []
        if scenes:
            layers = [framed_scene(s.layers, shape, rng) if shape else s.layers for s in scenes]
            blended = [scene.captions.blended for scene in scenes]
            others.append((self.config.scene_share, self._latents(rgb_of(layers), blended)))
        if self.behind and backgrounds:
            grounds = [framed_ground(p, shape, rng) if shape else p for p in backgrounds.pixels]
            others.append((self.config.background_share, self._latents(to_float(np.stack(grounds)), self.behind)))
        return Pools(self._plain(shape, rng), others)

    def _plain(self, shape: Shape | None, rng: np.random.Generator) -> Latents:
        captions, views = self.foregrounds.captions, self.views()
        if shape:
            views = [np.stack([framed_cutout(picture, shape, rng) for picture in view]) for view in views]
        latent = torch.cat([self.encode_cutouts(view) for view in views])
        repeat = self.config.subset.repeat
        weight = np.array([repeat.get(row["style"], 1) for row in self.foregrounds.rows], float)
        weight = np.tile(weight, len(views))
        return Latents(latent, self._rows(captions * len(views)), weight, self.shown(views), self.offset(views, latent))

    def _latents(self, rgb: Floats, captions: list[str]) -> Latents:
        """Of pictures (N, H, W, 3) in 0..1."""
        return Latents(encode_feeds(self.vae, rgb * 2 - 1), self._rows(captions), np.ones(len(rgb)))

    def _rows(self, texts: list[str]) -> Tensor:
        return torch.tensor([self.texts.row(text) for text in texts])

    def draw(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """A batch of latents and text states; a share of the captions is empty."""
        size, drawn = self.config.schedule.batch, self.pools[self.config.framing.choose(rng)]
        shares, pools = [share for share, _ in drawn.others], [*(pool for _, pool in drawn.others), drawn.plain]
        counts = rng.multinomial(size, [*shares, 1 - sum(shares)])
        chosen = [(pool, draw_indices(pool.weight, count, rng)) for pool, count in zip(pools, counts, strict=True)]
        latent = torch.cat([pool.latent[index] for pool, index in chosen])
        return latent, self.said(torch.cat([pool.text[index] for pool, index in chosen]), rng)

    def said(self, text: Tensor, rng: np.random.Generator) -> Tensor:
        """States of these texts; a share of them is replaced by the empty one."""
        return self.texts.states[text * torch.from_numpy(rng.random(len(text)) >= self.config.caption_dropout)]

    def losses(self, step: Step) -> Losses:
        loss = self.batch_loss(step.rng, step.device)
        yield self.trains, loss, {"loss": loss}

    def batch_loss(self, rng: np.random.Generator, device: torch.device) -> Tensor:
        """`rng` chooses the pictures, torch's generator noise and times."""
        latent, text = (part.to(device) for part in self.draw(rng))

        def predict(noisy: Tensor, time: Tensor) -> Tensor:
            velocity: Tensor = self.unet.to(device)(noisy, time, text).sample
            return velocity

        return velocity_loss(self.noise, predict, latent, self.config.snr_limit)

    @torch.no_grad()
    def evaluate(self) -> tuple[dict[str, float], Image.Image]:
        """`fixed_loss`, and a sheet of the configuration's prompts."""
        return self.fixed_loss(), grid(to_bytes(self.decode(self.sample())), columns=8)

    @torch.no_grad()
    def fixed_loss(self) -> dict[str, float]:
        """The loss on one batch with one noise, the same at every report."""
        torch.manual_seed(1)
        return {"fixed_loss": self.batch_loss(np.random.default_rng(1), self.device).item()}

    def sample(self) -> Tensor:
        """Scaled latents of the sample sheet's prompts, on the CPU."""
        text, empty = self.sheet_states.to(self.device), self.texts.states[:1].to(self.device)
        return sample_latents(
            self.unet, solver(), text, empty, self.size, steps=self.config.sheet_steps, guidance=self.config.guidance
        ).cpu()

    def decode(self, latent: Tensor) -> Tensor:
        """Scaled latents -> RGB in -1..1."""
        return self.vae.decode(latent / self.vae.config.scaling_factor).sample

    def export(self, folder: Path) -> None:
        """`unet` in fp16 and the sampler's configuration, as diffusers folders.

        What it was taught: `captions.json` of objects, `backdrops.json` of backgrounds.
        """
        save_half(self.unet, folder / "unet")
        save_solver(folder / "scheduler")
        for name, taught in {"captions": self.foregrounds.captions, "backdrops": self.behind}.items():
            lines = json.dumps(sorted(set(taught)), indent=0, ensure_ascii=False)
            (folder / f"{name}.json").write_text(lines + "\n", encoding="utf-8")


def rgb_of(layers: list[Layered]) -> Floats:
    """(N, H, W, 3) in 0..1: the blended pictures."""
    return np.stack([one.blended for one in layers])


def widened(unet: UNet2DConditionModel, channels: int) -> UNet2DConditionModel:
    """`unet` for latents with more channels behind its own: it does not look at them, and predicts 0 there.

    Raises:
        ValueError: there would be fewer channels.
    """
    mine = unet.config.in_channels
    if channels < mine:
        raise ValueError(f"a UNet for {mine} latent channels cannot be narrowed to {channels}")
    wider = UNet2DConditionModel.from_config({**unet.config, "in_channels": channels, "out_channels": channels})
    take_weights(wider, unet, blank=("conv_out.weight", "conv_out.bias"))
    return wider


def save_half(model: Any, folder: Path) -> None:
    """Save a diffusers model in fp16; the model itself stays as it is."""
    copy.deepcopy(model).half().save_pretrained(folder)
