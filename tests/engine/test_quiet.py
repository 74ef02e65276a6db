"""In a process of its own: what libraries say comes when they are imported and used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_draft_in_process_prints_nothing_of_libraries(tmp_path: Path) -> None:
    code = (
        "from acetate_engine import Engine\n"
        "made = Engine().generate('a red apple', size=(64, 64), seed=1, steps=1)\n"
        "print(len(made.layers))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "1"
    assert done.stderr == ""
