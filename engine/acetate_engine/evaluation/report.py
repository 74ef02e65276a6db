"""`acetate eval`: everything that is measured of a model, as one JSON object."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from acetate.protocol.errors import FileError, UnsupportedTask
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, Preset, Task
from acetate_engine.engine import Engine
from acetate_engine.evaluation.generation import chosen_prompts, evaluate_generation, sample_layers
from acetate_engine.evaluation.latent import evaluate_latent, round_trip
from acetate_engine.evaluation.layers import evaluate_layers
from acetate_engine.evaluation.matte import evaluate_matte
from acetate_engine.evaluation.probe import Reference, load_reference
from acetate_engine.evaluation.sampling import Sampler
from acetate_engine.evaluation.saying import Say
from acetate_engine.evaluation.style import evaluate_styles
from acetate_engine.evaluation.translucent import evaluate_translucent
from acetate_engine.evaluation.variety import evaluate_variety
from acetate_engine.models.families import find_model
from acetate_engine.models.families.base import Model
from acetate_engine.paths import resources_dir
from acetate_engine.pipelines.stages.settings import RunSettings
from acetate_engine.training.datasets import PictureSet, load_pictures


@dataclass(frozen=True)
class Amount:
    """How much is sampled; figures of the smaller amount are for a look, not for a card."""

    samples: int
    layer_prompts: int
    variety_prompts: int
    translucent: int


FULL, QUICK = Amount(1000, 24, 24, 590), Amount(100, 6, 4, 60)


@dataclass(frozen=True)
class Measured:
    """What is measured, and against what."""

    model: Model
    sampler: Sampler
    captions: list[str]  # that the model was trained on
    foregrounds: PictureSet
    backgrounds: PictureSet
    reference: Reference

    @property
    def offered(self) -> list[str]:
        """Those of the captions that painters are offered; all, where none are."""
        things = set(self.model.taught().things)
        return [caption for caption in self.captions if caption in things] or self.captions


def subject_of(name: str, data: Path, split: str, preset: Preset, say: Say) -> Measured:
    """Raises UnknownModel, CheckpointError, UnsupportedTask, FileError."""
    model = find_model(name, Task.FOREGROUND)
    components = model.load()
    if components.transparency.encoder is None:
        raise UnsupportedTask(f"{name} has no transparent encoder", "Put the encoder of its family beside it.")
    side = model.info.native
    request = GenerateRequest(task=Task.FOREGROUND, bounds=Bounds(0, 0, side, side), seed=0, preset=preset)
    count = [0]

    def advance(done: int) -> None:
        count[0] += done
        say(f"{count[0]} samples")

    sampler = Sampler(components, RunSettings.of(request, model.info.family), side, advance)
    reference = load_reference()
    try:
        foregrounds, backgrounds = (_sized(load_pictures(data, kind, split), side) for kind in ("fg", "bg"))
    except (OSError, ValueError, KeyError) as error:
        raise FileError(f"{data} cannot be read: {error}", "Give a folder with fg.jsonl and bg.jsonl.") from error
    return Measured(model, sampler, taught(name, "captions") or reference.captions, foregrounds, backgrounds, reference)


def _sized(pictures: PictureSet, side: int) -> PictureSet:
    """At the model's own side; alpha premultiplied on the way."""
    if pictures.pixels.shape[1:3] == (side, side):
        return pictures
    modes = ("RGBA", "RGBa") if pictures.pixels.shape[-1] == 4 else ("RGB", "RGB")
    images = (Image.fromarray(pixels).convert(modes[1]).resize((side, side)) for pixels in pictures.pixels)
    return PictureSet(np.stack([np.asarray(image.convert(modes[0])) for image in images]), pictures.rows)


def taught(name: str, what: str) -> list[str]:
    """The `captions` of objects, or of `backdrops`, that the model was trained on, where its folder says so.

    Of captions that were found wanting, only `taught.json` tells: figures are over all that was taught.
    """
    folder = resources_dir() / "models" / name
    names = ("taught", what) if what == "captions" else (what,)
    paths = [folder / f"{name}.json" for name in names if (folder / f"{name}.json").is_file()]
    return list(json.loads(paths[0].read_text(encoding="utf-8"))) if paths else []


def evaluate(subject: Measured, amount: Amount, say: Say) -> dict[str, object]:
    """The whole report: `latent`, `generation`, `variety`, `layers`, `matte`, `translucent`, `style`."""
    components, real, grounds = subject.sampler.components, subject.foregrounds.pixels, subject.backgrounds
    say("latent")
    trip = round_trip(components, real)
    latent = evaluate_latent(real, trip)
    say("generation")
    samples = sample_layers(subject.sampler, subject.captions, amount.samples)
    generation = evaluate_generation(samples, subject.reference, subject.foregrounds)
    say("variety")
    few = chosen_prompts(subject.captions, amount.variety_prompts)
    variety = evaluate_variety(subject.sampler, few, subject.reference)
    say("layers")
    behind = taught(subject.model.info.name, "backdrops") or grounds.captions
    prompts = samples.prompts[: amount.layer_prompts]
    layers = evaluate_layers(Engine(), subject.sampler, subject.model, prompts, behind, grounds.pixels)
    say("matte")
    opaque = subject.sampler.opaque([prompt for prompt in samples.prompts for _ in range(samples.each)])
    # against mattes stands what a diffusion model could make, too
    matte = evaluate_matte(real, trip.latent_alone, samples.layers, opaque, grounds.pixels, subject.reference)
    say("translucent")
    translucent = evaluate_translucent(
        subject.sampler, subject.captions, grounds.pixels, subject.reference, amount.translucent
    )
    say("style")
    style = evaluate_styles(subject.sampler, subject.model.info.styles, subject.captions, subject.reference)
    return {
        "model": subject.model.info.name,
        "latent": latent,
        "generation": generation,
        "variety": variety,
        "layers": layers,
        "matte": matte,
        "translucent": translucent,
        "style": style,
    }
