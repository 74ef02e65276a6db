"""Conditions by shared attention: all frames of a picture are denoised in one run (released for SD1.5; mini).

Attention reaches across the frames at each pixel, and a condition picture is added inside of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import torch
from torch import Tensor

from acetate.protocol.requests import GenerateRequest
from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.pixels import Floats
from acetate_engine.models.adapters.attention_sharing import AttentionSharing
from acetate_engine.models.adapters.concat_condition import on_grey
from acetate_engine.models.families.components import LayerAdapter
from acetate_engine.pipelines.methods.base import BLEND_STRENGTH, LayerLatents, Start, TransparentRuns
from acetate_engine.pipelines.stages.denoise import execute
from acetate_engine.pipelines.stages.encoders import encode_picture
from acetate_engine.pipelines.stages.geometry import Geometry
from acetate_engine.pipelines.stages.job import ModelJob
from acetate_engine.pipelines.stages.layers import decode, generators
from acetate_engine.pipelines.stages.runs import Run


class SharedAttention(TransparentRuns):
    """Layer adapters: transparent, joint, bg2fg, fg2bg."""

    runs_per_layer = 1
    takes_several = True

    def looks_at_background(self, layers: Collection[str]) -> bool:
        return "bg2fg" in layers

    def foreground_on(self, job: ModelJob, geometry: Geometry, behind: Tensor, start: Start | None) -> LayerLatents:
        return self._conditioned(job, geometry, "bg2fg", behind, start)

    def background_behind(self, job: ModelJob, geometry: Geometry, front: Tensor, start: Start | None) -> LayerLatents:
        return self._conditioned(job, geometry, "fg2bg", front, start)

    def _conditioned(
        self, job: ModelJob, geometry: Geometry, layer: str, given: Tensor, start: Start | None
    ) -> LayerLatents:
        """Two frames: the wanted layer, and the blended picture."""
        request = job.request
        frame, plain = (0 if layer == "bg2fg" else None), (start.plain if start else None)
        prompts, each = _prompts(request), [_prompts(own) for own in job.each]
        keep = None if start is None or start.keep is None else torch.cat([start.keep, torch.ones_like(start.keep)])
        run = Run(layer, prompts, each, prepare=_conditioned_by(given), keep=keep, layer_frame=frame, plain=plain)
        run = run.starting(torch.cat([start.wanted, start.blended]) if start else None, request.strength)
        job.meter.expect(request.images * (run.steps(job) + 1))
        return _first(run, execute(job, run, geometry, generators(job)))

    def blend(self, job: ModelJob, geometry: Geometry, front: Tensor, back: Tensor, both: Tensor) -> LayerLatents:
        """The frames of fg2bg, with the background frame held to the one that is given."""
        start = torch.cat(
            [encode_picture(back, job.components, job.note), encode_picture(both, job.components, job.note)]
        )
        keep = torch.tensor([1.0, 0.0], device=job.device).reshape(2, 1, 1, 1)
        prompts = (job.request.background_prompt or job.request.prompt, job.request.prompt)
        run = Run("fg2bg", prompts, prepare=_conditioned_by(front), keep=keep).starting(start, BLEND_STRENGTH)
        job.meter.expect(job.request.images * (run.steps(job) + 1))
        return _frame(execute(job, run, geometry, generators(job)), 1)

    def joint(self, job: ModelJob, geometry: Geometry) -> tuple[Sequence[Floats], Sequence[Floats]]:
        """Three frames in one run: foreground, background, blended picture."""
        request = job.request
        behind = request.background_prompt or request.prompt
        run = Run("joint", (request.prompt, behind, request.blended), layer_frame=0)
        job.meter.expect(request.images * (run.steps(job) + 2))
        latents = execute(job, run, geometry, generators(job))
        fronts = [decode(job, latent, LayerRole.FOREGROUND) for latent in _first(run, latents)]
        return [decode(job, latent, LayerRole.BACKGROUND) for latent in _frame(latents, 1)], fronts


def _prompts(request: GenerateRequest) -> tuple[str, str]:
    """Of the wanted layer, and of the blended picture."""
    return request.prompt, request.blended


def _conditioned_by(rgba: Tensor) -> Callable[[LayerAdapter], None]:
    """Gives the layer adapter its condition picture, or one an image, over mid-grey, -1..1."""

    def prepare(sharing: LayerAdapter) -> None:
        assert isinstance(sharing, AttentionSharing)
        sharing.set_condition(2 * on_grey(rgba) - 1)

    return prepare


def _first(run: Run, latents: LayerLatents) -> LayerLatents:
    """The first frame, and its colour, which follows the frames where it is made apart."""
    return [torch.cat([latent[:1], latent[len(run.prompts) :]]) for latent in latents]


def _frame(latents: LayerLatents, index: int) -> LayerLatents:
    return [latent[index : index + 1] for latent in latents]
