"""Stages `joint` and `conditioned`: layers of one picture denoised together by shared attention.

What is trained are sharing weights with one LoRA a frame, on the frozen base, in the format of the released SD1.5
files. Noise, frames, prompts and condition images come as in `pipelines/recipes.py`: noise of its own for each frame,
one time for all of them, the frame fastest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from acetate_engine.compositing.alpha import over, to_eight, to_float
from acetate_engine.models.adapters.attention_sharing import AttentionSharing, new_sharing_weights
from acetate_engine.models.adapters.sharing_files import load_sharing_weights
from acetate_engine.models.adapters.sharing_weights import PROJECTIONS, SharingWeights
from acetate_engine.training.config import Existing
from acetate_engine.training.datasets import Bytes
from acetate_engine.training.diffusion import (
    Takeover,
    TakeoverConfig,
    frozen_unet,
    frozen_vae,
    noise_schedule,
    solver,
    velocity_loss,
)
from acetate_engine.training.framing import Shape, framed_scene
from acetate_engine.training.loop import Losses, Step
from acetate_engine.training.parts import load_transparency
from acetate_engine.training.sampling import sample_latents
from acetate_engine.training.scenes import (
    Captions,
    Scene,
    SceneEncoder,
    ScenesConfig,
    Texts,
    condition_bytes,
    condition_images,
    training_scenes,
)
from acetate_engine.training.sheets import checkerboard, grid, to_bytes
from acetate_engine.training.transparency import layer_bytes

SHOWN = 6  # pictures of the sample sheet


class SharedConfig(ScenesConfig):
    start: Existing  # the base UNet, frozen here
    layer: Existing | None = None  # weights of the stage `layer`: the foreground's frame begins with their LoRAs
    keeps_layer: bool = False  # and keeps them: its alpha is as good as there, and only what is shared is learnt
    begin: Existing | None = None  # what this stage exported before, to go on with; `rank` is as there
    rank: int = 32
    takeover: TakeoverConfig | None = None  # of the foreground's frame, where the base makes the first steps


@dataclass(frozen=True)
class Prepared:
    """Pictures of one shape: `latent` (N, frames, C, h, w), scaled; `given` (N, H, W, 3), if there is a condition."""

    latent: Tensor
    given: Bytes | None
    offset: Tensor | None = None  # like `latent`, where layers are taken over: what they have more than plain ones


def _reframed(scene: Scene, shape: Shape, rng: np.random.Generator) -> Scene:
    return replace(scene, layers=framed_scene(scene.layers, shape, rng))


class SharedStage(ABC):
    """The frames of one picture, in order; a subclass says which they are and what they are told."""

    name: ClassVar[str]
    condition_channels = 0

    def __init__(self, config: SharedConfig, data: Path, frames: tuple[str, ...], file: str) -> None:
        self.config, self.frames, self.file = config, frames, file
        self.vae = frozen_vae(config.vae)
        self.transparency = load_transparency(config.transparency, config.offset_scale)
        scenes = training_scenes(config, data)
        rng = np.random.default_rng(config.schedule.seed)
        others = ([_reframed(scene, shape, rng) for scene in scenes] for shape in config.framing.shapes)
        self.prepared = [self._prepare(part) for part in (scenes, *others)]
        self.latent, self.given = self.prepared[0].latent, self.prepared[0].given
        self.text, self.texts = self._prepare_texts(scenes)
        self.noise = noise_schedule()
        self.unet = frozen_unet(config.start)
        self.weights = self._new_weights()
        self.sharing = AttentionSharing(self.unet, self.weights, trainable=True)

    @abstractmethod
    def sayings(self, captions: Captions) -> list[tuple[str, ...]]:
        """What a painter may say: one text a frame, each way as likely as the others."""

    def _prepare(self, scenes: list[Scene]) -> Prepared:
        encoder = SceneEncoder(self.vae, self.transparency)
        latent = torch.stack([getattr(encoder, frame)(scenes) for frame in self.frames], 1)
        return Prepared(latent, self.condition(scenes), self._offset(encoder, scenes, latent))

    def _offset(self, encoder: SceneEncoder, scenes: list[Scene], latent: Tensor) -> Tensor | None:
        """0 but in the foreground's frame: what is in the others is plain."""
        if self.config.takeover is None or "foreground" not in self.frames:
            return None
        frame, offset = self.frames.index("foreground"), torch.zeros_like(latent)
        offset[:, frame] = latent[:, frame] - encoder.flat_foreground(scenes)
        return offset

    def condition(self, scenes: list[Scene]) -> Bytes | None:
        """(N, H, W, 3) condition images, where the frames have one."""
        return None

    def _prepare_texts(self, scenes: list[Scene]) -> tuple[np.ndarray, Texts]:
        """Rows (N, sayings, frames) of the texts."""
        said = [self.sayings(scene.captions) for scene in scenes]
        texts = Texts([text for sayings in said for saying in sayings for text in saying])
        return np.array([[[texts.row(text) for text in saying] for saying in sayings] for sayings in said]), texts

    def _new_weights(self) -> SharingWeights:
        config = self.config
        if config.begin:
            weights = load_sharing_weights(config.begin).requires_grad_(True)
        else:
            torch.manual_seed(config.schedule.seed)
            weights = new_sharing_weights(self.unet, len(self.frames), config.rank, self.condition_channels)
        if config.layer and "foreground" in self.frames and (config.keeps_layer or not config.begin):
            frame = self.frames.index("foreground")
            copy_loras(load_sharing_weights(config.layer), weights, frame, is_trained=not config.keeps_layer)
        return weights

    def modules(self) -> dict[str, nn.Module]:
        return {"weights": self.weights}

    def losses(self, step: Step) -> Losses:
        self.unet.to(step.device)
        loss = self.denoising_loss(step.rng, step.device)
        yield "weights", loss, {"loss": loss}

    def denoising_loss(self, rng: np.random.Generator, device: torch.device) -> Tensor:
        """Of one batch; `rng` chooses the pictures and what is said, torch's generator noise and times."""
        chosen = self.prepared[self.config.framing.choose(rng)]
        index = rng.integers(len(chosen.latent), size=self.config.schedule.batch)
        rows = self.text[index, rng.integers(self.text.shape[1], size=len(index))]
        rows = rows * (rng.random(len(index)) >= self.config.caption_dropout)[:, None]
        text = self.texts.states[rows].flatten(0, 1).to(device)
        self._show(chosen.given, index, device)

        def predict(noisy: Tensor, time: Tensor) -> Tensor:
            velocity: Tensor = self.unet(noisy, time, text).sample
            return velocity

        latent, takeover = chosen.latent[index].flatten(0, 1).to(device), None
        if self.config.takeover is not None and chosen.offset is not None:
            takeover = Takeover(self.config.takeover, chosen.offset[index].flatten(0, 1).to(device))
        return velocity_loss(self.noise, predict, latent, self.config.snr_limit, len(self.frames), takeover)

    def _show(self, given: Bytes | None, index: np.ndarray, device: torch.device) -> None:
        if given is not None:
            self.sharing.set_condition(condition_images(given[index]).to(device))

    @torch.no_grad()
    def evaluate(self) -> tuple[dict[str, float], Image.Image]:
        """The loss of one fixed batch, and a sheet: what was given, each frame, foreground over background."""
        torch.manual_seed(1)
        loss = self.denoising_loss(np.random.default_rng(1), torch.device(self.unet.device)).item()
        return {"fixed_loss": loss}, self._sheet(np.arange(min(SHOWN, len(self.latent))))

    def _sheet(self, index: np.ndarray) -> Image.Image:
        device = torch.device(self.unet.device)
        self._show(self.given, index, device)
        latent = sample_latents(
            self.unet,
            solver(),
            self.texts.states[self.text[index, 0]].flatten(0, 1).to(device),
            self.texts.states[:1].to(device),
            self.latent.shape[-1],
            steps=self.config.sheet_steps,
            guidance=self.config.guidance,
        ).cpu()
        by_frame = latent.reshape(len(index), len(self.frames), *latent.shape[1:]).unbind(1)
        given = None if self.given is None else self.given[index]
        shown = self._shown(dict(zip(self.frames, by_frame, strict=True)), given)
        return grid(np.concatenate(shown), columns=len(index))

    def _shown(self, frames: dict[str, Tensor], given: Bytes | None) -> list[Bytes]:
        pictures = {} if given is None else {"given": given}
        pictures |= {name: to_bytes(self._rgb(latent)) for name, latent in frames.items() if name != "foreground"}
        if "foreground" not in frames:
            return list(pictures.values())
        layers = self._layers(frames["foreground"])
        behind = pictures["background" if "background" in frames else "given"]
        composite = to_eight(over(to_float(layers), to_float(behind)))
        return [*pictures.values(), checkerboard(layers), composite]

    def _rgb(self, latent: Tensor) -> Tensor:
        return self.vae.decode(latent / self.vae.config.scaling_factor).sample

    def _layers(self, latent: Tensor) -> Bytes:
        """Scaled latents -> straight RGBA (N, H, W, 4)."""
        decoded = self.transparency.decode_layers(
            latent / self.vae.config.scaling_factor, self.vae, note=lambda _: None, passes=1
        )
        return layer_bytes(decoded[:, [1, 2, 3, 0]])

    def export(self, folder: Path) -> None:
        """The weights in fp16, with the released files' names."""
        save_sharing(self.weights, folder / f"{self.file}.safetensors")


class JointStage(SharedStage):
    """Foreground, background and blended picture from text."""

    name = "joint"

    def __init__(self, config: SharedConfig, data: Path) -> None:
        super().__init__(config, data, ("foreground", "background", "blended"), "joint")

    def sayings(self, captions: Captions) -> list[tuple[str, ...]]:
        """A painter may describe all, two, or the foreground alone, which then goes for every frame."""
        front, behind = captions.foreground, captions.background
        return [(front, behind, front), (front, behind, captions.blended), (front, front, front)]


class ConditionedConfig(SharedConfig):
    wanted: Literal["foreground", "background"]  # the other one is given
    condition_channels: int = 32  # of the condition image's features


class ConditionedStage(SharedStage):
    """The wanted layer and the blended picture, from text and the other layer."""

    name = "conditioned"

    def __init__(self, config: ConditionedConfig, data: Path) -> None:
        self.wanted, self.condition_channels = config.wanted, config.condition_channels
        file = "bg2fg" if config.wanted == "foreground" else "fg2bg"
        super().__init__(config, data, (config.wanted, "blended"), file)

    def condition(self, scenes: list[Scene]) -> Bytes | None:
        wants_front = self.wanted == "foreground"
        given = [scene.layers.background if wants_front else scene.layers.foreground for scene in scenes]
        return np.stack([condition_bytes(layer) for layer in given])

    def sayings(self, captions: Captions) -> list[tuple[str, ...]]:
        """Without a text of its own, the blended frame is told what the wanted layer is."""
        wanted = captions.foreground if self.wanted == "foreground" else captions.background
        return [(wanted, wanted), (wanted, captions.blended)]


@torch.no_grad()
def copy_loras(source: SharingWeights, target: SharingWeights, frame: int, *, is_trained: bool = True) -> None:
    """The LoRAs of a transparent layer into one frame of `target`; `is_trained`: whether they are to learn there.

    Raises:
        ValueError: they are of a higher rank.
    """
    if source.rank > target.rank:
        raise ValueError(f"weights of rank {source.rank} do not fit into a frame of rank {target.rank}: raise `rank`")
    for theirs, ours in zip(source.units(), target.units(), strict=True):
        for projection in PROJECTIONS:
            old, new = theirs.lora(projection, 0), ours.lora(projection, frame)
            new.down.weight[: source.rank].copy_(old.down.weight)
            new.up.weight.zero_()[:, : source.rank].copy_(old.up.weight)
            new.requires_grad_(is_trained)


def save_sharing(weights: SharingWeights, path: Path) -> None:
    """In fp16, as `load_sharing_weights` reads them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.half().contiguous() for name, tensor in weights.state_dict().items()}, path)
