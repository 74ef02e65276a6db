"""Nothing is cut off in the docker, narrow or wide, in any language."""

from __future__ import annotations

import pytest

from acetate.language import known
from acetate.protocol.tasks import TASKS
from tests.krita.fitting import ASK, CLOSE, CUT, MAKE
from tests.krita.harness.painter import Painter

OFFERED = [task for task, traits in TASKS.items() if traits.is_offered]


@pytest.mark.parametrize("width", [220, 258, 420, 800])
@pytest.mark.parametrize("code", list(known()))
def test_nothing_is_cut(painter: Painter, code: str, width: int) -> None:
    painter.krita.run(MAKE, speaks=code, width=width, height=560)
    try:
        for task in OFFERED:
            painter.krita.run(ASK, task=task.value)
            found, cut = painter.krita.run(CUT)
            assert (found, cut) == (width, []), task
    finally:
        painter.krita.run(CLOSE)
