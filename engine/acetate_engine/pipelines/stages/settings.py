"""What a request leaves open, filled in from its preset (resources/presets/*.json)."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from acetate.protocol.codec import from_json
from acetate.protocol.geometry import Extent
from acetate.protocol.requests import GenerateRequest, Scheduler
from acetate_engine.models.checkpoints.sampling import Distilled
from acetate_engine.models.families.base import WorkingSize
from acetate_engine.paths import resources_dir
from acetate_engine.pipelines.stages.step_cache import DETERMINISTIC

_MOST_GUIDANCE = 2.5  # that models of few steps bear


@dataclass(frozen=True)
class FamilyPreset:
    steps: int
    scheduler: Scheduler
    guidance_scale: float
    cache_interval: int = 1


@dataclass(frozen=True)
class RunSettings:
    """How to sample and decode."""

    steps: int
    scheduler: Scheduler
    guidance_scale: float  # at most 1: no guidance, half the work
    decoder_passes: int  # 1, 2, 4 or 8
    cache_interval: int  # one of so many steps is computed
    area: float  # largest working area, as a multiple of the model's own
    spacing: str | None = None  # of timesteps; the model's own where None

    @staticmethod
    def of(request: GenerateRequest, family: str, few_steps: Distilled | None = None) -> RunSettings:
        """`few_steps`: what the model, or a style in it, was taught to be sampled by, in place of the preset."""
        values = json.loads((resources_dir() / "presets" / f"{request.preset.value}.json").read_text(encoding="utf-8"))
        row = values["families"].get(family, values["any"])
        preset = from_json(FamilyPreset, row, f"{request.preset.value}.json")
        if few_steps is not None:
            preset = FamilyPreset(few_steps.steps, Scheduler(few_steps.scheduler), few_steps.guidance_scale)
        scheduler = request.scheduler or preset.scheduler
        interval = preset.cache_interval if request.cache_interval is None else request.cache_interval
        return RunSettings(
            steps=preset.steps if request.steps is None else request.steps,
            scheduler=scheduler,
            guidance_scale=preset.guidance_scale if request.guidance_scale is None else request.guidance_scale,
            decoder_passes=int(values["decoder_passes"]),
            cache_interval=interval if scheduler in DETERMINISTIC else 1,
            area=float(values["area"]),
            spacing=None if few_steps is None else "trailing",
        )

    def misfit(self, model: str, few_steps: Distilled | None) -> str | None:
        """What a painter should know who asked for other settings than a model of few steps wants."""
        if few_steps is None or self.guidance_scale <= _MOST_GUIDANCE:
            return None
        wanted = f"{few_steps.guidance_scale:g} and {few_steps.steps} steps"
        return (
            f"guidance {self.guidance_scale:g} burns pictures of {few_steps.name} models, and {model} is one, "
            f"or has such a style: it wants guidance {wanted}"
        )

    def working_size(self, size: WorkingSize, wanted: Extent) -> WorkingSize:
        """A larger area than the model's own only serves regions that have that many pixels."""
        largest = round(size.area * self.area)
        return replace(size, area=min(max(wanted.area, size.area), largest))
