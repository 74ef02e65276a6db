"""Layered pictures prepared for training: their latents, their captions, and condition images."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from PIL import Image
from pydantic import Field, model_validator
from torch import Tensor

from acetate_engine.compositing.alpha import to_eight, to_float
from acetate_engine.compositing.pixels import Floats
from acetate_engine.models.networks.autoencoder import SpaceToDepthAutoencoder
from acetate_engine.models.networks.latent_transparency import LatentTransparency
from acetate_engine.training.compose import to_nchw, vae_feed
from acetate_engine.training.config import Existing
from acetate_engine.training.datasets import Bytes, PictureSet, Row, load_pictures
from acetate_engine.training.diffusion import DiffusionConfig, draw_indices, encode_feeds, encode_texts, load_subset
from acetate_engine.training.framing import FramingConfig
from acetate_engine.training.layered import CompositionConfig, Layered, lay
from acetate_engine.training.licences import Licences
from acetate_engine.training.scenery import paint_scenery


class LayeredConfig(DiffusionConfig):
    """Of everything that composes cut-outs over backgrounds."""

    # photograph -> caption; others are not used
    backgrounds: Existing = Field(default=Path("backgrounds.json"), validate_default=True)
    photographs: bool = True  # use these
    scenery: int = 0  # painted backdrops to use
    composition: CompositionConfig = CompositionConfig()
    framing: FramingConfig = FramingConfig()

    @model_validator(mode="after")
    def _some_background(self) -> Self:
        if not (self.photographs or self.scenery):
            raise ValueError("no backgrounds: set `photographs: true`, or `scenery` to a number of painted ones")
        return self


class ScenesConfig(LayeredConfig):
    """Of every stage that learns from layered pictures."""

    transparency: Existing  # folder with the exported offset encoder and transparent decoder
    offset_scale: float = 1.0
    scenes: int = 3000  # layered pictures to prepare
    pairs: Existing | None = None  # folder that `pairs` made; its pictures come beside the composed ones


@dataclass(frozen=True)
class Captions:
    """What is said of one layered picture."""

    foreground: str
    background: str

    @property
    def blended(self) -> str:
        """The style stays last: the text encoder cuts long texts, and the background says more than the style."""
        what, comma, style = self.foreground.partition(", ")
        return f"{what} in front of {self.background}{comma}{style}"


@dataclass(frozen=True)
class Scene:
    layers: Layered
    captions: Captions


def training_scenes(config: ScenesConfig, data: Path) -> list[Scene]:
    """Composed ones, and those of `pairs`."""
    made = [] if config.pairs is None else read_pairs(config.pairs)
    return [*load_scenes(config, data, config.scenes), *made]


def read_pairs(folder: Path) -> list[Scene]:
    """What `write_pair` wrote."""
    rows = [json.loads(line) for line in (folder / "pairs.jsonl").read_text(encoding="utf-8").splitlines()]
    return [_read_pair(folder, row) for row in rows]


def _read_pair(folder: Path, row: Row) -> Scene:
    def read(layer: str, mode: str) -> Floats:
        return to_float(np.asarray(Image.open(folder / row[layer]).convert(mode)))

    layers = Layered(read("foreground", "RGBA"), read("background", "RGB"), whole=read("blended", "RGB"))
    return Scene(layers, Captions(row["foreground_caption"], row["background_caption"]))


def write_pair(scene: Scene, folder: Path, number: int) -> Row:
    """Three lossless pictures; the row for `pairs.jsonl`."""
    layers = {
        "foreground": scene.layers.foreground,
        "background": scene.layers.background,
        "blended": scene.layers.blended,
    }
    row: Row = {name: f"{name}/{number:05d}.webp" for name in layers}
    for name, pixels in layers.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(to_eight(pixels)).save(folder / row[name], lossless=True, exact=True)
    captions = scene.captions
    return row | {"foreground_caption": captions.foreground, "background_caption": captions.background}


def load_scenes(config: LayeredConfig, data: Path, count: int) -> list[Scene]:
    """`count` layered pictures of training pictures whose licence is known."""
    foregrounds = load_subset(config, data)
    return compose_scenes(config, foregrounds, load_backgrounds(config, data, foregrounds.pixels.shape[1]), count)


def compose_scenes(config: LayeredConfig, foregrounds: PictureSet, backgrounds: PictureSet, count: int) -> list[Scene]:
    """`count` layered pictures, chosen at random."""
    rng = np.random.default_rng(config.schedule.seed)
    weight = np.array([config.subset.repeat.get(row["style"], 1) for row in foregrounds.rows], float)
    return [
        _scene(foregrounds, int(index), backgrounds, rng, config.composition)
        for index in draw_indices(weight, count, rng)
    ]


def load_backgrounds(config: LayeredConfig, data: Path, side: int) -> PictureSet:
    """Photographs and painted scenery of `side` pixels, as far as they are wanted."""
    kinds = [_photographs(config, data)] if config.photographs else []
    if config.scenery:
        kinds.append(paint_scenery(config.scenery, side, np.random.default_rng(config.schedule.seed)))
    return PictureSet(np.concatenate([kind.pixels for kind in kinds]), [row for kind in kinds for row in kind.rows])


def _photographs(config: LayeredConfig, data: Path) -> PictureSet:
    """Those that `config.backgrounds` has a caption for, with that caption."""
    licences = Licences.read(config.licences)
    captions = json.loads(config.backgrounds.read_text(encoding="utf-8"))["captions"]
    pictures = load_pictures(
        data, "bg", "train", lambda row: row["photo"] in captions and licences.spdx(row) is not None
    )
    for row in pictures.rows:
        row["caption"] = captions[row["photo"]]
    return pictures


def _scene(
    foregrounds: PictureSet, index: int, backgrounds: PictureSet, rng: np.random.Generator, how: CompositionConfig
) -> Scene:
    behind = int(rng.integers(len(backgrounds)))
    layers = lay(foregrounds.pixels[index], backgrounds.pixels[behind], rng, how)
    caption = ", ".join(filter(None, [foregrounds.captions[index], layers.effect]))
    return Scene(layers, Captions(caption, backgrounds.captions[behind]))


class SceneEncoder:
    """Latents of each layer, scaled as the UNet sees them: (N, C, h, w), 64 pictures at a time."""

    def __init__(self, vae: SpaceToDepthAutoencoder, transparency: LatentTransparency) -> None:
        self.vae, self.transparency = vae, transparency

    def foreground(self, scenes: list[Scene]) -> Tensor:
        """Adjusted latents."""
        return torch.cat([self.cutouts(part) for part in _batches([scene.layers.foreground for scene in scenes])])

    def cutouts(self, rgba: Floats) -> Tensor:
        """(N, H, W, 4) straight, 0..1 -> adjusted latents."""
        picture = torch.from_numpy(to_nchw(rgba))
        return self.transparency.encode_rgba(picture, self.vae, self.vae.factor) * self.vae.config.scaling_factor

    def background(self, scenes: list[Scene]) -> Tensor:
        parts = _batches([scene.layers.background for scene in scenes])
        return torch.cat([encode_feeds(self.vae, part * 2 - 1) for part in parts])

    def blended(self, scenes: list[Scene]) -> Tensor:
        parts = _batches([scene.layers.blended for scene in scenes])
        return torch.cat([encode_feeds(self.vae, part * 2 - 1) for part in parts])

    def flat_foreground(self, scenes: list[Scene]) -> Tensor:
        """Of the foreground over mid-grey, as concatenated conditions are."""
        parts = _batches([scene.layers.foreground for scene in scenes])
        return torch.cat([encode_feeds(self.vae, vae_feed(part)) for part in parts])


def _batches(pictures: list[Floats]) -> Iterator[Floats]:
    return (np.stack(pictures[i : i + 64]) for i in range(0, len(pictures), 64))


def condition_bytes(layer: Floats) -> Bytes:
    """RGB, or straight RGBA over mid-grey, 0..1 -> uint8 RGB."""
    flat = layer if layer.shape[-1] == 3 else (vae_feed(layer) + 1) / 2
    return to_eight(flat)


def condition_images(pictures: Bytes) -> Tensor:
    """(N, H, W, 3) -> (N, 3, H, W) in -1..1."""
    return torch.from_numpy(to_nchw(to_float(pictures) * 2 - 1))


class Texts:
    """States of all texts that can come up; row 0 is the empty one."""

    def __init__(self, texts: list[str]) -> None:
        distinct = list(dict.fromkeys(["", *texts]))
        self._rows = {text: row for row, text in enumerate(distinct)}
        self.states = encode_texts(distinct)

    def row(self, text: str) -> int:
        return self._rows[text]
