import re

from typer.testing import CliRunner

from acetate_engine.bench import EQUAL
from acetate_engine.cli import app

LINE = re.compile(r"(\w+), 64², (\w+), (\w+): ([\d.]+) s, of CPU [\d.]+ s, difference ([\d.e+-]+)")


def test_merged_and_published_agree() -> None:
    """One run of the command; bf16 is slow where the processor does not know it."""
    result = CliRunner().invoke(app, ["bench", "--small", "--size", "64", "--steps", "1"])
    assert result.exit_code == 0, result.output
    rows = LINE.findall(" ".join(result.output.split()))  # lines are wrapped
    assert [row[:3] for row in rows] == [
        (case, way, dtype)
        for case in ("joint", "conditioned")
        for way, dtype in (("published", "float32"), ("merged", "float32"), ("merged", "bfloat16"))
    ]
    for _, _, dtype, seconds, error in rows:
        assert float(seconds) >= 0
        assert float(error) <= EQUAL if dtype == "float32" else 0 < float(error) < 1
    assert "speed-up" in result.output
