"""`translucent`: glass, fire, light, smoke, threads and hair, against variations that no stage was trained on."""

from __future__ import annotations

from acetate_engine.evaluation import alpha as measure
from acetate_engine.evaluation.latent import round_trip
from acetate_engine.evaluation.matte import nearer_over
from acetate_engine.evaluation.probe import Reference
from acetate_engine.evaluation.sampling import Sampler
from acetate_engine.training.datasets import Bytes
from acetate_engine.training.rendered import UNSEEN
from acetate_engine.training.translucent.subjects import SUBJECTS, render_all


def evaluate_translucent(
    sampler: Sampler, captions: list[str], backgrounds: Bytes, reference: Reference, count: int
) -> dict[str, object] | None:
    """Alpha of rendered layers through the latent alone, KID as in `matte`; None where no caption can be rendered.

    Args:
        backgrounds: (M, H, W, 3) photographs.
        count: how many layers are rendered, and as many generated with and without transparency.
    """
    soft = [caption for caption in captions if caption in SUBJECTS]
    if not soft:
        return None
    real = render_all(count, sampler.side, UNSEEN, tuple(soft))
    trip = round_trip(sampler.components, real.pixels)
    alone, true = measure.alpha_of(trip.latent_alone), measure.alpha_of(real.pixels)
    native, opaque = sampler.native(real.captions), sampler.opaque(real.captions)
    return {
        "latent_alone_alpha_mae": measure.alpha_mae(alone, true),
        "latent_alone_soft_alpha_mae": measure.soft_alpha_mae(alone, true),
        "samples": count,
    } | nearer_over(real.pixels, native, opaque, backgrounds, reference)
