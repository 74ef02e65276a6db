"""What a person reads in place of a value of the protocol: in lists, remarks, errors and accessible names alike.

English; `acetate.language.tr` of it, or of the sentence that it stands in, is in the painter's language.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from acetate.language import mark
from acetate.protocol.events import JobState
from acetate.protocol.requests import ControlKind, ControlMethod, Preset, Scheduler
from acetate.protocol.tasks import Task

_LABELS: Mapping[Enum, str] = {
    Preset.DRAFT: mark("Draft"),
    Preset.FINAL: mark("Final"),
    Scheduler.DPMPP_2M_SDE_KARRAS: "DPM++ 2M SDE Karras",
    Scheduler.UNIPC: "UniPC",
    Scheduler.EULER_A: "Euler a",
    Scheduler.EULER: "Euler",
    Scheduler.LCM: "LCM",
    Scheduler.TCD: "TCD",
    ControlKind.LINES: mark("Lines"),
    ControlKind.EDGES: mark("Edges"),
    ControlKind.DEPTH: mark("Depth"),
    ControlKind.POSE: mark("Pose"),
    ControlKind.SCRIBBLE: mark("Scribble"),
    ControlMethod.CONTROLNET: "ControlNet",
    ControlMethod.UNION: "union ControlNet",
    ControlMethod.T2I_ADAPTER: "T2I-Adapter",
    JobState.QUEUED: mark("waiting"),
    JobState.RUNNING: mark("under way"),
    JobState.DONE: mark("done"),
    JobState.FAILED: mark("failed"),
    JobState.CANCELLED: mark("cancelled"),
}


def label_of(value: Enum) -> str:
    """Raises KeyError for a value that no person should see."""
    return value.traits.label if isinstance(value, Task) else _LABELS[value]
