"""Conditions as further channels beside the noisy latent (released for SDXL): from one picture to the next.

One-pass models were never released for it: a conditioned layer is made by way of the blended picture, and joint is a
foreground from text, then what lies behind it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.alpha import to_pixels
from acetate_engine.compositing.pixels import Floats
from acetate_engine.pipelines.methods.base import BLEND_STRENGTH, LayerLatents, Start, TransparentRuns
from acetate_engine.pipelines.stages.before_denoise import Until, always, down_to
from acetate_engine.pipelines.stages.denoise import execute
from acetate_engine.pipelines.stages.encoders import encode_picture, to_tensor
from acetate_engine.pipelines.stages.geometry import Geometry
from acetate_engine.pipelines.stages.job import ModelJob
from acetate_engine.pipelines.stages.layers import decode, generators
from acetate_engine.pipelines.stages.runs import Run


@dataclass(frozen=True)
class Chain:
    """Given → blended → wanted: the layer adapters of both runs."""

    to_blended: str
    to_wanted: str
    until: Until = always  # steps of the second run with its layer adapter; the plain denoiser after them


BASE_AFTER = down_to(499.5)
_IN_FRONT = Chain("bg2ble", "bgble2fg")


class Concatenated(TransparentRuns):
    """Layer adapters: transparent, bg2ble, bgble2fg, fg2ble, fgble2bg.

    Args:
        base_after: backgrounds behind a foreground want the plain denoiser after these steps. The published web UI
            changes at timestep 499.5, another implementation after half of the steps.
    """

    runs_per_layer = 2
    takes_several = False  # its models are too large to gain by it

    def __init__(self, base_after: Until = BASE_AFTER) -> None:
        self._behind = Chain("fg2ble", "fgble2bg", base_after)

    def looks_at_background(self, layers: Collection[str]) -> bool:
        return {_IN_FRONT.to_blended, _IN_FRONT.to_wanted} <= set(layers)

    def foreground_on(self, job: ModelJob, geometry: Geometry, behind: Tensor, start: Start | None) -> LayerLatents:
        return self._conditioned(job, geometry, _IN_FRONT, behind, start)

    def background_behind(self, job: ModelJob, geometry: Geometry, front: Tensor, start: Start | None) -> LayerLatents:
        return self._conditioned(job, geometry, self._behind, front, start)

    def _conditioned(
        self, job: ModelJob, geometry: Geometry, chain: Chain, given: Tensor, start: Start | None
    ) -> LayerLatents:
        runs = 1 if start is not None and start.keep is not None else 2
        job.meter.expect(job.request.images * (runs * job.settings.steps + 1))
        latents = [encode_picture(given, job.components, job.note)] * job.request.images
        return _run_chain(job, geometry, chain, latents, job.request.prompt, generators(job), start)

    def blend(self, job: ModelJob, geometry: Geometry, front: Tensor, back: Tensor, both: Tensor) -> LayerLatents:
        given = [encode_picture(front, job.components, job.note)] * job.request.images
        run = Run(self._behind.to_blended, (job.request.prompt,), condition_latents=given)
        run = run.starting(encode_picture(both, job.components, job.note), BLEND_STRENGTH)
        job.meter.expect(job.request.images * (run.steps(job) + 1))
        return execute(job, run, geometry, generators(job))

    def joint(self, job: ModelJob, geometry: Geometry) -> tuple[Sequence[Floats], Sequence[Floats]]:
        request, seeds = job.request, generators(job)
        run = Run("transparent", (request.prompt,))
        job.meter.expect(request.images * (3 * run.steps(job) + 2))
        fronts = [decode(job, latent, LayerRole.FOREGROUND) for latent in execute(job, run, geometry, seeds)]
        pixels = (to_tensor(to_pixels(front, request.pixel_format), job.device) for front in fronts)
        given = [encode_picture(rgba, job.components, job.note) for rgba in pixels]
        behind = request.background_prompt or request.prompt
        latents = _run_chain(job, geometry, self._behind, given, behind, seeds)
        return [decode(job, latent, LayerRole.BACKGROUND) for latent in latents], fronts


def _run_chain(
    job: ModelJob,
    geometry: Geometry,
    chain: Chain,
    given: Sequence[Tensor],
    prompt: str,
    seeds: list[torch.Generator],
    start: Start | None = None,
) -> LayerLatents:
    """`given` holds one latent an image. A blended picture that is known is not made."""
    strength, keep = job.request.strength, start.keep if start else None
    if start is not None and keep is not None:
        blended: LayerLatents = [start.blended] * len(given)
    else:
        first = Run(chain.to_blended, (job.request.blended,), condition_latents=given)
        blended = execute(job, first.starting(start.blended if start else None, strength), geometry, seeds)
    both = [beside(*pair) for pair in zip(given, blended, strict=True)]
    second = Run(chain.to_wanted, (prompt,), condition_latents=both, layer_until=chain.until, keep=keep)
    return execute(job, second.starting(start.wanted if start else None, strength), geometry, seeds)


def beside(given: Tensor, blended: Tensor) -> Tensor:
    """Two conditions (1, c, h, w) in the order of the released files: (1, 2c, h, w)."""
    return torch.cat([given, blended], dim=1)
