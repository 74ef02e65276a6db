"""What `acetate models` says before a painter is let down."""

from __future__ import annotations

from pathlib import Path

import pytest

from acetate_engine.models.checkpoints.info import Family, FileInfo, Kind
from acetate_engine.models.checkpoints.sampling import Sampling, distilled
from acetate_engine.models.families.expectation import expectation


def told(name: str, family: Family = Family.SDXL, sampling: Sampling | None = None) -> str:
    return expectation(FileInfo(Path(f"{name}.safetensors"), Kind.BASE, family, sampling=sampling or Sampling()))


@pytest.mark.parametrize("name", ["ponyDiffusionV6XL", "Illustrious-XL-v2.0", "NoobAI-XL", "animagine-xl-4.0"])
def test_checkpoints_that_were_trained_far_from_sdxl_may_not_follow(name: str) -> None:
    assert "may come out opaque" in told(name) and "choose one nearer to SDXL" in told(name)
    assert not told(name, Family.SD15)


def test_of_a_plain_checkpoint_nothing_is_said() -> None:
    assert not told("juggernautXL_v9") and not told("dreamshaper_8", Family.SD15)


def test_velocity_and_few_steps() -> None:
    assert "predicts velocity" in told("a", Family.SD15, Sampling("v_prediction"))
    assert "Lightning: 4 steps" in told("a", sampling=Sampling(distilled=distilled(["sdxl lightning"])))
