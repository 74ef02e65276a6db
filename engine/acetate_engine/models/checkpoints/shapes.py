"""What the parameter shapes of the transparency networks say about how they were built."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict


class EncoderConfig(TypedDict):
    latent_channels: int
    widths: list[int]


class DecoderConfig(TypedDict):
    latent_channels: int
    widths: list[int]
    layers_per_block: int
    vae_factor: int
    attention_levels: int


Shapes = Mapping[str, Sequence[int]]


def numbers(names: Iterable[str], pattern: str) -> list[int]:
    """The different numbers that `pattern` captures in the names that it matches, in order."""
    return sorted({int(found[1]) for found in (re.fullmatch(pattern, name) for name in names) if found})


def encoder_config(shapes: Shapes) -> EncoderConfig:
    """Arguments of `OffsetEncoder` for parameters of these shapes.

    Raises:
        LookupError: these are not an offset encoder's shapes.
    """
    convolutions = numbers(shapes, r"blocks\.(\d+)\.weight")
    outputs = [shapes[f"blocks.{index}.weight"][0] for index in convolutions]
    return EncoderConfig(latent_channels=outputs[-1], widths=outputs[:-1:2])


def decoder_config(shapes: Shapes) -> DecoderConfig:
    """Arguments of `TransparentDecoder` for parameters of these shapes.

    The VAE's factor follows from the first width that the latent's convolution can join.

    Raises:
        LookupError, ValueError: these are not a transparent decoder's shapes.
    """
    blocks = numbers(shapes, r"down_blocks\.(\d+)\..*")
    widths = [shapes[f"down_blocks.{block}.resnets.0.conv1.weight"][0] for block in blocks]
    joined, latent_channels = shapes["latent_conv_in.weight"][:2]
    return DecoderConfig(
        latent_channels=latent_channels,
        widths=widths,
        layers_per_block=sum(f"down_blocks.0.resnets.{layer}.conv1.weight" in shapes for layer in range(8)),
        vae_factor=2 ** (widths.index(joined) + 1),
        attention_levels=sum(f"down_blocks.{block}.attentions.0.to_q.weight" in shapes for block in blocks),
    )
