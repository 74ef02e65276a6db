from __future__ import annotations

import pytest

from acetate.session.titles import title_of


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("fantasy_painting", "Fantasy painting"),
        ("sub/ink-wash_v2", "Ink wash v2"),
        ("水墨风格", "水墨风格"),
        ("eXtra.Sharp__lines", "EXtra Sharp lines"),
        ("___", "___"),
        ("a", "A"),
    ],
)
def test_a_style_is_called_as_a_person_would_write_it(name: str, title: str) -> None:
    assert title_of(name) == title
