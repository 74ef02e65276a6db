"""How a UNet is built, from a header or a configuration: layer adapters fit the UNet that they were made for alone."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acetate_engine.models.checkpoints.header import Header
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.checkpoints.parts import Naming, PartPlace
from acetate_engine.paths import resources_dir

CONFIG_FOLDERS = {Family.SD15: "sd15", Family.SDXL: "sdxl"}


@dataclass(frozen=True)
class Structure:
    """Level by level, from the finest: channels, residual blocks on the way down, transformer layers of attentions."""

    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    depths: tuple[int, ...]  # 0: no attention
    middle: int  # transformer layers
    context: int | None  # channels of the text that it listens to

    @staticmethod
    def of_config(config: Mapping[str, Any]) -> Structure | None:
        """Of a UNet2DConditionModel's; None where it does not say."""
        widths, context = config.get("block_out_channels"), config.get("cross_attention_dim")
        if not widths:
            return None
        each, deep = config.get("layers_per_block", 2), config.get("transformer_layers_per_block", 1)
        blocks = tuple(each) if isinstance(each, list) else (each,) * len(widths)
        depths = tuple(deep) if isinstance(deep, list) else (deep,) * len(widths)
        kinds = config.get("down_block_types", ("CrossAttn",) * (len(widths) - 1) + ("",))
        listens = config.get("mid_block_type", "UNetMidBlock2DCrossAttn") == "UNetMidBlock2DCrossAttn"
        attended = tuple(depth if "CrossAttn" in kind else 0 for depth, kind in zip(depths, kinds, strict=True))
        return Structure(tuple(widths), blocks, attended, depths[-1] if listens else 0, context)

    @staticmethod
    def of_header(header: Header, place: PartPlace, context: int | None) -> Structure:
        found = _Levels(header, place)
        return Structure(*found.rows(), found.middle, context)


class _Levels:
    """What the names of a UNet's parameters tell of its levels."""

    def __init__(self, header: Header, place: PartPlace) -> None:
        self._inner = {
            name.removeprefix(place.prefix): shape
            for name, shape in header.shapes.items()
            if name.startswith(place.prefix)
        }
        self._original = place.naming is Naming.ORIGINAL
        middle = "middle_block.1" if self._original else "mid_block.attentions.0"
        self.middle = self._most(rf"{re.escape(middle)}\.transformer_blocks\.(\d+)\..*")

    def rows(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Widths, blocks and depths."""
        widths: dict[int, int] = {}
        blocks: dict[int, int] = defaultdict(int)
        depths: dict[int, int] = defaultdict(int)
        for level, stem, attention in self._blocks():
            widths[level] = self._inner[f"{stem}.weight"][0]
            blocks[level] += 1
            depths[level] = max(depths[level], self._most(rf"{re.escape(attention)}\.transformer_blocks\.(\d+)\..*"))
        levels = sorted(widths)
        return tuple(widths[i] for i in levels), tuple(blocks[i] for i in levels), tuple(depths[i] for i in levels)

    def _blocks(self) -> Iterator[tuple[int, str, str]]:
        """(level, its first convolution, the attention behind it) of each residual block on the way down."""
        if not self._original:
            pattern = re.compile(r"down_blocks\.(\d+)\.resnets\.(\d+)\.conv1\.weight")
            for name in self._inner:
                if found := pattern.fullmatch(name):
                    yield int(found[1]), name.removesuffix(".weight"), f"down_blocks.{found[1]}.attentions.{found[2]}"
            return
        level = 0
        for index in range(1, 1 + self._most(r"input_blocks\.(\d+)\..*")):
            block = f"input_blocks.{index}"
            if f"{block}.0.op.weight" in self._inner:
                level += 1
            elif f"{block}.0.in_layers.2.weight" in self._inner:
                yield level, f"{block}.0.in_layers.2", f"{block}.1"

    def _most(self, pattern: str) -> int:
        """One more than the largest number that the pattern finds; 0 without any."""
        known = re.compile(pattern)
        return max((int(found[1]) + 1 for name in self._inner if (found := known.fullmatch(name))), default=0)


def described(folder: Path) -> Structure | None:
    """By a diffusers folder's configuration; None where there is none that can be read."""
    try:
        return Structure.of_config(json.loads((folder / "unet" / "config.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, AttributeError):
        return None  # loading it says what is wrong


def published(family: Family | None) -> Structure | None:
    """Of the family's UNet, for which layer adapters were made."""
    name = CONFIG_FOLDERS.get(family) if family else None
    return described(resources_dir() / "configs" / name) if name else None


def differences(found: Structure | None, wanted: Structure | None) -> str:
    """In words; empty where there are none, as far as one can tell.

    Numbers of channels tell nothing where the text is another, too: then it is built alike, in another size.
    """
    if found is None or wanted is None:
        return ""
    same_text = found.context == wanted.context
    said = [
        *_each("levels of {} channels", found.widths, wanted.widths, same_text),
        *_each("{} residual blocks a level", found.blocks, wanted.blocks),
        *_each("{} transformer layers a level", found.depths, wanted.depths, same_text),
    ]
    if not found.middle and wanted.middle:
        said.append("no attention in its middle")
    elif same_text and found.middle != wanted.middle:
        said.append(f"{found.middle} transformer layers in its middle instead of {wanted.middle}")
    return ", ".join(said)


def _each(words: str, found: tuple[int, ...], wanted: tuple[int, ...], exactly: bool = True) -> Iterator[str]:
    """`exactly`: the numbers count, and not only which of them are 0."""
    counted = [tuple(each if exactly else bool(each) for each in row) for row in (found, wanted)]
    if counted[0] != counted[1]:
        yield f"{words.format(_listed(found))} instead of {_listed(wanted)}"


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
