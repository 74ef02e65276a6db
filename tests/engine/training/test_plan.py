"""A whole model by one command: what was interrupted goes on, what is done is not done again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from acetate.protocol.errors import FileError, InvalidRequest
from acetate_engine.paths import resources_dir
from acetate_engine.training.cli import app
from acetate_engine.training.config import STAGES
from acetate_engine.training.loop import Trainer, checkpoints
from acetate_engine.training.plan import read_plan, run_plan


@pytest.fixture
def plan(workshop: Path, tmp_path: Path) -> Path:
    """Two stages of the workshop, whose runs lie in a folder of their own."""
    return written(workshop, tmp_path, ["probe", "layer"])


def written(workshop: Path, tmp_path: Path, stages: list[str], **more: Any) -> Path:
    path = workshop / f"plan-{tmp_path.name}.yaml"
    steps = [{"stage": stage, "config": f"{stage}.yaml", "run": str(tmp_path / stage)} | more for stage in stages]
    path.write_text(yaml.safe_dump({"keep": {str(tmp_path / "before"): "base"}, "steps": steps}))
    return path


def run(plan: Path, data: Path, **how: Any) -> tuple[bool, list[str]]:
    said = []
    done = run_plan(plan, data, said.append, cpu=True, **how)
    return done, said


def test_every_step_is_trained_exported_and_not_done_again(plan: Path, data: Path, tmp_path: Path) -> None:
    done, said = run(plan, data)
    assert done and said == ["probe: trained", "layer: trained"]
    assert (tmp_path / "layer" / "export" / "transparent.safetensors").is_file()
    assert (tmp_path / "before" / "unet" / "config.json").is_file()
    written_at = (tmp_path / "layer" / "export" / "transparent.safetensors").stat().st_mtime_ns
    done, said = run(plan, data)
    assert done and said == ["probe: done", "layer: done"]
    assert (tmp_path / "layer" / "export" / "transparent.safetensors").stat().st_mtime_ns == written_at


def test_what_was_interrupted_goes_on_where_it_was(
    plan: Path, data: Path, tmp_path: Path, workshop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, stage = STAGES["probe"].build(workshop / "probe.yaml", data)
    Trainer(stage, settings.schedule, tmp_path / "probe", cpu=True).run(until=7)
    begun = []
    original = Trainer.run

    def watched(self: Trainer, *arguments: Any, **named: Any) -> Any:
        begun.append((self.stage.name, self.index))
        return original(self, *arguments, **named)

    monkeypatch.setattr(Trainer, "run", watched)
    assert run(plan, data)[0]
    assert begun == [("probe", 7), ("layer", 0)]


def test_without_time_a_run_ends_with_a_checkpoint_and_says_so(plan: Path, data: Path, tmp_path: Path) -> None:
    done, said = run(plan, data, minutes=1e-9)
    assert not done and said == ["probe: the time is over; the same command goes on"]
    settings, stage = STAGES["probe"].build(plan.parent / "probe.yaml", data)
    trainer = Trainer(stage, settings.schedule, tmp_path / "slow", cpu=True)
    assert not trainer.run(seconds=0)
    assert checkpoints(tmp_path / "slow")[-1].name == "checkpoint-00000000"
    assert trainer.run()


def test_a_step_can_be_left_out_where_something_stands_for_it(workshop: Path, data: Path, tmp_path: Path) -> None:
    plan = written(workshop, tmp_path, ["transparency"], otherwise="transparency")
    assert run(plan, data, without=["transparency"]) == (True, ["transparency: left out"])
    assert (tmp_path / "transparency" / "export" / "decoder" / "config.json").is_file()


def test_what_cannot_be_left_out_is_said(plan: Path, data: Path) -> None:
    with pytest.raises(InvalidRequest, match="nothing can be taken instead of layer"):
        run(plan, data, without=["layer"])
    with pytest.raises(InvalidRequest, match="no step base"):
        run(plan, data, without=["base"])


def test_unknown_stages_are_refused(workshop: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no stage painting"):
        read_plan(written(workshop, tmp_path, ["painting"]))


def test_the_command_says_when_it_is_not_done(plan: Path, data: Path) -> None:
    arguments = ["all", "--plan", str(plan), "--data", str(data), "--cpu"]
    assert CliRunner().invoke(app, [*arguments, "--minutes", "0"]).exit_code == 3


PLANS = {
    "fifth": [
        "probe",
        "probe2",
        "transparency",
        "residual",
        "base1",
        "base",
        "base2",
        "layer",
        "layer2",
        "layer3",
        "joint",
        "joint2",
        "joint3",
        "joint4",
        "fg2bg",
        "fg2bg2",
        "fg2bg3",
        "bg2fg",
        "bg2fg2",
        "bg2fg3",
        "control",
        "control2",
        "style",
        "style2",
    ],
    "sixth": ["decoder", "layer", "residual", "base", "layer2", "joint", "fg2bg", "bg2fg", "style"],
}


@pytest.mark.parametrize("cut", PLANS)
def test_the_plans_that_are_in_the_repository_name_files_and_stages_that_are_there(cut: str) -> None:
    path = resources_dir() / "presets" / "train" / cut / "plan.yaml"
    plan = read_plan(path)
    order = [step.run.name for step in plan.steps]
    assert order == PLANS[cut]
    assert all((path.parent / source).exists() for source in plan.keep.values())
    for step in plan.steps:
        values = yaml.safe_load((path.parent / step.config).read_text())
        for name in values.pop("include", []):
            values = yaml.safe_load((path.parent / name).read_text()) | values
        module = __import__(f"acetate_engine.training.{STAGES[step.stage].module}", fromlist=["x"])
        fields = getattr(module, STAGES[step.stage].config).model_fields
        own = yaml.safe_load((path.parent / step.config).read_text())
        assert set(own) - {"include"} <= set(fields), step.config
        made = {str((path.parent / done.run).resolve()) for done in plan.steps[: order.index(step.run.name)]}
        made |= {str((path.parent / kept).resolve()) for kept in plan.keep}
        for value in values.values():
            if isinstance(value, str) and "runs/" in value:
                resolved = str((path.parent / value).resolve())
                assert any(resolved.startswith(folder) for folder in made), f"{step.config}: {value} is made later"
