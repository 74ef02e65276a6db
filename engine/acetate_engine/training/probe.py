"""Stage `probe`: picture against caption, on real pictures only; what `acetate eval` looks with."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from acetate_engine.evaluation.probe import Probe, Reference, pooled_text, save_reference
from acetate_engine.training.compose import over_ground, to_float, to_nchw
from acetate_engine.training.config import StageConfig
from acetate_engine.training.datasets import Bytes, load_pictures, load_training
from acetate_engine.training.licences import Licences
from acetate_engine.training.loop import Losses, Step
from acetate_engine.training.sheets import grid

_SIDE = 72  # pixels that are kept: crops of 64 of them are looked at


class ProbeConfig(StageConfig):
    scenes: float = 0.4  # share of the pictures over a photograph; others over one colour
    noise: float = 0.03


class ProbeStage:
    """Contrastive: in a batch, each picture must find its caption and each caption its picture (arXiv 2103.00020)."""

    name = "probe"

    def __init__(self, config: ProbeConfig, data: Path) -> None:
        self.config = config
        licences = Licences.read(config.licences)
        self.training, self.held_out = load_training(data, "fg", licences), load_pictures(data, "fg", "val")
        self.pictures = _small(self.training.pixels)
        self.backgrounds = _small(load_training(data, "bg", licences).pixels)
        self.text = pooled_text(self.training.captions)
        self.held_out_text = pooled_text(self.held_out.captions)
        torch.manual_seed(config.schedule.seed)
        self.probe = Probe()

    def modules(self) -> dict[str, nn.Module]:
        return {"probe": self.probe}

    def losses(self, step: Step) -> Losses:
        chosen = step.rng.choice(len(self.pictures), self.config.schedule.batch, replace=False)
        rgb = self._composed(chosen, step.rng).to(step.device)
        seen, read = self.probe.pictures(rgb), self.probe.captions(self.text[chosen].to(step.device))
        logits = seen @ read.T * self.probe.temperature.exp()
        answers = torch.arange(len(chosen), device=step.device)
        loss = (F.cross_entropy(logits, answers) + F.cross_entropy(logits.T, answers)) / 2
        found = (logits.argmax(1) == answers).float().mean()
        yield "probe", loss, {"loss": loss, "found": found}

    def _composed(self, chosen: np.ndarray, rng: np.random.Generator) -> Tensor:
        """(N, 3, 64, 64): cropped, mirrored, over a photograph or a colour, a little noisy."""
        crops = []
        for index in chosen:
            y, x = rng.integers(0, _SIDE - 64 + 1, 2)
            rgba = to_float(self.pictures[index, y : y + 64, x : x + 64])
            rgba = rgba[:, ::-1] if rng.random() < 0.5 else rgba
            crops.append(rgba[..., :3] * rgba[..., 3:] + self._ground(rng) * (1 - rgba[..., 3:]))
        batch = np.stack(crops).astype(np.float32)
        batch += rng.normal(0, self.config.noise, batch.shape).astype(np.float32)
        return torch.from_numpy(to_nchw(batch))

    def _ground(self, rng: np.random.Generator) -> np.ndarray:
        if rng.random() < self.config.scenes:
            return to_float(self.backgrounds[rng.integers(len(self.backgrounds)), :64, :64])
        return np.full(3, 0.5) if rng.random() < 0.5 else rng.random(3)

    def reference(self) -> Reference:
        """The probe as it is now, with the features of the training pictures."""
        empty = Reference(self.probe, torch.empty(0), self.training.captions)
        return Reference(self.probe, empty.see(over_grey(self.training.pixels)), self.training.captions)

    @torch.no_grad()
    def evaluate(self) -> tuple[dict[str, float], Image.Image]:
        """Held-out pictures among 50 of their captions; the sheet shows some of those that were missed."""
        reference = Reference(self.probe, torch.empty(0), [])
        seen = reference.see(over_grey(self.held_out.pixels[:50]))
        found = (seen @ self.probe.captions(self.held_out_text[:50]).T).argmax(1) == torch.arange(50)[: len(seen)]
        missed = over_grey(self.held_out.pixels[:50])[~found.numpy()][:16]
        shown = missed if len(missed) else over_grey(self.held_out.pixels[:1])
        return {"held_out_top1_of_50": found.float().mean().item()}, grid(shown, 8)

    def export(self, folder: Path) -> None:
        """What `load_reference` reads."""
        save_reference(self.reference(), folder)


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
