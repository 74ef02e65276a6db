"""A front end without a window, from a prompt to a picture, beside the engine's own process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.engine.process import private_environment
from tests.plugin.client.test_launcher import install

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.engine
def test_a_prompt_becomes_a_layer_on_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in private_environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    install([sys.executable, "-m", "acetate_engine", "serve"])
    out = tmp_path / "page.png"
    command = [sys.executable, "-m", "tests.plugin.session.headless", "a red apple", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("a red apple"), done.stdout  # the new layer is the topmost
    page = np.asarray(Image.open(out))
    assert page.shape == (96, 96, 4) and (page[..., 3] == 255).all()
    assert (page[..., :3] < 200).any()  # something was painted on the white
