"""Several processes: their gradients are averaged, their batches differ, the first of them writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from accelerate import debug_launcher
from accelerate.state import AcceleratorState
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from acetate_engine.training.config import Schedule
from acetate_engine.training.loop import Losses, Step, Trainer, checkpoints

SCHEDULE = Schedule(steps=5, batch=3, learning_rate=0.1, warmup=1, log_every=1)


class Line:
    """Fits a line to points of its generator; `ranks` generators at once stand for as many processes."""

    name = "line"

    def __init__(self, ranks: int = 0) -> None:
        torch.manual_seed(0)
        self.line, self.ranks = nn.Linear(4, 1), ranks

    def modules(self) -> dict[str, nn.Module]:
        return {"line": self.line}

    def losses(self, step: Step) -> Losses:
        seeds = [(SCHEDULE.seed, step.index), *((SCHEDULE.seed, step.index, rank) for rank in range(1, self.ranks))]
        generators = [np.random.default_rng(seed) for seed in seeds] if self.ranks else [step.rng]
        loss = torch.stack([self._loss(rng) for rng in generators]).mean()
        yield "line", loss, {"loss": loss}

    def _loss(self, rng: np.random.Generator) -> Tensor:
        points = torch.from_numpy(rng.normal(size=(SCHEDULE.batch, 4))).float()
        return (self.line(points) - points.sum(1, keepdim=True)).square().mean()

    def evaluate(self) -> tuple[dict[str, float], Image.Image]:
        return {}, Image.new("RGB", (1, 1))

    def export(self, folder: Path) -> None:
        pass


def _train_one_of_two(folder: Path) -> None:
    AcceleratorState._reset_state(True)  # the parent's, which has forked this process
    Trainer(Line(), SCHEDULE, folder, cpu=True).run()


def _weights(folder: Path) -> dict[str, Tensor]:
    return load_file(checkpoints(folder)[-1] / "line.safetensors")


def test_two_processes_train_as_one_with_both_batches(tmp_path: Path) -> None:
    debug_launcher(_train_one_of_two, (tmp_path / "two",), num_processes=2)
    Trainer(Line(ranks=2), SCHEDULE, tmp_path / "one", cpu=True).run()
    ours, theirs = _weights(tmp_path / "two"), _weights(tmp_path / "one")
    for name in theirs:
        torch.testing.assert_close(ours[name], theirs[name])
    lines = (tmp_path / "two" / "metrics.jsonl").read_text().splitlines()
    assert len(lines) == 5
    Trainer(Line(), SCHEDULE, tmp_path / "alone", cpu=True).run()
    assert not torch.allclose(_weights(tmp_path / "alone")["weight.weight"], theirs["weight.weight"])
