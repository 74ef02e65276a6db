from __future__ import annotations

import re

from typer.testing import CliRunner

from acetate_engine.cli import app
from acetate_engine.verification.bench import EQUAL

LINE = re.compile(r"(\w+), (\d+)², (\w+), (\w+): ([\d.]+) s, of CPU [\d.]+ s, difference ([\d.e+-]+)")


def test_merged_and_published_agree() -> None:
    """One run of the command; bf16 is slow where the processor does not know it."""
    rows = timings("--size", "64")
    assert [row[:4] for row in rows] == [
        (case, "64", way, dtype)
        for case in ("joint", "conditioned")
        for way, dtype in (("published", "float32"), ("merged", "float32"), ("merged", "bfloat16"))
    ]


def test_bf16_is_compared_at_the_size_asked_for() -> None:
    rows = timings("--size", "128", "--bf16-size", "64")
    assert [row[:4] for row in rows[: len(rows) // 2]] == [
        ("joint", "128", "published", "float32"),
        ("joint", "128", "merged", "float32"),
        ("joint", "64", "merged", "float32"),
        ("joint", "64", "merged", "bfloat16"),
    ]


def timings(*arguments: str) -> list[tuple[str, ...]]:
    result = CliRunner().invoke(app, ["bench", "--small", "--steps", "1", *arguments])
    assert result.exit_code == 0, result.output
    assert "speed-up" in result.output
    rows = LINE.findall(" ".join(result.output.split()))  # lines are wrapped
    for _, _, _, dtype, seconds, error in rows:
        assert float(seconds) >= 0
        assert float(error) <= EQUAL if dtype == "float32" else 0 < float(error) < 1
    return rows
