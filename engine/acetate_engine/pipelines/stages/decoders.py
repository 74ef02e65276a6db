"""Latents → pictures of the working extent, straight sRGB."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from acetate_engine.compositing.alpha import bleed
from acetate_engine.compositing.pixels import Floats
from acetate_engine.models.families.components import Components
from acetate_engine.models.networks.latent_transparency import decode_rgb
from acetate_engine.models.runtime.memory import Note
from acetate_engine.pipelines.stages.unmixing import coloured, made_from_noise

OPAQUE_NOTE = (
    "nothing transparent came out, alpha is opaque over 98 % of the layer: this checkpoint does not follow the "
    "transparency weights, or the prompt speaks of a background. Name one thing alone, or try a plainer checkpoint"
)
EMPTY_NOTE = (
    "the layer is empty, alpha is below 2 % everywhere: name a thing that can stand alone, another seed, "
    "or a lower guidance scale"
)


@dataclass(frozen=True)
class EarlierLayer:
    """The layer that another one is made from, as far as decoding has to know it."""

    share: float  # 0..1, how much of it is left
    residual: Tensor | None  # from `encode_residual`


def decode_transparent(
    latent: Tensor, components: Components, passes: int, note: Note, earlier: EarlierLayer | None = None
) -> Floats:
    """(1, c, h, w) unscaled → (H, W, 4) float32, 0..1, with the colour under alpha 0 filled in.

    A second row of the latent is the base's own picture of it over mid-grey: colour comes from there.

    Of an earlier layer, what decoding would lose of its alpha is given back, by as much as is left of it.
    """
    _clear_for(latent, components)
    layers = components.transparency.decode_layers(latent[:1], components.vae, note=note, passes=passes)
    if earlier is not None and earlier.residual is not None:
        layers = components.transparency.with_residual(layers, earlier.share * earlier.residual)
    rgba = layers[0, [1, 2, 3, 0]].permute(1, 2, 0).cpu().numpy()
    floor, ceiling = components.alpha_levels
    rgba[..., 3] = ((rgba[..., 3] - floor) / (ceiling - floor)).clip(0, 1)
    if np.mean(rgba[..., 3] > 0.98) > 0.98:
        note(OPAQUE_NOTE)
    if rgba[..., 3].max() < 0.02:
        note(EMPTY_NOTE)
    layer = np.ascontiguousarray(rgba)
    if len(latent) == 1:
        return bleed(layer)
    finish = made_from_noise if earlier is None else coloured
    return finish(layer, _rgb(latent[1:], components, note))


def _rgb(latent: Tensor, components: Components, note: Note) -> Floats:
    """(1, c, h, w) unscaled → (H, W, 3)."""
    rgb: Floats = decode_rgb(latent, components.vae, note=note)[0].permute(1, 2, 0).cpu().numpy()
    return rgb


def _clear_for(latent: Tensor, components: Components) -> None:
    components.clear_for_pictures(latent.shape[-2] * latent.shape[-1] * components.vae_scale_factor**2)


def decode_opaque(latent: Tensor, components: Components, note: Note) -> Floats:
    """(1, c, h, w) unscaled → (H, W, 4) float32, 0..1, alpha 1."""
    _clear_for(latent, components)
    rgb = _rgb(latent, components, note)
    return np.concatenate([rgb, np.ones_like(rgb[..., :1])], axis=-1)
