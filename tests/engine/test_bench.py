from typer.testing import CliRunner

from acetate_engine.bench import EQUAL, sharing_steps
from acetate_engine.cli import app


def test_merged_and_published_agree() -> None:
    timings = list(sharing_steps(size=128, steps=1, small=True))
    assert [(row.case, row.way, row.dtype) for row in timings] == [
        (case, way, dtype)
        for case in ("joint", "conditioned")
        for way, dtype in (("published", "float32"), ("merged", "float32"), ("merged", "bfloat16"))
    ]
    assert all(row.error <= EQUAL for row in timings if row.dtype == "float32")
    assert all(0 < row.error < 1 for row in timings if row.dtype == "bfloat16")
    assert all(row.seconds > 0 for row in timings)


def test_command() -> None:
    result = CliRunner().invoke(app, ["bench", "--small", "--size", "64", "--steps", "1"])
    assert result.exit_code == 0, result.output
    assert "speed-up" in result.output
