"""Every stage: its loss falls from scratch, and being killed changes nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from acetate_engine.training.config import STAGES
from acetate_engine.training.loop import Step, Trainer, checkpoints


def _trainer(name: str, workshop: Path, data: Path, run: Path, file: str | None = None) -> Trainer:
    settings, stage = STAGES[name].build(workshop / f"{file or name}.yaml", data)
    return Trainer(stage, settings.schedule, run)


def _checkpoint(run: Path) -> dict[str, dict[str, Tensor]]:
    return {path.name: load_file(path) for path in sorted(checkpoints(run)[-1].glob("*.safetensors"))}


def _assert_equal(one: dict[str, dict[str, Tensor]], other: dict[str, dict[str, Tensor]]) -> None:
    assert one.keys() == other.keys()
    for file in one:
        assert one[file].keys() == other[file].keys()
        for name in one[file]:
            assert torch.equal(one[file][name], other[file][name]), f"{file}: {name}"


def _loss(trainer: Trainer) -> float:
    """Mean loss of ten fixed batches with fixed noise, without training."""
    losses = []
    for seed in range(10):
        torch.manual_seed(seed)
        _, loss, _ = next(trainer.stage.losses(Step(0, np.random.default_rng(seed), torch.device("cpu"))))
        losses.append(loss.item())
    return sum(losses) / len(losses)


@pytest.mark.parametrize("name", STAGES)
def test_the_loss_falls(name: str, workshop: Path, data: Path, tmp_path: Path) -> None:
    trainer = _trainer(name, workshop, data, tmp_path)
    before = _loss(trainer)
    trainer.run()
    assert _loss(trainer) < 0.98 * before
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 20


@pytest.mark.parametrize("name", STAGES)
def test_reports_and_interruptions_leave_the_weights_as_they_would_be(
    name: str, workshop: Path, data: Path, tmp_path: Path
) -> None:
    _trainer(name, workshop, data, tmp_path / "whole").run(until=4)
    first = _trainer(name, workshop, data, tmp_path / "halves")
    first.run(until=1)
    first.report()
    first.run(until=2)
    _trainer(name, workshop, data, tmp_path / "halves").run(until=4)
    _assert_equal(_checkpoint(tmp_path / "whole"), _checkpoint(tmp_path / "halves"))
    assert (tmp_path / "halves" / "sheets" / "0000001.png").stat().st_size > 0


def _start(workshop: Path, data: Path, run: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "acetate_engine.training.cli", "vae"]
    options = ["--config", workshop / "often.yaml", "--data", data, "--run", run]
    threads = str(torch.get_num_threads())  # sums are split alike
    return subprocess.Popen([*command, *map(str, options)], env={**os.environ, "OMP_NUM_THREADS": threads})


def _is_killed_in_between(workshop: Path, data: Path, run: Path) -> bool:
    """After a checkpoint and before its end; a run that this process was too slow for is thrown away."""
    process = _start(workshop, data, run)
    while not checkpoints(run) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() in (-signal.SIGKILL, 0)
    if checkpoints(run)[-1].name < "checkpoint-00000020":
        return True
    shutil.rmtree(run)
    return False


def test_a_killed_process_resumes_to_the_same_weights(workshop: Path, data: Path, tmp_path: Path) -> None:
    often = (workshop / "vae.yaml").read_text().replace("steps: 20", "steps: 20, checkpoint_seconds: 0")
    (workshop / "often.yaml").write_text(often)
    _trainer("vae", workshop, data, tmp_path / "whole", "often").run()
    assert any(_is_killed_in_between(workshop, data, tmp_path / "killed") for _ in range(5))
    assert _start(workshop, data, tmp_path / "killed").wait() == 0
    _assert_equal(_checkpoint(tmp_path / "whole"), _checkpoint(tmp_path / "killed"))


@pytest.mark.parametrize(("name", "trained"), [("vae", "model"), ("transparency", "networks")])
def test_a_decoder_is_improved_for_latents_that_are_in_use(
    workshop: Path, data: Path, tmp_path: Path, name: str, trained: str
) -> None:
    config = workshop / f"{name}_decoder.yaml"
    config.write_text((workshop / f"{name}.yaml").read_text() + "\nfreeze_encoder: true\n")
    settings, stage = STAGES[name].build(config, data)
    before = {key: value.clone() for key, value in getattr(stage, trained).state_dict().items()}
    with torch.enable_grad():
        Trainer(stage, settings.schedule, tmp_path).run(until=2)
    after = getattr(stage, trained).state_dict()
    changed = {key.split(".")[0] for key, value in after.items() if not torch.equal(value, before[key])}
    assert changed == {"decoder"}


@pytest.mark.parametrize("name", ["vae", "transparency"])
def test_noise_on_the_latent_makes_it_harder(name: str, workshop: Path, data: Path, tmp_path: Path) -> None:
    trainer = _trainer(name, workshop, data, tmp_path)
    trainer.run()
    stage = trainer.stage
    losses = []
    for noise in (0.0, 1.0, 4.0):
        stage.config = stage.config.model_copy(update={"latent_noise": noise})
        losses.append(_loss(trainer))
    assert losses == sorted(losses)
    assert losses[2] > 1.02 * losses[0]
