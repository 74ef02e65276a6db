"""Whole jobs, compared with what the published code gave: the same tiny checkpoints, prompts, pictures and noise.

`pipelines.safetensors` holds latents, each named by family, layer adapter and, for SDXL, scheduler; its metadata
hold seed, prompt, negative_prompt, steps, guidance_scale and size (WIDTHxHEIGHT, multiples of 64). The noise is that of
a CPU generator with the seed, first of the first run, then of the second. Prompts are read as the published code reads
them: 77 tokens of plain words; SDXL has zeros in the place of a negative prompt that is missing, not of an empty one.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from acetate.protocol.errors import FileError
from acetate.protocol.events import ModelInfo
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.requests import GenerateRequest, Scheduler, Task
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.models.checkpoints.kinds import Family
from acetate_engine.models.families.base import Model, WorkingSize
from acetate_engine.models.families.components import Components, Text, TextEncode
from acetate_engine.models.families.released import load_released
from acetate_engine.models.runtime.quiet import quiet_libraries
from acetate_engine.pipelines.contract import Silent
from acetate_engine.pipelines.methods.concatenated import Concatenated
from acetate_engine.pipelines.stages.before_denoise import Until, down_to, first_share
from acetate_engine.pipelines.tasks import TaskGenerator
from acetate_engine.prompts.weights import escaped
from acetate_engine.verification.comparison import Comparison, largest
from acetate_engine.verification.tiny.folders import write_golden

FILE = "pipelines.safetensors"
TOLERANCE = 1e-3  # absolute, on latents of 50 to 100
_NAME = re.compile(
    r"(?P<family>SD1\.5|SDXL) (?P<layer>\w+?)(?:[ _]attn)?(?: frames \d)?"
    r"(?: (?P<scheduler>\w+?))?(?: (?P<rule>first half|timestep >=)(?: .*?)??(?: \((?P<steps>\d+) steps?\))?)?"
)
_TASKS = {
    "transparent": Task.FOREGROUND,
    "joint": Task.JOINT,
    "bg2fg": Task.FOREGROUND_ON_BACKGROUND,
    "fg2bg": Task.BACKGROUND_BEHIND_FOREGROUND,
    "bg2ble": Task.FOREGROUND_ON_BACKGROUND,
    "bgble2fg": Task.FOREGROUND_ON_BACKGROUND,
    "fg2ble": Task.BACKGROUND_BEHIND_FOREGROUND,
    "fgble2bg": Task.BACKGROUND_BEHIND_FOREGROUND,
}
_BEFORE_ANY_RULE = "fg2ble"
_ASKED = ("seed", "prompt", "steps", "guidance_scale", "size")
_TOKENS = 77  # that CLIP reads at once


@dataclass(frozen=True)
class GoldenJob:
    """One job; several golden latents may come from it."""

    family: Family
    task: Task
    scheduler: Scheduler
    rule: str | None  # when fgble2bg gives way to the plain UNet; implementations differ
    steps: int | None = None  # of half of an odd number, where the name tells it

    @staticmethod
    def of(name: str) -> tuple[GoldenJob, str]:
        """The job of a golden latent, and the layer adapter of its run. Raises FileError."""
        found = _NAME.fullmatch(name)
        scheduler = found and (found["scheduler"] or Scheduler.UNIPC.value)
        if found is None or found["layer"] not in _TASKS or scheduler not in {each.value for each in Scheduler}:
            raise FileError(f"{FILE} holds {name!r}, which is not known here", "Update Acetate")
        steps = int(found["steps"]) if found["steps"] and found["rule"] == "first half" else None
        job = GoldenJob(Family(found["family"]), _TASKS[found["layer"]], Scheduler(scheduler), found["rule"], steps)
        return job, found["layer"]

    @property
    def until(self) -> Until:
        """The steps of a background behind a foreground that the layer adapter acts in."""
        steps = self.steps
        if steps is not None:
            return lambda timesteps: steps
        return first_share(0.5) if self.rule == "first half" else down_to(499.5)


@dataclass(frozen=True)
class GoldenRuns:
    """Golden latents, and what was asked for."""

    latents: Mapping[str, Tensor]
    asked: Mapping[str, str]

    @staticmethod
    def read(path: Path) -> GoldenRuns:
        """Raises FileError where the file is missing or broken, or does not say what was asked for."""
        try:
            with safe_open(path, "pt") as file:
                asked = file.metadata() or {}
                runs = GoldenRuns({name: file.get_tensor(name) for name in file.keys()}, asked)  # noqa: SIM118
            if missing := [name for name in _ASKED if name not in asked]:
                raise FileError(f"{path} does not say {missing[0]}", "Complete the metadata of the golden vectors")
            return runs
        except (OSError, SafetensorError) as error:
            raise FileError(f"{path} cannot be read: {error}", "Complete the directory of golden vectors") from error

    @property
    def extent(self) -> Extent:
        width, height = self.asked["size"].split("x")
        return Extent(int(width), int(height))

    def request(self, kind: GoldenJob) -> GenerateRequest:
        """`kind` as the file's metadata has it."""
        return GenerateRequest(
            kind.task,
            Bounds.of(self.extent),
            int(self.asked["seed"]),
            _plain(self.asked["prompt"]),
            _plain(self.asked.get("negative_prompt", "")),
            background="background" if kind.task.needs_background else None,
            foreground="foreground" if kind.task.needs_foreground else None,
            model=kind.family.value,
            steps=int(self.asked["steps"]),
            scheduler=kind.scheduler,
            guidance_scale=float(self.asked["guidance_scale"]),
        )


def _plain(prompt: str) -> str:
    """The published code knows no marks in a prompt. CLIP reads no capitals, so a small BREAK is the same word."""
    return escaped(re.sub(r"\bBREAK\b", "break", prompt))


def compare_runs(directory: Path) -> Iterator[Comparison]:
    """Make every latent of the directory's golden runs anew, through whole jobs in float32 on the CPU.

    Raises:
        FileError: the file is missing or broken, or holds what is not known here.
    """
    quiet_libraries()
    golden = GoldenRuns.read(directory / FILE)
    kinds = _jobs(golden.latents)
    with TemporaryDirectory() as folder:
        models = {
            family: tiny_model(Path(folder), family, golden, _needed(family, kinds))
            for family in {kind.family for kind in kinds}
        }
        for kind, names in sorted(kinds.items(), key=lambda row: row[0].family.value):
            runs = latents_of(kind, golden.request(kind), models[kind.family])
            yield from (
                Comparison(name, "latent", largest(runs[layer] - golden.latents[name]), TOLERANCE)
                for layer, name in names.items()
            )


def _jobs(names: Iterable[str]) -> dict[GoldenJob, dict[str, str]]:
    """Golden names by the layer adapters of their runs, for each job that is needed."""
    jobs: dict[GoldenJob, dict[str, str]] = defaultdict(dict)
    for name in sorted(names, key=lambda name: _BEFORE_ANY_RULE in name):
        job, layer = GoldenJob.of(name)
        if layer == _BEFORE_ANY_RULE:  # any job of that kind makes it on the way
            plain = replace(job, rule=None, steps=None)
            job = next((each for each in jobs if replace(each, rule=None, steps=None) == plain), job)
        jobs[job][layer] = name
    return jobs


def _needed(family: Family, kinds: Mapping[GoldenJob, Mapping[str, str]]) -> set[str] | None:
    """Layer adapters: those of SD1.5 are large, and each job has one; SDXL's runs need each other's."""
    return (
        {layer for kind in kinds if kind.family is family for layer in kinds[kind]} if family is Family.SD15 else None
    )


def latents_of(kind: GoldenJob, request: GenerateRequest, model: Model) -> dict[str | None, Tensor]:
    """Each run's (frames, c, h, w), by its layer adapter."""
    runs: dict[str | None, Tensor] = {}

    def finished(layer: str | None, latents: Sequence[Tensor]) -> None:
        runs[layer] = latents[0]

    if kind.family is Family.SDXL:
        model.load().method = Concatenated(kind.until)
    TaskGenerator(finished).on_model(model, request, pictures(request.bounds.extent), Silent())
    return runs


def tiny_model(folder: Path, family: Family, golden: GoldenRuns, layers: set[str] | None) -> Model:
    """The checkpoints of the golden runs, written into `folder` and loaded as a painter's own are."""
    files, native = write_golden(folder / family.value, family, layers), golden.extent
    if "negative_prompt" in golden.asked:
        _read_empty_prompts(folder / family.value / "base" / "model_index.json")
    size = WorkingSize(native.area, 64, max(native.width / native.height, native.height / native.width))
    info = ModelInfo(
        family.value, family.value, "sd15" if family is Family.SD15 else "sdxl", tuple(Task), native.width, True
    )

    @cache
    def load() -> Components:
        components = load_released(folder / family.value / "base", family, files, torch.device("cpu"))
        components.encode_text = partial(_read_once, components.encode_text)
        return components

    return Model(info, size, (), load)


def _read_empty_prompts(index: Path) -> None:
    """The published code was given this text, so it encoded it."""
    described = json.loads(index.read_text(encoding="utf-8"))
    index.write_text(json.dumps({**described, "force_zeros_for_empty_prompt": False}), encoding="utf-8")


def _read_once(encode: TextEncode, prompts: list[str], clip_skip: int, working: Extent) -> Text:
    """The published code reads as many tokens as CLIP does at once, and drops the others."""
    text = encode(prompts, clip_skip, working)
    return replace(text, prompt_embeds=text.prompt_embeds[:, :_TOKENS])


def pictures(extent: Extent) -> dict[str, Pixels]:
    """A background without holes and a foreground whose upper third is transparent, of random pixels."""
    random = np.random.default_rng(0)
    shape = (extent.height, extent.width, 4)
    background = random.integers(0, 256, shape, dtype=np.uint8)
    background[..., 3] = 255
    foreground = random.integers(0, 256, shape, dtype=np.uint8)
    foreground[: extent.height // 3] = 0
    return {"background": background, "foreground": foreground}
