"""The wheel alone: installed into an empty environment of a bare Debian, without the checkout, up to the first layer.

    .venv/bin/python -m tests.krita.empty_root [SUITE]

As root; the root folder is one of `make test-kritas`. The root's home is empty. ACETATE_BOUND names folders besides
that pip wants from this machine (of a local index, say), separated by spaces.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.krita.harness.home import REPOSITORY
from tests.krita.kritas import SUITES, enter, make

FIRST_LAYER = """
set -eu
cd "$1"
"$2" -m venv environment
environment/bin/pip install --quiet --progress-bar off --no-compile "$3" acetate-*.whl
export HOME="$1/home"
mkdir "$HOME"
environment/bin/acetate doctor >doctor.txt
environment/bin/acetate generate -p "a red apple, 3d emoji" --size 128x128 --seed 7 -o apple.png
"""


def torch() -> str:
    """The version that the set-up installs: the build for the CPU where the index offers it."""
    found = re.search(r'^TORCH="(.+)"$', (REPOSITORY / "resources/setup.sh").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def main() -> None:
    chosen = sys.argv[1] if len(sys.argv) > 1 else "trixie"
    suite = next(suite for suite in SUITES if suite.name == chosen)
    make(suite)
    subprocess.run([sys.executable, str(REPOSITORY / "resources/dist.py")], check=True)
    folders = [sys.base_prefix, *os.environ.get("ACETATE_BOUND", "").split()]
    with tempfile.TemporaryDirectory(dir=suite.root / "tmp", prefix="acetate-") as outside:
        inside = Path("/") / Path(outside).relative_to(suite.root)
        for wheel in (REPOSITORY / "dist").glob("acetate-*.whl"):
            shutil.copy(wheel, outside)
        python = f"{sys.base_prefix}/bin/python3"
        enter(suite, "sh", "-c", FIRST_LAYER, "empty_root", str(inside), python, torch(), folders=folders)
        layer = Image.open(Path(outside) / "apple.png")
        lowest, highest = layer.getchannel("A").getextrema()
        assert layer.size == (128, 128) and lowest == 0 and highest > 200, (layer, lowest, highest)
    print(f"{suite.name}: the wheel alone made a layer of {layer.size}, alpha {lowest} to {highest}")


if __name__ == "__main__":
    main()
