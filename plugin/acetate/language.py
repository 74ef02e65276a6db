"""The language that a painter reads. English is in the sources; `languages` has what it is in others.

A text in the sources is translated where it is shown: `tr` of a literal, `mark` where a table holds it until then. An
error or a note comes with its values filled in already, often from the engine; `translated` finds the template it was
made from. `tests/plugin/test_languages.py` collects all of them and compares them with the catalogues.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

SOURCE = "en"
_FOLDER = Path(__file__).parent / "languages"
_PLACE = re.compile(r"\{(\w*)\}")
_DEEPEST = 3  # a reason within a reason within a reason

Words = Mapping[str, "str | list[str]"]


@dataclass(frozen=True)
class Language:
    """`words`: English → translation; of what is counted, one form for each number that the language knows."""

    name: str  # as its speakers write it
    words: Words = field(default_factory=dict)

    @cached_property
    def templates(self) -> list[tuple[re.Pattern[str], str]]:
        """Those with places for values, the most particular first."""
        found = [(text, word) for text, word in self.words.items() if isinstance(word, str) and _PLACE.search(text)]
        found.sort(key=lambda pair: len(_PLACE.sub("", pair[0])), reverse=True)
        return [(_pattern(text), word) for text, word in found]


_current = Language("English")


def known() -> dict[str, str]:
    """Codes of the languages there are, and what they are called."""
    return {SOURCE: "English"} | {file.stem: _read(file.stem).name for file in sorted(_FOLDER.glob("*.json"))}


def use(code: str) -> None:
    """From now on; English where there is no catalogue of that code."""
    global _current
    _current = _read(code)


def best(wanted: Iterable[str]) -> str:
    """The first of these languages (zh_CN, de-AT, …) that there is; English where there is none."""
    there = {file.stem for file in _FOLDER.glob("*.json")} | {SOURCE}
    for code in wanted:
        parts = re.split(r"[-_.@]", code)
        if parts[0] == "zh":
            if not {"TW", "HK", "MO", "Hant"} & set(parts):  # these are written with other characters
                return "zh_CN"
        elif parts[0] in there:
            return parts[0]
    return SOURCE


def mark(text: str) -> str:
    """As it is: a text that is translated later, where it is shown."""
    return text


def tr(text: str, **values: object) -> str:
    """In the painter's language, with `values` in the places of that name."""
    found = _current.words.get(text, text)
    return _filled(found if isinstance(found, str) else found[-1], values)


def trn(one: str, other: str, count: int, **values: object) -> str:
    """As `tr`, of what is counted; `{count}` in it is how many. The catalogue has it under `other`."""
    forms = _current.words.get(other, [one, other])
    form = forms[0] if count == 1 else forms[-1]
    return _filled(form, {"count": count, **values})


def translated(message: str, depth: int = 0) -> str:
    """Of a text that comes with its values filled in; as it is where nobody knows what it was made from."""
    if message in _current.words:
        return tr(message)
    for pattern, word in _current.templates:
        if found := pattern.fullmatch(message):
            values = found.groupdict() if depth == _DEEPEST else _deeper(found.groupdict(), depth)
            return _filled(word, values, prefix="p")
    return message


def _deeper(values: Mapping[str, str], depth: int) -> dict[str, str]:
    return {name: translated(value, depth + 1) for name, value in values.items()}


def _filled(text: str, values: Mapping[str, object], prefix: str = "") -> str:
    """Braces that name none of them stay: a path may have some."""
    if not values:
        return text
    return _PLACE.sub(lambda place: str(values.get(prefix + place[1], place[0])), text)


def _pattern(text: str) -> re.Pattern[str]:
    """What a text with its places filled in looks like. Each place has a name of its own."""
    parts = _PLACE.split(text)
    made = "".join(f"(?P<p{part}>.*?)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return re.compile(made, re.DOTALL)


def _read(code: str) -> Language:
    file = _FOLDER / f"{code}.json"
    if not file.is_file():
        return Language("English")
    data = json.loads(file.read_text(encoding="utf-8"))
    return Language(data["name"], data["words"])
