"""Stage `probe`: picture against caption, on real pictures only; what `acetate eval` looks with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from acetate_engine.compositing.alpha import to_float
from acetate_engine.compositing.pixels import Floats
from acetate_engine.evaluation.probe import SIDE, Probe, Reference, pooled_text, save_reference
from acetate_engine.models.networks.widening import take_weights
from acetate_engine.training.compose import over_ground, to_nchw
from acetate_engine.training.config import Existing
from acetate_engine.training.datasets import Bytes, load_pictures, load_training
from acetate_engine.training.licences import Licences
from acetate_engine.training.loop import Losses, Step
from acetate_engine.training.rendered import RenderedConfig, with_rendered
from acetate_engine.training.sheets import grid

_SIDE = 72  # pixels that are kept: about 64 of them are looked at
AMONG = 50  # captions that a picture is sought among


class ProbeConfig(RenderedConfig):
    start: Existing | None = None  # an exported probe to go on with
    text_hidden: int = 512  # width of what captions go through beside one matrix
    scenes: float = 0.4  # share of the pictures over a photograph; others over one colour
    noise: float = 0.03
    scale: tuple[float, float] = (0.75, 1.2)  # of the cut-out in its frame
    turn: float = 8.0  # degrees, standard deviation
    light: float = 0.2  # colours are multiplied by up to this much more or less
    text_dropout: float = 0.1  # of the caption's numbers
    style_dropout: float = 0.2  # of captions: without the style at their end


class ProbeStage:
    """Contrastive: in a batch, each picture must find its caption and each caption its picture (arXiv 2103.00020)."""

    name = "probe"

    def __init__(self, config: ProbeConfig, data: Path) -> None:
        self.config = config
        licences = Licences.read(config.licences)
        self.training = with_rendered(load_training(data, "fg", licences), config.rendered)
        self.held_out = load_pictures(data, "fg", "val")
        self.pictures = premultiplied(_small(self.training.pixels))
        self.backgrounds = _small(load_training(data, "bg", licences).pixels)
        captions = self.training.captions
        self.text = torch.stack([pooled_text(captions), pooled_text([without_style(said) for said in captions])], 1)
        self.held_out_text = pooled_text(self.held_out.captions)
        torch.manual_seed(config.schedule.seed)
        self.probe = Probe(text_hidden=config.text_hidden)
        if config.start:
            take_weights(self.probe, Probe.from_pretrained(config.start, torch_dtype=torch.float32))

    def modules(self) -> dict[str, nn.Module]:
        return {"probe": self.probe}

    def losses(self, step: Step) -> Losses:
        chosen = step.rng.choice(len(self.pictures), self.config.schedule.batch, replace=False)
        rgb = self._composed(chosen, step.rng).to(step.device)
        said = self.text[chosen, (step.rng.random(len(chosen)) < self.config.style_dropout).astype(int)]
        said = F.dropout(said.to(step.device), self.config.text_dropout)
        seen, read = self.probe.pictures(rgb), self.probe.captions(said)
        logits = seen @ read.T * self.probe.temperature.exp()
        answers = torch.arange(len(chosen), device=step.device)
        loss = (F.cross_entropy(logits, answers) + F.cross_entropy(logits.T, answers)) / 2
        found = (logits.argmax(1) == answers).float().mean()
        yield "probe", loss, {"loss": loss, "found": found}

    def _composed(self, chosen: np.ndarray, rng: np.random.Generator) -> Tensor:
        """(N, 3, 64, 64): scaled, turned, shifted, mirrored, lit, over a photograph or a colour, a little noisy."""
        cutouts = torch.from_numpy(to_nchw(to_float(self.pictures[chosen])))
        ways = torch.from_numpy(np.stack([self._way(rng) for _ in chosen]))
        moved = F.grid_sample(
            cutouts, F.affine_grid(ways, [*cutouts.shape[:2], SIDE, SIDE], False), align_corners=False
        )
        gain = torch.from_numpy(1 + rng.uniform(-1, 1, (len(chosen), 1, 1, 1)).astype(np.float32) * self.config.light)
        grounds = torch.from_numpy(to_nchw(np.stack([self._ground(rng) for _ in chosen])))
        alpha = moved[:, 3:]
        noise = torch.from_numpy(rng.normal(0, self.config.noise, grounds.shape).astype(np.float32))
        return torch.minimum(moved[:, :3] * gain, alpha) + grounds * (1 - alpha) + noise

    def _way(self, rng: np.random.Generator) -> Floats:
        """(2, 3): from places in the view, -1..1, to places in the kept picture, some of which lies outside."""
        angle, size = np.deg2rad(rng.normal(0, self.config.turn)), 1 / rng.uniform(*self.config.scale)
        mirror = -1 if rng.random() < 0.5 else 1
        turned = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * [mirror, 1]
        return np.concatenate([turned, rng.uniform(-0.1, 0.1, (2, 1))], 1).astype(np.float32)

    def _ground(self, rng: np.random.Generator) -> Floats:
        """(64, 64, 3)"""
        if rng.random() < self.config.scenes:
            y, x = rng.integers(0, _SIDE - SIDE + 1, 2)
            return to_float(self.backgrounds[rng.integers(len(self.backgrounds)), y : y + SIDE, x : x + SIDE])
        colour = np.full(3, 0.5) if rng.random() < 0.5 else rng.random(3)
        return np.broadcast_to(colour.astype(np.float32), (SIDE, SIDE, 3))

    def reference(self) -> Reference:
        """The probe as it is now, with the features of the training pictures."""
        empty = Reference(self.probe, torch.empty(0), self.training.captions)
        return Reference(self.probe, empty.see(over_grey(self.training.pixels)), self.training.captions)

    @torch.no_grad()
    def evaluate(self) -> tuple[dict[str, float], Image.Image]:
        """Held-out pictures among 50 of their captions at a time; the sheet shows some of those that were missed."""
        reference = Reference(self.probe, torch.empty(0), [])
        seen, read = reference.see(over_grey(self.held_out.pixels)), self.probe.captions(self.held_out_text)
        found = torch.cat(
            [_found(*part) for part in zip(torch.split(seen, AMONG), torch.split(read, AMONG), strict=True)]
        )
        missed = over_grey(self.held_out.pixels)[~found.numpy()][:16]
        shown = missed if len(missed) else over_grey(self.held_out.pixels[:1])
        whole = found[: len(found) // AMONG * AMONG] if len(found) >= AMONG else found  # the last few have it easier
        return {"held_out_top1_of_50": whole.float().mean().item()}, grid(shown, 8)

    def export(self, folder: Path) -> None:
        """What `load_reference` reads."""
        save_reference(self.reference(), folder)


def _found(seen: Tensor, read: Tensor) -> Tensor:
    """(N) bool: whose picture is nearest to its own caption."""
    return (seen @ read.T).argmax(1) == torch.arange(len(seen))


def without_style(caption: str) -> str:
    """What is to be seen, as captions say it before their last comma."""
    return caption.rpartition(", ")[0] or caption


def premultiplied(rgba: Bytes) -> Bytes:
    """Straight (N, H, W, 4) -> premultiplied, which may be resampled."""
    colour = (rgba[..., :3].astype(np.uint16) * rgba[..., 3:] + 127) // 255
    return np.concatenate([colour.astype(np.uint8), rgba[..., 3:]], -1)


def over_grey(pictures: Bytes) -> Bytes:
    """Straight RGBA (N, H, W, 4) over mid-grey -> RGB."""
    return over_ground(pictures, 127.5)


def _small(pictures: Bytes) -> Bytes:
    mode = "RGBA" if pictures.shape[-1] == 4 else "RGB"
    premultiplied = "RGBa" if mode == "RGBA" else mode
    return np.stack(
        [
            np.asarray(
                Image.fromarray(picture, mode)
                .convert(premultiplied)
                .resize((_SIDE, _SIDE), Image.Resampling.BOX)
                .convert(mode)
            )
            for picture in pictures
        ]
    )
