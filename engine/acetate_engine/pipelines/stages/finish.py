"""How a result gets to the size asked for: finished where the network for that is there, resampled where not."""

from __future__ import annotations

from functools import partial

from acetate.protocol.errors import CheckpointError, PartError
from acetate.protocol.requests import Preset
from acetate_engine.compositing.resize import resize
from acetate_engine.pipelines.stages.enlarging import enlarge_to, upscaler
from acetate_engine.pipelines.stages.geometry import Resample
from acetate_engine.pipelines.stages.job import ModelJob


def finishing(job: ModelJob) -> Resample:
    """What enlarges this job's results. The painter is told where it is interpolation alone."""
    is_draft = job.request.preset is Preset.DRAFT
    try:
        upscaler(is_draft)
    except (PartError, CheckpointError) as error:
        job.note(f"enlarged without finish: {error.detail}. {error.remedy}".removesuffix("."))
        return resize
    return partial(enlarge_to, grain=job.components.grain, is_draft=is_draft, check=job.meter.reporter.check)
