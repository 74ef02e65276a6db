"""SDXL: any checkpoint of the family, with the released layer adapters; concatenated latents, in two passes.

One-pass models for SDXL were never released: joint is a foreground from text, then the background behind it.
"""

from __future__ import annotations

from functools import partial

from acetate.protocol.requests import Task
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.families.released import Needs, find_released

NEEDS: Needs = {
    Task.FOREGROUND: ("transparent", "decoder"),
    Task.JOINT: ("transparent", "fg2ble", "fgble2bg", "decoder"),
    Task.FOREGROUND_ON_BACKGROUND: ("bg2ble", "bgble2fg", "decoder"),
    Task.BACKGROUND_BEHIND_FOREGROUND: ("fg2ble", "fgble2bg"),
    Task.BLEND: ("fg2ble",),
    Task.STACK: ("transparent", "bg2ble", "bgble2fg", "decoder"),
    Task.REFINE: ("transparent", "encoder", "decoder"),
    Task.INPAINT: ("transparent", "encoder", "decoder"),
}


models = partial(find_released, "sdxl", Family.SDXL, NEEDS)
