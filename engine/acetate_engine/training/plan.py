"""`acetate train all`: a whole model by one command, stage after stage; what was interrupted goes on where it was.

A plan is a YAML file. Its steps are done in order: each stage trains in a folder of its own and exports into `export`
there, and a step whose export exists is done. A run may be given a number of minutes; it then ends with a checkpoint,
and the same command goes on. `keep` puts the model of before aside, for stages begin with its parts.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from acetate.protocol.errors import FileError, InvalidRequest
from acetate_engine.training.config import STAGES, Frozen, checked, read_names

Say = Callable[[str], None]


class PlannedStage(Frozen):
    """One stage; paths are relative to the plan."""

    stage: str
    config: Path
    run: Path
    otherwise: Path | None = None  # what is taken as its export where it is left out

    @model_validator(mode="after")
    def _known(self) -> PlannedStage:
        if self.stage not in STAGES:
            raise ValueError(f"there is no stage {self.stage}: {', '.join(STAGES)}")
        return self


class TrainingPlan(Frozen):
    keep: dict[Path, Path] = Field(default_factory=dict)  # where -> from where, before the first step
    steps: tuple[PlannedStage, ...]


def read_plan(path: Path) -> TrainingPlan:
    """Raises FileError."""
    return checked(path, TrainingPlan, read_names(path))


def run_plan(
    path: Path,
    data: Path,
    say: Say,
    *,
    without: Collection[str] = (),
    minutes: float = math.inf,
    bf16: bool = False,
    cpu: bool = False,
) -> bool:
    """Go on with the plan; whether all of it is done.

    Args:
        without: names of run folders whose step is left out; what the step names instead is taken.
        minutes: after which a run ends with a checkpoint.
        bf16: autocast in every stage.

    Raises:
        InvalidRequest: a step cannot be left out, or is none of the plan's.
        FileError: the plan, or what it begins with, cannot be read.
    """
    plan, folder, started = read_plan(path), path.parent, time.monotonic()
    _check_left_out(plan, without)
    for where, source in plan.keep.items():
        if not (folder / where).exists():
            _copy(folder / source, folder / where)
    for step in plan.steps:
        export = folder / step.run / "export"
        left = minutes * 60 - (time.monotonic() - started)
        if export.exists():
            say(f"{step.run.name}: done")
        elif step.run.name in without:
            assert step.otherwise is not None  # _check_left_out
            _copy(folder / step.otherwise, export)
            say(f"{step.run.name}: left out")
        elif left <= 0 or not _train(step, folder, data, left, bf16, cpu):
            say(f"{step.run.name}: the time is over; the same command goes on")
            return False
        else:
            say(f"{step.run.name}: trained")
    return True


def _check_left_out(plan: TrainingPlan, without: Collection[str]) -> None:
    steps = {step.run.name: step for step in plan.steps}
    for name in without:
        if name not in steps:
            raise InvalidRequest(f"the plan has no step {name}", f"Its steps are {', '.join(steps)}.")
        if steps[name].otherwise is None:
            raise InvalidRequest(f"nothing can be taken instead of {name}", "Do it: the steps after it begin with it.")


def _copy(source: Path, target: Path) -> None:
    """Whole or not at all. Raises FileError."""
    if not source.is_dir():
        raise FileError(f"the plan begins with {source}, which is no folder", "Name the folder of a trained stage.")
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial)  # makes the folders above, too
    partial.rename(target)


def _train(step: PlannedStage, folder: Path, data: Path, seconds: float, bf16: bool, cpu: bool) -> bool:
    from acetate_engine.training.loop import Trainer  # torch: not for a plan that is done

    started = time.monotonic()
    settings, stage = STAGES[step.stage].build(folder / step.config, data)
    changed: dict[str, Any] = {"precision": "bf16"} if bf16 else {}
    trainer = Trainer(stage, settings.schedule.model_copy(update=changed), folder / step.run, cpu)
    if not trainer.run(seconds=seconds - (time.monotonic() - started)):
        return False
    trainer.report()
    partial = folder / step.run / "export.partial"
    shutil.rmtree(partial, ignore_errors=True)
    trainer.export(partial)
    partial.rename(folder / step.run / "export")
    return True
