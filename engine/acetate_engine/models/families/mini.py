"""`mini`: the embedded model, trained by this project; small enough for any CPU.

A diffusers folder (resources/models/mini): unet, vae, scheduler, transparent_encoder, transparent_decoder, and
transparent_residual where there is one; `layers/NAME.safetensors` with NAME transparent, joint, bg2fg (foreground on
background), fg2bg; ControlNets as `controlnet/KIND`, style LoRAs as `styles/NAME.safetensors`; and mini.json. More of
these may lie in the data directory: see add_ons.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from acetate.protocol.codec import from_json
from acetate.protocol.events import ModelInfo
from acetate.protocol.requests import ControlKind, ControlMethod, Task
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.families.add_ons import AddOns, find_add_ons, with_add_ons
from acetate_engine.models.families.base import Model, WorkingSize, stamped
from acetate_engine.paths import resources_dir
from acetate_engine.prompts.taught import read_taught

if TYPE_CHECKING:
    from acetate_engine.models.families.components import Components

_MEMORY = 560 << 20  # bytes of the whole process after a draft at its native size, measured


@dataclass(frozen=True)
class LayerFrom:
    """Share of the steps before each layer adapter is put in."""

    transparent: float = 0.0
    joint: float = 0.0
    bg2fg: float = 0.0


@dataclass(frozen=True)
class MiniCard:
    """mini.json: what the folders do not say."""

    native: int  # side in pixels it was trained at
    offset_scale: float  # lambda of latent transparency
    multiple: int  # pixels, of both sides
    text_tokens: int = 16
    max_aspect: float = 2.0
    layer_aspect: float = math.inf  # what was learnt from squares alone keeps its shape in squares alone
    alpha_floor: float = 0.03  # so small a decoder leaves a haze of this alpha around things,
    alpha_ceiling: float = 0.97  # and as much lacking inside of them
    grain: float = 0.052  # colours of what it paints tremble by about this much
    layer_from: LayerFrom = LayerFrom()  # see Components: they know shapes less well
    colour_from: float = 1.0  # see Components: what the layer adapter hides alpha in shows as a weave in colours
    licence: str = ""


def models() -> list[Model]:
    folder = resources_dir() / "models" / "mini"
    if not (folder / "mini.json").is_file():
        info = _info(128, (), False, reason=f"{folder / 'mini.json'} is missing; check the project out again")
        return [Model(info, WorkingSize(128 * 128, 64, 2.0), (), lambda: load(folder, _add_ons(folder)))]
    card = read_card(folder)
    size = WorkingSize(card.native**2, card.multiple, card.max_aspect, card.layer_aspect)
    added = _add_ons(folder)
    info = with_add_ons(_info(card.native, tasks_of(layer_names(folder)), True, licence=card.licence), added)
    files = stamped([folder, *added.paths()])
    return [Model(info, size, files, lambda: load(folder, added), taught=partial(read_taught, folder))]


def read_card(folder: Path) -> MiniCard:
    return from_json(MiniCard, json.loads((folder / "mini.json").read_text(encoding="utf-8")), "mini.json")


def layer_names(folder: Path) -> list[str]:
    return sorted(path.stem for path in (folder / "layers").glob("*.safetensors"))


def _add_ons(folder: Path) -> AddOns:
    """Those beside it, and the user's own, which come first."""
    own, nets = find_add_ons("mini", Family.MINI), folder / "controlnet"
    beside = [kind for kind in ControlKind if (nets / kind.value / "config.json").is_file()]
    controls = {(ControlMethod.CONTROLNET, kind): nets / kind.value for kind in beside}
    styles = {path.stem: path for path in sorted((folder / "styles").glob("*.safetensors"))}
    return replace(own, controls={**controls, **own.controls}, loras={**styles, **own.loras})


def tasks_of(layers: Sequence[str]) -> tuple[Task, ...]:
    """What these layer adapters make possible.

    Foregrounds on a background, alone or in a stack, are made from the text alone until there is bg2fg; the painter is
    told so in a note.
    """
    enables = {
        "transparent": [Task.FOREGROUND, Task.FOREGROUND_ON_BACKGROUND, Task.STACK, Task.REFINE, Task.INPAINT],
        "joint": [Task.JOINT],
        "fg2bg": [Task.BACKGROUND_BEHIND_FOREGROUND, Task.BLEND],
    }
    return tuple(task for layer, tasks in enables.items() if layer in layers for task in tasks)


def load(folder: Path, added: AddOns) -> Components:
    """Raises CheckpointError where a part is missing or does not fit."""
    from acetate_engine.models.families.mini_parts import load_parts  # torch: not when models are only listed

    return load_parts(folder, read_card(folder), layer_names(folder), added)


def _info(native: int, tasks: tuple[Task, ...], installed: bool, *, licence: str = "", reason: str = "") -> ModelInfo:
    return ModelInfo("mini", "Mini (embedded)", "mini", tasks, native, installed, licence, _MEMORY, reason)
