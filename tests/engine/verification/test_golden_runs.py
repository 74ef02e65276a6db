"""Whole jobs against the published code: what must not go unnoticed. That all of its latents agree: test_parity.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from acetate.protocol.errors import FileError
from acetate_engine.models.families.components import Text
from acetate_engine.pipelines.stages.guidance import Predictor
from acetate_engine.verification.golden_runs import FILE, GoldenJob, compare_runs

REFERENCES = Path(__file__).parents[2] / "references"
CONDITIONED = "SDXL bgble2fg unipc"


def some(folder: Path, *names: str, **asked: str) -> Path:
    """Some of the golden latents, with other metadata."""
    with safe_open(REFERENCES / FILE, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in names}
        save_file(tensors, folder / FILE, {**file.metadata(), **asked})
    return folder


@pytest.mark.parametrize("asked", [{"seed": "8"}, {"prompt": "a pear"}, {"negative_prompt": ""}, {"steps": "5"}])
def test_what_was_asked_is_read_from_the_file(tmp_path: Path, asked: dict[str, str]) -> None:
    (row,) = compare_runs(some(tmp_path, "SD1.5 transparent_attn frames 1", **asked))
    assert row.error > 0.1


def swapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of the concatenated conditions."""
    monkeypatch.setattr(
        "acetate_engine.pipelines.methods.concatenated.beside",
        lambda given, blended: torch.cat([blended, given], dim=1),
    )


def unconditioned(monkeypatch: pytest.MonkeyPatch) -> None:
    """No condition in the pass without the prompt."""
    build: Callable[..., None] = Predictor.__init__

    def changed(self: Any, *args: Any, **fields: Any) -> None:
        build(self, *args, **fields)
        if self._condition_latents is not None:
            self._condition_latents[: len(self._condition_latents) // 2] = 0

    monkeypatch.setattr(Predictor, "__init__", changed)


def always_1024(monkeypatch: pytest.MonkeyPatch) -> None:
    """`original_size` of SDXL."""
    build = Text.unet_arguments

    def changed(self: Text) -> dict[str, object]:
        arguments: dict[str, Any] = build(self)
        ids: Tensor = arguments["added_cond_kwargs"]["time_ids"].clone()
        ids[:, :2] = 1024
        return {**arguments, "added_cond_kwargs": {**arguments["added_cond_kwargs"], "time_ids": ids}}

    monkeypatch.setattr(Text, "unet_arguments", changed)


@pytest.mark.parametrize("mutate", [swapped, unconditioned, always_1024])
def test_a_mistake_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mutate: Callable[[pytest.MonkeyPatch], None]
) -> None:
    mutate(monkeypatch)
    (row,) = compare_runs(some(tmp_path, CONDITIONED))
    assert not row.passed


@pytest.mark.parametrize(
    "name",
    ["SDXL upside_down unipc", "FLUX transparent attn unipc", "nothing", "SDXL transparent attn ddim"],
)
def test_what_is_not_known_is_named(name: str) -> None:
    with pytest.raises(FileError, match=name.split()[-1]):
        GoldenJob.of(name)


def test_half_of_an_odd_number_of_steps_is_what_the_name_says() -> None:
    timesteps = torch.arange(900, 0, -180)
    told, _ = GoldenJob.of("SDXL fgble2bg unipc first half of the steps (3 steps)")
    rule, _ = GoldenJob.of("SDXL fgble2bg unipc timestep >= 499.5 (Forge) (4 steps)")
    assert (told.until(timesteps), rule.until(timesteps)) == (3, 3)


def test_a_file_that_does_not_say_what_was_asked_is_named(tmp_path: Path) -> None:
    save_file({"SDXL transparent attn unipc": torch.zeros(1)}, tmp_path / FILE, {"seed": "1", "prompt": "a"})
    with pytest.raises(FileError, match="steps"):
        list(compare_runs(tmp_path))


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=FILE):
        list(compare_runs(tmp_path))
    (tmp_path / FILE).write_bytes(b"nonsense")
    with pytest.raises(FileError, match=FILE):
        list(compare_runs(tmp_path))
