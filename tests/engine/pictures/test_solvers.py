"""Only the two solvers of pymatting that are used are imported, because each is compiled then."""

from __future__ import annotations

import json
import subprocess
import sys

CODE = """
import json, sys
import numpy as np
from acetate_engine.pictures.solvers import estimate_alpha_cf, estimate_foreground_ml
picture = np.zeros((12, 12, 3))
picture[:, 6:] = 1.0
known = np.full((12, 12), 0.5)
known[:, :3], known[:, 9:] = 0.0, 1.0
alpha = estimate_alpha_cf(picture, known)
colour = estimate_foreground_ml(picture, alpha)
there = [name for name in sys.modules if name.partition(".")[0] == "pymatting"]
print(json.dumps([alpha[6, 5], alpha[6, 6], float(colour[:, 6:].min()), sorted(there)]))
"""


def test_what_nobody_asks_for_is_not_compiled() -> None:
    """In a process of its own. A black half and a white one are told apart where nothing else is known."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    black, white, colour, there = json.loads(done.stdout)
    assert black < 0.1 and white > 0.9 and colour > 0.9
    assert there == [
        "pymatting.alpha.estimate_alpha_cf",
        "pymatting.foreground.estimate_foreground_ml",
        "pymatting.laplacian.cf_laplacian",
        "pymatting.preconditioner.ichol",
        "pymatting.solver.cg",
        "pymatting.util.util",
    ]
