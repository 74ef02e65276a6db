"""The table of `acetate bench`, small: it runs, compares with what it says, and judges by its own figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acetate_engine.cli import app
from acetate_engine.verification.table import pictures
from acetate_engine.verification.table.line import Bound, Line, in_turn
from acetate_engine.verification.table.rooflines import CARDS, Cost

GROWTH = ("canvas area, fixed region", "number of layers", "layers of a PSD document", "history", "waiting jobs")


@pytest.mark.engine
def test_every_line_is_there_with_a_goal_and_a_verdict(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["bench", "--small", "--json", str(tmp_path / "table.json")])
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "table.json").read_text())
    assert written["machine"]["torch"]
    names = [line["name"] for line in written["lines"]]
    for start in ("padded RGB", "composite", "transparent decode", "SD1.5 joint", "SD1.5 conditioned", "step caching"):
        assert any(name.startswith(start) for name in names)
    for part in ("first mini layer", "over HTTP", "the same request again", "GUI gap", "stack of 2", "worker memory"):
        assert any(part in name for name in names)
    assert {f"growth: {name}" for name in GROWTH} <= set(names)
    assert all(
        line["goal"] and line["verdict"] in ("holds", "at its limit", "open", "skipped") for line in written["lines"]
    )
    assert all(line["why"] for line in written["lines"] if line["verdict"] == "skipped")
    for line in written["lines"]:
        assert all(bound["ratio"] == pytest.approx(bound["took"] / bound["least"]) for bound in line["bounds"])
    bounded = [line["name"] for line in written["lines"] if line["bounds"]]
    for start in ("padded RGB", "transparent decode", "first mini layer", "mini 64²", "stack of 2"):
        assert any(name.startswith(start) for name in bounded)
    assert f"{len(written['lines'])} lines: " in result.output


def test_padding_that_differs_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "0e+00 apart" in pictures.padding(64, 1).today
    true = pictures.pad_rgb
    monkeypatch.setattr(pictures, "pad_rgb", lambda rgba: true(rgba) + 0.01)
    wrong = pictures.padding(64, 1)
    assert not wrong.holds and "1e-02 apart" in wrong.today


def test_the_ways_are_run_in_turn() -> None:
    said: list[str] = []
    in_turn(2, lambda: said.append("a"), lambda: said.append("b"))
    assert said == ["a", "b"] * 3


def test_a_line_that_was_not_measured_is_neither_open_nor_held() -> None:
    assert [Line("", "", "", "", holds).verdict for holds in (True, False, None)] == ["holds", "open", "skipped"]


def test_a_missed_goal_counts_as_a_limit_only_near_to_all_that_bounds_it() -> None:
    near, far = Bound("copy", 1.0, 1.2), Bound("copy", 1.0, 1.3)
    verdicts = [Line("", "", "", "", False, bounds=bounds).verdict for bounds in ((near,), (near, far), ())]
    assert verdicts == ["at its limit", "open", "open"]
    assert Line("", "", "", "", True, bounds=(far,)).verdict == "holds"
    assert "1.30×" in Line("", "", "", "", False, bounds=(far,)).at_least


def test_a_card_is_bound_by_operations_or_by_memory() -> None:
    card = CARDS[0]
    assert Cost("", card.flops, 0).least(card) == pytest.approx(1.0)
    assert Cost("", 0, round(card.bandwidth)).least(card) == pytest.approx(1.0)
