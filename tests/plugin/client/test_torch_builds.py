from __future__ import annotations

from pathlib import Path

import pytest

from acetate.client import torch_builds
from acetate.client.torch_builds import best, possible

CASES = [
    # system, machine, what is in it, the build's name, and where it comes from
    ("linux", "x86_64", {"cpu"}, "cpu", "/whl/cpu"),
    ("linux", "x86_64", {"cpu", "cuda"}, "cuda", ""),
    ("linux", "x86_64", {"cpu", "rocm"}, "rocm", "/whl/rocm"),
    ("linux", "x86_64", {"cpu", "xpu"}, "xpu", "/whl/xpu"),
    ("linux", "x86_64", {"cpu", "xpu", "cuda"}, "cuda", ""),
    ("linux", "aarch64", {"cpu"}, "cpu", "/whl/cpu"),
    ("win32", "AMD64", {"cpu"}, "cpu", ""),
    ("win32", "AMD64", {"cpu", "cuda"}, "cuda", "/whl/cu"),
    ("darwin", "arm64", {"cpu", "mps"}, "mps", ""),
]


@pytest.mark.parametrize("system, machine, hardware, name, index", CASES)
def test_the_table(system: str, machine: str, hardware: set[str], name: str, index: str) -> None:
    build = best(possible(system, machine), hardware)
    assert build.name == name
    assert (index in build.index) if index else not build.index


@pytest.mark.parametrize("system, machine", [("linux", "riscv64"), ("darwin", "x86_64"), ("win32", "ARM64")])
def test_where_there_is_no_torch_nothing_is_offered(system: str, machine: str) -> None:
    assert possible(system, machine) == ()


def test_every_row_ends_with_what_works_everywhere() -> None:
    assert {builds[-1].name for builds in torch_builds.TABLE.values()} == {"cpu"}


@pytest.mark.parametrize(
    "vendor, driver, is_usable", [("0x8086", "xe", True), ("0x8086", "i915", False), ("0x10de", "xe", False)]
)
def test_cards_of_intel(tmp_path: Path, vendor: str, driver: str, is_usable: bool) -> None:
    device = tmp_path / "card0" / "device"
    (tmp_path / "drivers" / driver).mkdir(parents=True)
    device.mkdir(parents=True)
    (device / "vendor").write_text(f"{vendor}\n")
    (device / "driver").symlink_to(tmp_path / "drivers" / driver)
    assert torch_builds._has_intel(tmp_path) is is_usable


@pytest.mark.parametrize(
    "says, is_there", [("echo 'GPU 0: a card'", True), ("echo 'no devices'", False), ("false", False)]
)
def test_cards_of_nvidia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, is_there: bool) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert torch_builds._has_nvidia() is is_there
