"""Twenty fixed requests on the embedded model, every task among them: whether a change of the code changes pixels.

On one machine, unchanged code gives unchanged bytes; from machine to machine sums differ in the last bit, and pixels by
2/255 at most.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat, digest
from acetate.protocol.requests import (
    ControlHint,
    ControlKind,
    GenerateRequest,
    Preset,
    Scheduler,
    StackLayer,
    Style,
    Task,
)
from acetate_engine.compositing.alpha import premultiply, to_float
from acetate_engine.compositing.images import encode_image
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.pipelines.contract import Silent
from acetate_engine.pipelines.tasks import TaskGenerator

ALLOWED = 2 / 255  # of alpha, and of colour times alpha
_CANVAS, _PART = Bounds(-8, 4, 72, 64), Bounds(6, 12, 48, 40)


def fixed_requests() -> dict[str, GenerateRequest]:
    """By name."""
    names = {name: digest(encode_image(picture)) for name, picture in _pictures().items()}
    back, front = {"background": names["background"]}, {"foreground": names["foreground"]}
    mask, both = {"mask": names["mask"]}, {**back, **front}
    edges = (ControlHint(ControlKind.EDGES, names["foreground"], 0.8),)
    again = StackLayer("a red apple, 3d emoji", strength=0.5, picture=names["foreground"])
    small = StackLayer("a fox, 3d emoji", _PART, seed=3)
    rows: list[tuple[str, Task, dict[str, Any]]] = [
        ("foreground", Task.FOREGROUND, {}),
        ("foreground, final", Task.FOREGROUND, {"preset": Preset.FINAL}),
        ("foreground, two of 16 bit", Task.FOREGROUND, {"images": 2, "pixel_format": PixelFormat.RGBA16}),
        ("foreground, Euler a", Task.FOREGROUND, {"scheduler": Scheduler.EULER_A, "negative_prompt": "green"}),
        ("foreground, edges", Task.FOREGROUND, {"control": edges}),
        ("foreground, style", Task.FOREGROUND, {"styles": (Style("fantasy_painting", 0.8),)}),
        ("foreground, cut out", Task.FOREGROUND, {"cut_out": True, **mask}),
        ("joint", Task.JOINT, {"background_prompt": "a meadow"}),
        ("joint, in a part", Task.JOINT, {"bounds": _PART}),
        ("in front", Task.FOREGROUND_ON_BACKGROUND, back),
        ("in front, in a part", Task.FOREGROUND_ON_BACKGROUND, {**back, "bounds": _PART}),
        ("behind", Task.BACKGROUND_BEHIND_FOREGROUND, {**front, "prompt": "a beach"}),
        ("blend", Task.BLEND, both),
        ("refine", Task.REFINE, {**front, "strength": 0.5}),
        ("refine, inside a mask", Task.REFINE, {**front, **mask, "strength": 0.7}),
        ("repaint", Task.INPAINT, {**front, **mask, "bounds": _PART}),
        ("stack", Task.STACK, {**back, "layers": (StackLayer("a house, 3d emoji"), small)}),
        ("stack, again", Task.STACK, {"layers": (again, StackLayer("a star, 3d emoji"))}),
        ("edges", Task.EDGES, front),
        ("identity", Task.IDENTITY, {**front, "bounds": _PART, "pixel_format": PixelFormat.RGBA16}),
    ]
    return {name: _request(task, fields) for name, task, fields in rows}


def _request(task: Task, fields: Mapping[str, Any]) -> GenerateRequest:
    common = {"bounds": _CANVAS, "seed": 11, "prompt": "a pear, 3d emoji", "context": _CANVAS, "steps": 4}
    return GenerateRequest(task, **{**common, **fields})


def make_all() -> Iterator[tuple[str, list[Pixels]]]:
    """The layers of every request, bottom to top."""
    generator = TaskGenerator()
    images = {digest(encode_image(picture)): picture for picture in _pictures().values()}
    for name, request in fixed_requests().items():
        yield name, [layer.pixels for layer in generator.generate(request, images, Silent()).layers]


def digest_of(layers: list[Pixels]) -> str:
    """SHA-256 of all of their bytes."""
    return hashlib.sha256(b"".join(layer.tobytes() for layer in layers)).hexdigest()


def save(path: Path, name: str, layers: list[Pixels]) -> None:
    """Adds the layers of one request to a file of references."""
    kept = load_file(path) if path.is_file() else {}
    kept |= {f"{name}/{index}": np.ascontiguousarray(layer) for index, layer in enumerate(layers)}
    save_file(kept, path)


@dataclass(frozen=True)
class References:
    """Layers that were kept, (h, w, 4) straight sRGB, by request and number."""

    layers: Mapping[str, Pixels]

    @staticmethod
    def read(path: Path) -> References:
        """Raises FileError."""
        try:
            return References(load_file(path))
        except (OSError, SafetensorError) as error:
            raise FileError(f"{path} cannot be read: {error}", "Make it with `acetate pixels --save`.") from error

    def difference(self, name: str, layers: list[Pixels]) -> float:
        """The largest, of alpha and of colour times alpha, 0..1; infinite where the layers have other sizes."""
        kept = [self.layers[key] for key in sorted(self.layers) if key.rpartition("/")[0] == name]
        if [layer.shape for layer in kept] != [layer.shape for layer in layers]:
            return float("inf")
        pairs = ((premultiply(to_float(a)), premultiply(to_float(b))) for a, b in zip(kept, layers, strict=True))
        return max(float(np.abs(a - b).max()) for a, b in pairs)


def _pictures() -> dict[str, Pixels]:
    """Integers only: the same on every machine. A gradient, a disc with a soft rim, and a mask."""
    y, x = np.mgrid[: _CANVAS.height, : _CANVAS.width]
    distance = (x - 36) ** 2 + (y - 32) ** 2
    background = np.stack([60 + 2 * x, 200 - y, 90 + x + y, np.full_like(x, 255)], axis=-1)
    foreground = np.stack([200 - y, 40 + 2 * x, 30 + y, (700 - distance).clip(0, 255)], axis=-1)
    mask = (4 * (x - 20)).clip(0, 255)
    rgba = {"background": background, "foreground": foreground, "mask": mask}
    return {name: values.clip(0, 255).astype(np.uint8) for name, values in rgba.items()}
