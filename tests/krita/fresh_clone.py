"""A fresh clone on a bare Debian with an empty home, up to the end of `make test`: what continuous integration does.

    .venv/bin/python -m tests.krita.fresh_clone [SUITE] [COMMAND…]

As root, in the root folder of `make test-kritas`; trixie where no suite is named. HEAD is cloned, with the Python and
the Krita that this Debian has. ACETATE_BOUND names folders besides that pip wants from this machine (certificates, a
local index), separated by spaces; what pip has fetched is kept in the root folder for the next time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests.krita.harness.home import REPOSITORY
from tests.krita.kritas import SUITES, enter, make

FRESH = "/tmp/acetate-fresh"


def main() -> None:
    suite = next((suite for suite in SUITES if suite.name in sys.argv[1:2]), SUITES[1])
    command = sys.argv[2:] if suite.name in sys.argv[1:2] else sys.argv[1:]
    make(suite)
    outside = suite.root / FRESH[1:]
    shutil.rmtree(outside, ignore_errors=True)
    (outside / "home").mkdir(parents=True)
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(outside / "acetate")], check=True)
    settings = [f"HOME={FRESH}/home", "PIP_CACHE_DIR=/var/cache/pip"]
    inside = ["sh", "-c", 'cd "$0" && exec "$@"', f"{FRESH}/acetate", *(command or [".ci/run"])]
    folders = os.environ.get("ACETATE_BOUND", "").split()
    sys.exit(enter(suite, "env", *settings, *inside, folders=folders, check=False))


if __name__ == "__main__":
    main()
