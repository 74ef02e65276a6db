"""SD 1.5: any checkpoint of the family, with the released layer adapters; shared attention, in one pass."""

from __future__ import annotations

from functools import partial

from acetate.protocol.requests import Task
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.families.released import Needs, find_released

NEEDS: Needs = {
    Task.FOREGROUND: ("transparent", "decoder"),
    Task.JOINT: ("joint", "decoder"),
    Task.FOREGROUND_ON_BACKGROUND: ("bg2fg", "decoder"),
    Task.BACKGROUND_BEHIND_FOREGROUND: ("fg2bg",),
    Task.BLEND: ("fg2bg",),
    Task.STACK: ("transparent", "bg2fg", "decoder"),
    Task.REFINE: ("transparent", "encoder", "decoder"),
    Task.INPAINT: ("transparent", "encoder", "decoder"),
}


models = partial(find_released, "sd15", Family.SD15, NEEDS)
