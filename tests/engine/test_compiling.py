"""What is compiled with the installation is not compiled again for a painter; where it was not, a job says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from acetate.protocol.events import Stage
from acetate_engine.compiling import compile_loops
from acetate_engine.pipelines.contract import WaitingForLoops
from tests.engine.pipelines.reporters import Recorder

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


_SELECTED = """
import json, sys
from acetate_engine.pipelines.contract import JobCancelled
from tests.engine.pipelines.reporters import Recorder
from tests.engine.pipelines.test_pictures import Task, asked, shape_mask

class Impatient(Recorder):
    def check(self):
        if self.stages and self.stages[-1][2] == "compiling, only once":
            raise JobCancelled

said, made = [], []
for reporter in [Recorder(), Recorder()] if "patient" in sys.argv else [Impatient(), Recorder(), Recorder()]:
    try:
        made.append(len(asked(Task.SELECT, mask=shape_mask(), reporter=reporter).layers))
    except JobCancelled:
        made.append(0)
    said.append(reporter.stages)
print(json.dumps([made, said]))
"""


def _selected(cache: Path, *arguments: str) -> tuple[list[int], list[list[tuple[int, int, str]]]]:
    """Layers and progress of jobs one after the other, in a process of its own."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", _SELECTED, *arguments], capture_output=True, text=True, check=True, env=environment
    )
    made, said = json.loads(done.stdout)
    return made, [[tuple(one) for one in job] for job in said]


def test_a_job_says_that_it_compiles_where_nothing_was_compiled_and_can_be_cancelled_then(tmp_path: Path) -> None:
    looks, compiling = [(0, 2, Stage.FIND), (1, 2, Stage.CUT_OUT)], (1, 2, Stage.COMPILING)
    cut = [(1, 2, Stage.CUT_OUT), (2, 2, Stage.CUT_OUT)]
    made, said = _selected(tmp_path)
    assert made == [0, 1, 1]
    assert said == [[*looks, compiling], [*looks, compiling, *cut], [looks[0], *cut]]
    made, said = _selected(tmp_path, "patient")
    assert made == [1, 1] and said == [[looks[0], *cut]] * 2


def test_what_was_said_before_is_said_again_only_where_something_was_compiled() -> None:
    recorder = Recorder()
    waiting = WaitingForLoops(recorder)
    waiting.progress(3, 7, Stage.DENOISE)
    waiting.compiled()
    assert recorder.stages == [(3, 7, Stage.DENOISE)]
    waiting.compiling()
    waiting.compiling()
    waiting.compiled()
    assert recorder.stages[1:] == [(3, 7, Stage.COMPILING), (3, 7, Stage.DENOISE)]
