"""Nothing is cut off in the docker, narrow or wide, in any language."""

from __future__ import annotations

import pytest

from acetate.language import known
from acetate.protocol.tasks import TASKS
from tests.krita.fitting import ASK, CLOSE, CUT, LIST, MAKE
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


@pytest.mark.parametrize("code", list(known()))
def test_an_open_list_is_as_wide_as_its_words(painter: Painter, code: str) -> None:
    painter.krita.run(MAKE, speaks=code, width=220, height=560)
    try:
        for name in ("task", "region", "sampler"):
            there, wanted = painter.krita.run(LIST, name=f"acetate_{name}")
            assert there >= wanted, name
    finally:
        painter.krita.run(CLOSE)
