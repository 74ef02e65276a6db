"""The loaded parts of one model, the same for every family."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import torch
from diffusers import SchedulerMixin
from torch import Tensor

from acetate.protocol.geometry import Extent
from acetate.protocol.requests import ControlHint, ControlKind, ControlMethod, ImagePrompt, Style
from acetate_engine.models.adapters.controls import Net
from acetate_engine.models.adapters.image_prompts import IPAdapters
from acetate_engine.models.adapters.styles import StyleLoras
from acetate_engine.models.networks.latent_transparency import Autoencoder, LatentTransparency
from acetate_engine.models.networks.offset_scale import FOLDED_IN, settled
from acetate_engine.models.runtime.placement import Placement

if TYPE_CHECKING:
    from acetate_engine.pipelines.methods.base import LayerMethod


@dataclass(frozen=True)
class Text:
    """Encoded prompts, one a row."""

    prompt_embeds: Tensor  # (n, tokens, width)
    mask: Tensor | None = None  # (n, tokens), 1 for a token that counts
    pooled_prompt_embeds: Tensor | None = None  # (n, width): SDXL
    time_ids: Tensor | None = None  # (n, 6): SDXL's sizes and crop
    pictures: tuple[Tensor, ...] = ()  # (n, 1, ...): one an IP-Adapter
    notes: tuple[str, ...] = ()  # for the painter: what of the prompts was not read

    def then(self, other: Text) -> Text:
        """The rows of both; both are of one model."""
        return Text(
            torch.cat([self.prompt_embeds, other.prompt_embeds]),
            _cat(self.mask, other.mask),
            _cat(self.pooled_prompt_embeds, other.pooled_prompt_embeds),
            _cat(self.time_ids, other.time_ids),
            tuple(torch.cat(pair) for pair in zip(self.pictures, other.pictures, strict=True)),
        )

    def rows(self, indices: list[int]) -> Text:
        return Text(
            self.prompt_embeds[indices],
            None if self.mask is None else self.mask[indices],
            None if self.pooled_prompt_embeds is None else self.pooled_prompt_embeds[indices],
            None if self.time_ids is None else self.time_ids[indices],
            tuple(picture[indices] for picture in self.pictures),
        )

    def unet_arguments(self) -> dict[str, object]:
        """Keyword arguments of UNet2DConditionModel."""
        arguments: dict[str, object] = {"encoder_hidden_states": self.prompt_embeds}
        if self.mask is not None:
            arguments["encoder_attention_mask"] = self.mask
        added: dict[str, object] = {}
        if self.pooled_prompt_embeds is not None:
            added |= {"text_embeds": self.pooled_prompt_embeds, "time_ids": self.time_ids}
        if self.pictures:
            added["image_embeds"] = list(self.pictures)
        return {**arguments, "added_cond_kwargs": added} if added else arguments


def _cat(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    return None if a is None or b is None else torch.cat([a, b])


Weights = tuple[tuple[str, float], ...]
"""Names with their weights, in order."""


TextEncode = Callable[[list[str], int, Extent], Text]
"""(prompts, clip skip, working extent) → one row a prompt, on the model's device."""


class MemoryNeeds(Protocol):
    """Counts, in bytes on the device."""

    def beyond(self, pixels: int) -> int:
        """What a job of so many pixels takes beyond one of the model's own size."""

    def pictures(self, pixels: int) -> int:
        """What decoding or encoding one picture of so many pixels takes."""


class DenoiserOutput(Protocol):
    sample: Tensor


class Denoiser(Protocol):
    """What predicts noise or velocity: called as UNet2DConditionModel of diffusers is.

    A family of transformers wraps its own: (n, c, h, w), timestep, and what `Text.unet_arguments` gives.
    """

    @property
    def dtype(self) -> torch.dtype: ...
    def __call__(self, sample: Tensor, timestep: Tensor, **arguments: Any) -> DenoiserOutput: ...


_ASIDE = 40 << 20  # bytes: the largest of `mini` beside the smallest


class LayerAdapter(Protocol):
    """A layer adapter in a denoiser, until `detach` gives it back bit for bit; `attach` puts it in again after that."""

    @property
    def size(self) -> int:
        """Bytes that it takes as long as it is there, in the denoiser or not."""

    def attach(self) -> None: ...
    def detach(self) -> None: ...


Attach = Callable[[Any], LayerAdapter]
"""(the denoiser that it is made for) → the layer adapter, in it."""


@dataclass(eq=False)
class Components:
    """A model ready to run. Latents are unscaled at its borders; the denoiser sees them times `scaling_factor`."""

    denoiser: Denoiser
    vae: Autoencoder
    scheduler: SchedulerMixin  # its configuration: noise schedule and prediction type
    encode_text: TextEncode
    transparency: LatentTransparency
    layer_adapters: Mapping[str, Attach]  # the layer adapters that are there, by name
    method: LayerMethod  # how it conditions layers
    latent_channels: int
    vae_scale_factor: int  # pixels a latent pixel
    scaling_factor: float
    controls: Mapping[tuple[ControlMethod, ControlKind], Net] = field(default_factory=dict)
    styles: StyleLoras | None = None
    image_prompts: IPAdapters | None = None
    alpha_levels: tuple[float, float] = (0.0, 1.0)  # decoded alpha that counts as 0 and as 1; linear between
    # layer adapter -> share of the steps that go without it at first: where the plain base knows shapes better
    layer_from: Mapping[str, float] = field(default_factory=dict)
    # share of the steps from where on a layer's colour comes from a run without layer adapter; 1: its own is good
    colour_from: float = 1.0
    grain: float = 0.0  # how much its colours tremble that should not, 0..1: smoothed away where a layer is enlarged
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    placement: Placement | None = None  # None: all of it is on the device, and stays
    memory: MemoryNeeds | None = None  # what jobs take of it, where somebody counts
    notes: tuple[str, ...] = ()  # for the painter, of every job
    unsettled_scale: bool = False  # lambda of the encoder's file is to be found out at its first use
    _attached: tuple[str, LayerAdapter] | None = None
    _aside: dict[str, LayerAdapter] = field(default_factory=dict)  # taken out, the last one last
    _added: tuple[Weights, Weights] | None = ((), ())  # LoRAs and IP-Adapters; None while they change

    @property
    def looks_at_background(self) -> bool:
        """Whether there are layer adapters for a foreground that fits a given background."""
        return self.method.looks_at_background(self.layer_adapters)

    def use_add_ons(self, styles: tuple[Style, ...], prompts: tuple[ImagePrompt, ...]) -> None:
        """Put these LoRAs and IP-Adapters into the model in place of others; layer adapters are merged with them later.

        All of them are there: `require_add_ons` has seen to it. Raises CheckpointError where one cannot be used.
        """
        loras = tuple((style.lora, style.weight) for style in styles)
        adapters = tuple((prompt.adapter or self._first_adapter, prompt.weight) for prompt in prompts)
        if self._added == (loras, adapters):
            return
        self.use_layer_adapter(None)
        self._aside.clear()  # they were merged with the others
        self._added = None
        with self._changing():
            if self.styles is not None:
                self.styles.use(dict(loras))
            if self.image_prompts is not None:
                self.image_prompts.use(adapters)
        self._added = loras, adapters

    @property
    def _first_adapter(self) -> str:
        assert self.image_prompts is not None
        return self.image_prompts.names[0]

    def use_layer_adapter(self, name: str | None) -> LayerAdapter | None:
        """Put the layer adapter `name` into the UNet in place of others; None: the plain UNet.

        Those that were taken out last are kept, so that they are not read and merged again. Models that are placed have
        too little memory, or layer adapters too large, to keep any.
        """
        if name != (self._attached[0] if self._attached else None):
            with self._changing():
                self._exchange(name)
        return self._attached[1] if self._attached else None

    def steps_without(self, layer_adapter: str | None, steps: int) -> int:
        """How many of the first of `steps` from noise go without it, as `layer_from` has it."""
        return round(steps * self.layer_from.get(layer_adapter or "", 0.0))

    def settle_scale(self) -> str | None:
        """Find out lambda of the encoder's file, once; what to tell the painter where it is not the released one."""
        if self.unsettled_scale:
            self.transparency = settled(self.transparency, self.vae, self.vae_scale_factor)
            self.unsettled_scale = False
        if self.transparency.offset_scale != FOLDED_IN:
            return None
        return "the file of the transparency encoder has its scale in it: 1 is used in place of 300"

    @property
    def said(self) -> tuple[str, ...]:
        """For the painter: what the model was put together from, and what of the styles in it has no place."""
        return (*self.notes, *(() if self.styles is None else self.styles.notes))

    def make_room(self, hints: Sequence[ControlHint], prompts: Sequence[ImagePrompt], pixels: int = 0) -> None:
        """On the device, for what a job brings along: ControlNets of these hints, encoders of these pictures.

        A job of more pixels than the model's own size takes more beside them.

        Nets of earlier jobs stay as long as the model need not give way to them.
        """
        if self.placement is None:
            return
        named = {(hint.method, hint.kind) for hint in hints}
        wanted = {net for key, net in self.controls.items() if key in named or (None, key[1]) in named}
        others = {net for net in self.controls.values() if net.is_loaded and net not in wanted}
        encoders = self.image_prompts.encoder_bytes if prompts and self.image_prompts is not None else 0
        beyond = self.memory.beyond(pixels) if self.memory is not None else 0
        needed = beyond + encoders + sum(net.size for net in wanted)
        if not self.placement.fits_beside(needed + sum(net.size for net in others)):
            for net in others:
                net.unload()
        self.placement.make_room(needed)

    def clear_for_pictures(self, pixels: int) -> None:
        """Before pictures of so many pixels are decoded or encoded."""
        if self.placement is not None and self.memory is not None:
            self.placement.clear_for(self.memory.pictures(pixels))

    def _exchange(self, name: str | None) -> None:
        coming = self._aside.pop(name or "", None)  # before another one takes its room
        if self._attached is not None:
            former, layer_adapter = self._attached
            self._attached = None
            layer_adapter.detach()
            if self.placement is None:
                self._put_aside(former, layer_adapter)
        if name is not None:
            self._attached = (name, self._put_in(name, coming))

    def _put_aside(self, name: str, layer_adapter: LayerAdapter) -> None:
        self._aside[name] = layer_adapter
        while sum(each.size for each in self._aside.values()) > _ASIDE:
            del self._aside[next(iter(self._aside))]

    def _put_in(self, name: str, kept: LayerAdapter | None) -> LayerAdapter:
        if kept is None:
            return self.layer_adapters[name](self.denoiser)
        kept.attach()
        return kept

    def _changing(self) -> AbstractContextManager[None]:
        return nullcontext() if self.placement is None else self.placement.changing()
