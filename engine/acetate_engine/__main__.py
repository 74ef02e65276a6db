"""`python -m acetate_engine` is `acetate`."""

from __future__ import annotations

import sys

if not sys.flags.safe_path:  # what lies in the folder where it is started is no part of Acetate
    del sys.path[0]

from acetate_engine.cli import app

app()
