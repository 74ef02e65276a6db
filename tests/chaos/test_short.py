"""A short form of every scenario of `make chaos`."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.chaos import scenarios
from tests.chaos.clock import jump_clocks
from tests.chaos.ledger import Outcome
from tests.chaos.unsynced import copy_unsynced, unsynced

pytestmark = pytest.mark.engine


def run(scenario: scenarios.Scenario, count: int, folder: Path) -> None:
    """With the same dice each time; `make chaos` throws others."""
    outcome = scenario(folder / "home", count, random.Random(1))
    assert outcome == Outcome(jobs=outcome.jobs) and outcome.jobs


@pytest.mark.parametrize(
    ("scenario", "count"),
    [
        (scenarios.kill_workers, 3),
        (scenarios.kill_engines, 2),
        (scenarios.copy_frozen, 2),
        (scenarios.hang_workers, 1),
        (jump_clocks, 1),
        (partial(scenarios.lock_store, seconds=6.0), 1),
    ],
    ids=["workers", "engines", "copies", "hangs", "clock", "locks"],
)
def test_nothing_is_lost(tmp_path: Path, scenario: scenarios.Scenario, count: int) -> None:
    run(scenario, count, tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk")
def test_nothing_is_lost_on_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "try").mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path / "try"], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    subprocess.run(["umount", tmp_path / "try"], check=True)
    run(scenarios.fill_disk, 2, tmp_path)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace tells what is synced")
def test_nothing_is_lost_that_was_not_synced(tmp_path: Path) -> None:
    if subprocess.run(["strace", "-q", "-o", "/dev/null", "true"], capture_output=True).returncode:
        pytest.skip("nothing can be traced here")
    run(copy_unsynced, 1, tmp_path)


def test_what_is_not_synced_is_read_from_the_calls() -> None:
    calls = """12 pwrite64(7</a/wal>, ""..., 24, 0) = 24
12 pwrite64(7</a/wal>, "", 4096, 24) = 4096
12 fdatasync(7</a/wal> <unfinished ...>
13 pwrite64(8</a/db>, ""..., 4096, 8192 <unfinished ...>
12 <... fdatasync resumed>)              = 0
12 pwrite64(7</a/wal>, ""..., 10, 4120) = 10
14 fsync(9</a/other>)                   = 0
"""
    assert unsynced(calls) == {"/a/db": [(8192, 4096)], "/a/wal": [(4120, 10)]}
