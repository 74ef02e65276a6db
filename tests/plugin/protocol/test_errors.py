"""The tree of errors, and its drawing."""

from __future__ import annotations

import re

import pytest

from acetate.protocol import errors
from acetate.protocol.errors import AcetateError

KINDS = sorted(errors._by_code().values(), key=lambda kind: kind.__name__)


def test_the_drawing_shows_the_tree() -> None:
    drawn = set(re.findall(r"^[│├└─ ]*([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)) - {"One"}
    assert drawn == {kind.__name__ for kind in KINDS}


def test_codes_are_stable_and_their_own() -> None:
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AcetateError)]
    assert len({kind.code for kind in classes}) == len(classes) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_problems_come_back_as_what_they_were(kind: type[AcetateError]) -> None:
    error = kind("what was wrong", "What to do.")
    problem = error.to_problem()
    assert {"type", "title", "status", "detail", "code", "remedy"} == set(problem)
    assert 400 <= kind.status < 600
    again = AcetateError.from_problem(problem)
    assert (type(again), again.detail, again.remedy) == (kind, error.detail, error.remedy)
    assert str(error) == f"{kind.title}: what was wrong. What to do."
