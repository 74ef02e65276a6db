from __future__ import annotations

import pytest

from acetate_engine.verification.bench import EQUAL, Timing, sharing_steps


def test_merged_and_published_agree() -> None:
    """bf16 is slow where the processor does not know it."""
    rows = timings(64)
    assert [(row.case, row.size, row.way, row.dtype) for row in rows] == [
        (case, 64, way, dtype)
        for case in ("joint", "conditioned")
        for way, dtype in (("published", "float32"), ("merged", "float32"), ("merged", "bfloat16"))
    ]


@pytest.mark.long
def test_bf16_is_compared_at_the_size_asked_for() -> None:
    rows = timings(128, 64)
    assert [(row.case, row.size, row.way, row.dtype) for row in rows[: len(rows) // 2]] == [
        ("joint", 128, "published", "float32"),
        ("joint", 128, "merged", "float32"),
        ("joint", 64, "merged", "float32"),
        ("joint", 64, "merged", "bfloat16"),
    ]


def timings(size: int, bf16_size: int | None = None) -> list[Timing]:
    rows = list(sharing_steps(size, 1, small=True, bf16_size=bf16_size))
    for row in rows:
        assert row.seconds > 0
        assert row.error <= EQUAL if row.dtype == "float32" else 0 < row.error < 1
    return rows
