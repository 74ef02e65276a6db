"""A checkpoint is in main memory once, in what it is computed with: on Linux, which tells the peak of a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file

from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.checkpoints.names import SD15_ATTENTION_UP_BLOCKS, to_ldm
from acetate_engine.models.networks.empty import empty_parameters
from acetate_engine.verification.tiny.networks import SD15_CONFIG
from tests.engine.models import single_file

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system does not tell")

FILE = "file.safetensors"
MEASURE = """
import sys, torch
from pathlib import Path
from acetate_engine.models.checkpoints.base import load_base
from acetate_engine.models.checkpoints.info import Family
path, config, dtype, small = sys.argv[1:]
load_base(Path(small), Family.SD15, config=Path(config, "small"))  # what is imported at first use

def resident(name):
    text = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name)) * 1024

Path("/proc/self/clear_refs").write_text("5")
before = resident("VmRSS")
model = load_base(Path(path), Family.SD15, getattr(torch, dtype), config=Path(config, "wide"))
print(resident("VmHWM") - before, model.unet.dtype)
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in fp16 as one file and as a folder: of a UNet that is large beside what else is in a process."""
    root = tmp_path_factory.mktemp("wide")
    for name in ("small", "wide"):
        single_file.write_config(root / "configs" / name, Family.SD15)
    single_file.write_file(root / "small.safetensors", Family.SD15)
    single_file.write_folder(root / "folder", Family.SD15)
    with empty_parameters():
        unet = UNet2DConditionModel(**{**SD15_CONFIG, "block_out_channels": (64, 256, 512, 512)})
    zeros = {name: torch.zeros(x.shape, dtype=torch.float16) for name, x in unet.state_dict().items()}
    parts = {name: x for name, x in single_file.tensors(Family.SD15).items() if not name.startswith("model.")}
    original = {f"model.diffusion_model.{to_ldm(name, SD15_ATTENTION_UP_BLOCKS)}": x for name, x in zeros.items()}
    save_file({name: x.contiguous().clone() for name, x in {**parts, **original}.items()}, root / FILE)
    for folder in (root / "configs" / "wide", root / "folder"):
        path = folder / "unet" / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "block_out_channels": [64, 256, 512, 512]}))
    save_file(zeros, root / "folder" / "unet" / "diffusion_pytorch_model.safetensors")
    return root


HALF, FULL = ("float16", (0.3, 2.3)), ("float32", (2.6, 9.0))


@pytest.mark.parametrize(
    ("name", "dtype", "copies"),
    [
        (FILE, *HALF),
        pytest.param(FILE, *FULL, marks=pytest.mark.long),
        pytest.param("folder", *HALF, marks=pytest.mark.long),
    ],
)
def test_peak_of_loading(name: str, dtype: str, copies: tuple[float, float], files: Path) -> None:
    """In sixteen bits the pages of the file, and no more than one copy of them; in 32, what such a test would see."""
    weights = (
        files / name if name.endswith("tensors") else files / name / "unet" / "diffusion_pytorch_model.safetensors"
    )
    arguments = [files / name, files / "configs", dtype, files / "small.safetensors"]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    peak, told = done.stdout.split()
    least, most = copies
    assert told == f"torch.{dtype}"
    assert least < int(peak) / weights.stat().st_size < most
