"""The one training loop: every stage plugs into it with its modules and its losses.

Everything random in a step comes from (seed, step), and checkpoints hold weights, averages and optimiser state as
safetensors: a run that was killed and resumed ends with the same weights as one that was not.

Several processes (`accelerate launch`, on one machine or many) draw different batches and average their gradients;
the first of them writes.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from accelerate import Accelerator
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from acetate_engine.training.config import Schedule

Losses = Iterator[tuple[str, Tensor, dict[str, Tensor]]]  # (module to update, its loss, values to log), in order


@dataclass(frozen=True)
class Step:
    """Where the run is, and the randomness of this step; torch's global generator is seeded alike."""

    index: int
    rng: np.random.Generator
    device: torch.device


class TrainingStage(Protocol):
    """What a training stage gives to the loop."""

    name: str

    def modules(self) -> dict[str, nn.Module]:
        """Trained modules by name; parameters without `requires_grad` are left alone. Each has its own optimiser."""

    def losses(self, step: Step) -> Losses:
        """Yield a loss for each module to update; the loop updates it before it asks for the next."""

    def evaluate(self) -> tuple[dict[str, float], Image.Image]:
        """Metrics and a sample sheet, with the averaged weights in place."""

    def export(self, folder: Path) -> None:
        """Write what the stage made, with the averaged weights in place."""


def trained(module: nn.Module) -> dict[str, nn.Parameter]:
    return {name: p for name, p in module.named_parameters() if p.requires_grad}


def learning_rate(schedule: Schedule, index: int) -> float:
    """Linear warm-up, then a cosine down to the final rate."""
    if index < schedule.warmup:
        return schedule.learning_rate * (index + 1) / schedule.warmup
    progress = min(1.0, (index - schedule.warmup) / max(1, schedule.steps - schedule.warmup))
    span = schedule.learning_rate - schedule.final_learning_rate
    return schedule.final_learning_rate + span * (1 + math.cos(math.pi * progress)) / 2


def checkpoints(folder: Path) -> list[Path]:
    """Complete checkpoints of a run, the newest last."""
    return sorted(folder.glob("checkpoint-*"))


class Trainer:
    """Runs a stage in `folder`: `checkpoint-STEP/`, `metrics.jsonl`, `sheets/*.png`."""

    def __init__(self, stage: TrainingStage, schedule: Schedule, folder: Path, cpu: bool = False) -> None:
        self.stage, self.schedule, self.folder = stage, schedule, folder
        self.accelerator = Accelerator(cpu=cpu, mixed_precision=schedule.precision)
        self.device = self.accelerator.device
        self.modules = {name: module.to(self.device) for name, module in stage.modules().items()}
        self.optimisers = {name: self._optimiser(module) for name, module in self.modules.items()}
        self.averages = {
            name: {key: p.detach().clone() for key, p in trained(module).items()}
            for name, module in self.modules.items()
        }
        self.index = 0
        (folder / "sheets").mkdir(parents=True, exist_ok=True)
        if checkpoints(folder):
            self._resume()

    def _optimiser(self, module: nn.Module) -> torch.optim.AdamW:
        parameters = list(trained(module).values())
        return torch.optim.AdamW(
            parameters, self.schedule.learning_rate, (0.9, 0.99), weight_decay=self.schedule.weight_decay
        )

    def run(self, until: int | None = None, seconds: float = math.inf) -> bool:
        """Train up to step `until` (default: the schedule's end), checkpointing on the way and at the end.

        Ends earlier once `seconds` have passed. Returns whether the schedule's end was reached.
        """
        end = min(until or self.schedule.steps, self.schedule.steps)
        started = time.monotonic()
        saved = logged = time.monotonic()
        since = self.index
        while self.index < end and time.monotonic() - started < seconds:
            values = self._step()
            self.index += 1
            now = time.monotonic()
            if self.index % self.schedule.log_every == 0:
                rate = (self.index - since) * self.schedule.batch * self.accelerator.num_processes / (now - logged)
                self._log({key: self._mean(value) for key, value in values.items()} | {"samples_per_second": rate})
                logged, since = now, self.index
            if self.index % self.schedule.sheet_every == 0:
                self.report()
            if now - saved > self.schedule.checkpoint_seconds:
                self.checkpoint()
                saved = time.monotonic()
        self.checkpoint()
        self.accelerator.wait_for_everyone()
        return self.index >= self.schedule.steps

    def _mean(self, value: Tensor) -> float:
        """Over all processes."""
        mean: Tensor = self.accelerator.reduce(value.detach(), "mean")
        return mean.item()

    def _step(self) -> dict[str, Tensor]:
        others = (self.accelerator.process_index,) if self.accelerator.process_index else ()
        seed = (self.schedule.seed, self.index, *others)
        torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
        step = Step(self.index, np.random.default_rng(seed), self.device)
        values: dict[str, Tensor] = {}
        with self.accelerator.autocast():
            for name, loss, logged in self.stage.losses(step):
                self._update(name, loss)
                values |= logged
        return values

    def _update(self, name: str, loss: Tensor) -> None:
        optimiser, module = self.optimisers[name], self.modules[name]
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(self.schedule, self.index)
        optimiser.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        self._share_gradients(module)
        nn.utils.clip_grad_norm_(trained(module).values(), self.schedule.clip)
        optimiser.step()
        self._average(name)

    def _share_gradients(self, module: nn.Module) -> None:
        """The mean over all processes, by hand: a stage calls its modules' parts, which a wrapper would not see."""
        if self.accelerator.num_processes > 1:
            for parameter in trained(module).values():
                if parameter.grad is not None:
                    parameter.grad = self.accelerator.reduce(parameter.grad, "mean")

    @torch.no_grad()
    def _average(self, name: str) -> None:
        decay = min(self.schedule.ema, (1 + self.index) / (10 + self.index))
        average = self.averages[name]
        for key, parameter in trained(self.modules[name]).items():
            average[key].lerp_(parameter, 1 - decay)

    def _log(self, values: dict[str, float]) -> None:
        if not self.accelerator.is_main_process:
            return
        line = {"step": self.index, "time": round(time.time(), 1)} | {k: round(v, 6) for k, v in values.items()}
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    def report(self) -> None:
        """Log the stage's metrics and write its sample sheet, both of the averaged weights."""
        if not self.accelerator.is_main_process:
            return
        with self.averaged():
            metrics, sheet = self.stage.evaluate()
        self._log(metrics)
        sheet.save(self.folder / "sheets" / f"{self.index:07d}.png")

    def averaged(self) -> Averaged:
        """A context in which the modules hold their averaged weights, in evaluation mode."""
        return Averaged(self)

    def export(self, folder: Path) -> None:
        if not self.accelerator.is_main_process:
            return
        with self.averaged():
            self.stage.export(folder)

    def checkpoint(self) -> None:
        """Write weights, averages and optimiser state; older checkpoints stay until the new one is whole."""
        if not self.accelerator.is_main_process:
            return
        new, old = self.folder / "checkpoint.new", checkpoints(self.folder)
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        for name, module in self.modules.items():
            save_file(self._tensors(name, module), new / f"{name}.safetensors")
        target = self.folder / f"checkpoint-{self.index:08d}"
        if target not in old:
            new.rename(target)
        for path in old:
            if path != target:
                shutil.rmtree(path)

    def _tensors(self, name: str, module: nn.Module) -> dict[str, Tensor]:
        tensors: dict[str, Tensor] = {}
        state = self.optimisers[name].state
        for key, parameter in trained(module).items():
            tensors[f"weight.{key}"] = parameter.detach().contiguous()
            tensors[f"average.{key}"] = self.averages[name][key].contiguous()
            for kind, value in state.get(parameter, {}).items():
                tensors[f"{kind}.{key}"] = value.contiguous()
        return tensors

    @torch.no_grad()
    def _resume(self) -> None:
        checkpoint = checkpoints(self.folder)[-1]
        self.index = int(checkpoint.name.removeprefix("checkpoint-"))
        for name, module in self.modules.items():
            tensors = load_file(checkpoint / f"{name}.safetensors", device=str(self.device))
            for key, parameter in trained(module).items():
                parameter.copy_(tensors[f"weight.{key}"])
                self.averages[name][key].copy_(tensors[f"average.{key}"])
                kinds = [kind for kind in ("step", "exp_avg", "exp_avg_sq") if f"{kind}.{key}" in tensors]
                state = {kind: tensors[f"{kind}.{key}"].clone(memory_format=torch.preserve_format) for kind in kinds}
                if state:
                    state["step"] = state["step"].cpu()
                    self.optimisers[name].state[parameter] = state


class Averaged:
    """Swaps averaged weights in and the trained ones back."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer

    def __enter__(self) -> None:
        self._swap()
        for module in self.trainer.modules.values():
            module.eval()

    def __exit__(self, *_: object) -> None:
        self._swap()
        for module in self.trainer.modules.values():
            module.train()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, module in self.trainer.modules.items():
            for key, parameter in trained(module).items():
                average = self.trainer.averages[name][key]
                kept = parameter.detach().clone()
                parameter.copy_(average)
                average.copy_(kept)
