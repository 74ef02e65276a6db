"""Which build of torch suits this machine: one table, and what is looked at to choose from it."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from acetate.language import mark

VERSION: Final = "2.13.0"  # that of resources/setup.sh
PYTORCH: Final = "https://download.pytorch.org/whl/"
_LOOK = 10.0  # seconds that nvidia-smi may take: it wakes the card
_VENDOR_OF_INTEL = "0x8086"
_DRIVERS_OF_XPU = {"xe"}  # Arc, Core Ultra; the older i915 drives what torch cannot use


@dataclass(frozen=True)
class TorchBuild:
    """A row of the table; `index` is asked before the usual one, which alone has it where that is empty."""

    name: str
    label: str  # for the painter
    index: str
    gigabytes: float  # on disk with all that the engine stands on, about


CPU = TorchBuild("cpu", mark("Processor (CPU)"), PYTORCH + "cpu", 2.0)
CPU_OF_PYPI = TorchBuild("cpu", mark("Processor (CPU)"), "", 1.5)  # Windows, macOS: the usual index has the CPU's
CUDA = TorchBuild("cuda", mark("NVIDIA graphics card (CUDA)"), "", 8.0)
CUDA_FOR_WINDOWS = TorchBuild("cuda", mark("NVIDIA graphics card (CUDA)"), PYTORCH + "cu130", 8.0)
ROCM = TorchBuild("rocm", mark("AMD graphics card (ROCm)"), PYTORCH + "rocm7.1", 16.0)
XPU = TorchBuild("xpu", mark("Intel graphics card (XPU)"), PYTORCH + "xpu", 7.0)
MPS = TorchBuild("mps", mark("Apple graphics (MPS)"), "", 1.5)

TABLE: Final[dict[tuple[str, str], tuple[TorchBuild, ...]]] = {
    # (system, machine): what can be had there, the best first; the last works everywhere
    ("linux", "x86_64"): (CUDA, ROCM, XPU, CPU),
    ("linux", "aarch64"): (CUDA, CPU),
    ("win32", "AMD64"): (CUDA_FOR_WINDOWS, XPU, CPU_OF_PYPI),
    ("darwin", "arm64"): (MPS, CPU_OF_PYPI),
}


def possible(system: str = sys.platform, machine: str = "") -> tuple[TorchBuild, ...]:
    """Empty where there is no torch for such a machine."""
    return TABLE.get((system, machine or platform.machine()), ())


def best(builds: tuple[TorchBuild, ...], hardware: Set[str]) -> TorchBuild:
    """The first that the hardware (names of builds) can use; `builds` is not empty."""
    return next((build for build in builds if build.name in hardware), builds[-1])


def hardware() -> set[str]:
    """What is in this machine. Blocking: seconds where a graphics card sleeps."""
    found = {"cpu"}
    if sys.platform == "darwin" and platform.machine() == "arm64":
        found.add("mps")
    if _has_nvidia():
        found.add("cuda")
    if Path("/dev/kfd").exists():  # AMD's driver for computing
        found.add("rocm")
    if _has_intel():
        found.add("xpu")
    return found


def _has_nvidia() -> bool:
    program = shutil.which("nvidia-smi")
    if program is None:
        return False
    try:
        listed = subprocess.run([program, "-L"], capture_output=True, timeout=_LOOK, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False  # without the driver's program there is no such card to compute on
    return listed.returncode == 0 and listed.stdout.startswith(b"GPU")


def _has_intel(cards: Path = Path("/sys/class/drm")) -> bool:
    for device in cards.glob("card*/device"):
        try:
            vendor = (device / "vendor").read_text(encoding="ascii").strip()
            driver = (device / "driver").resolve().name
        except OSError:
            continue  # no card, or one that tells nothing; the painter chooses the build
        if vendor == _VENDOR_OF_INTEL and driver in _DRIVERS_OF_XPU:
            return True
    return False
