"""Every stage: its loss falls from scratch, and being killed changes nothing."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

from acetate_engine.training.base import BaseConfig, BaseStage
from acetate_engine.training.config import read_config
from acetate_engine.training.layer import LayerConfig, LayerStage
from acetate_engine.training.loop import Trainer, checkpoints
from acetate_engine.training.transparency import TransparencyConfig, TransparencyStage
from acetate_engine.training.vae import VaeConfig, VaeStage

STAGES = {
    "vae": (VaeConfig, VaeStage),
    "base": (BaseConfig, BaseStage),
    "transparency": (TransparencyConfig, TransparencyStage),
    "layer": (LayerConfig, LayerStage),
}


def _trainer(name, workshop, data, run):
    config, stage = STAGES[name]
    settings = read_config(workshop / f"{name}.yaml", config)
    return Trainer(stage(settings, data), settings.schedule, run)


def _checkpoint(run):
    return {path.name: load_file(path) for path in sorted(checkpoints(run)[-1].glob("*.safetensors"))}


def _assert_equal(one, other):
    assert one.keys() == other.keys()
    for file in one:
        assert one[file].keys() == other[file].keys()
        for name in one[file]:
            assert torch.equal(one[file][name], other[file][name]), f"{file}: {name}"


@pytest.mark.parametrize("name", STAGES)
def test_the_loss_falls(name, workshop, data, tmp_path):
    trainer = _trainer(name, workshop, data, tmp_path)
    trainer.run()
    losses = [json.loads(line)["loss"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert len(losses) == 60
    assert sum(losses[-15:]) < 0.95 * sum(losses[:15])


@pytest.mark.parametrize("name", STAGES)
def test_a_resumed_run_ends_with_the_same_weights(name, workshop, data, tmp_path):
    _trainer(name, workshop, data, tmp_path / "whole").run(until=6)
    _trainer(name, workshop, data, tmp_path / "halves").run(until=3)
    _trainer(name, workshop, data, tmp_path / "halves").run(until=6)
    _assert_equal(_checkpoint(tmp_path / "whole"), _checkpoint(tmp_path / "halves"))


@pytest.mark.parametrize("name", STAGES)
def test_reporting_and_exporting_leave_the_run_as_it_was(name, workshop, data, tmp_path):
    trainer = _trainer(name, workshop, data, tmp_path / "run")
    trainer.run(until=2)
    before = _checkpoint(tmp_path / "run")
    trainer.report()
    trainer.checkpoint()
    _assert_equal(before, _checkpoint(tmp_path / "run"))
    assert (tmp_path / "run" / "sheets" / "0000002.png").stat().st_size > 0


def _start(workshop, data, run):
    command = [sys.executable, "-m", "acetate_engine.training.cli", "vae"]
    options = ["--config", workshop / "often.yaml", "--data", data, "--run", run]
    return subprocess.Popen([*command, *map(str, options)], env={**os.environ, "OMP_NUM_THREADS": "1"})


def _wait_for_checkpoint(run, process):
    while not checkpoints(run):
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.01)


def test_a_killed_process_resumes_to_the_same_weights(workshop, data, tmp_path):
    often = (workshop / "vae.yaml").read_text().replace("steps: 60", "steps: 60, checkpoint_seconds: 0")
    (workshop / "often.yaml").write_text(often)
    torch.set_num_threads(1)
    _trainer("vae", workshop, data, tmp_path / "whole").run()
    process = _start(workshop, data, tmp_path / "killed")
    _wait_for_checkpoint(tmp_path / "killed", process)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert checkpoints(tmp_path / "killed")[-1].name < "checkpoint-00000060"
    assert _start(workshop, data, tmp_path / "killed").wait() == 0
    _assert_equal(_checkpoint(tmp_path / "whole"), _checkpoint(tmp_path / "killed"))
