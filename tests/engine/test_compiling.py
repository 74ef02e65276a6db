"""What is compiled with the installation is not compiled again when a painter needs it."""

from __future__ import annotations

import subprocess
import sys

from acetate_engine.compiling import compile_loops

_CUT_AND_PADDED = """
from numba.core import event
with event.install_recorder("numba:compile") as compiled:
    import numpy as np
    from acetate_engine.models.networks import pyramid
    from acetate_engine.pictures.subject import cut
    rgba = np.random.default_rng(0).random((64, 64, 4), np.float32)
    rgba[..., 3] = 1
    front = np.zeros((64, 64), np.float32)
    front[16:48, 16:48] = 1
    assert 0 < cut(rgba, front)[..., 3].mean() < 1
    pyramid.fill(np.ascontiguousarray(rgba.transpose(2, 0, 1)), [(64, 64), (32, 32), (16, 16)], 1)
print(len(compiled.buffer))
"""


def _compiled(code: str) -> int:
    """How many times numba compiles in a process of its own."""
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def test_a_later_process_compiles_nothing() -> None:
    compile_loops()
    assert _compiled(_CUT_AND_PADDED) == 0


def test_what_is_compiled_would_be_seen() -> None:
    code = _CUT_AND_PADDED.replace(
        "import numpy as np", "import numba, numpy as np\n    numba.njit('f8(f8)')(lambda x: x + 1)", 1
    )
    assert _compiled(code) > 0
