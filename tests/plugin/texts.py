"""Every text that a painter reads, collected from the sources: what the catalogues of the languages must have.

    python -m tests.plugin.texts LANGUAGE    prints what its catalogue lacks, and what nobody asks for

A text is the literal in `tr`, `trn` or `mark`; what an error or a notice is made with (an f-string becomes a template:
its values are places); a note of the engine; the title of a kind of error; the label of a task, and what it
is described by.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from acetate import language
from acetate.protocol import errors
from acetate.protocol.tasks import TASKS

PLUGIN = Path(language.__file__).parent
ENGINE = PLUGIN.parents[1] / "engine" / "acetate_engine"
OF_A_JOB = ("jobs", "pipelines", "models", "prompts", "pictures")  # folders of the engine that a job goes through
_PLAIN = {"tr", "mark"}
_SHOWN = _PLAIN | {"trn"}
_TOLD = {"Notice", "Unread", "check_range", "check_unlocked", "_start_failed"}
_NOTED = {"note", "append"}
_TELLING = {"str | None", "Iterator[str]"}  # what functions of the engine that tell something give back

Texts = dict[str, bool]
"""English, and whether it counts something."""


@cache
def texts() -> Texts:
    """Of the plugin."""
    found: Texts = dict.fromkeys([kind.title for kind in kinds_of_error()], False)
    found |= dict.fromkeys([text for row in TASKS.values() for text in (row.label, row.description) if text], False)
    for file in sorted(PLUGIN.rglob("*.py")):
        found |= _of(ast.parse(file.read_text(encoding="utf-8")), _SHOWN | _TOLD | names_of_errors())
    return found


@cache
def texts_of_engine() -> Texts:
    """Errors and notes of jobs."""
    found: Texts = {}
    for folder in OF_A_JOB:
        for file in sorted((ENGINE / folder).rglob("*.py")):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            found |= _of(tree, _NOTED | names_of_errors()) | dict.fromkeys(_said(tree), False)
    return {text: False for text in found if " " in text}


def missing(code: str, wanted: Texts) -> list[str]:
    """What the catalogue of this language lacks."""
    words = words_of(code)
    return [text for text, is_counted in wanted.items() if not _has(words, text, is_counted)]


def words_of(code: str) -> Mapping[str, str | list[str]]:
    words: dict[str, str | list[str]] = json.loads((PLUGIN / "languages" / f"{code}.json").read_text("utf-8"))["words"]
    return words


def places(text: str) -> list[str]:
    return sorted(re.findall(r"\{(\w*)\}", text))


def kinds_of_error() -> list[type[errors.AcetateError]]:
    found, pending = [], [errors.AcetateError]
    while pending:
        kind = pending.pop()
        found.append(kind)
        pending.extend(kind.__subclasses__())
    return found


def names_of_errors() -> set[str]:
    """Of those whose details a painter can make something of: not what two programs get wrong in talking."""
    return {kind.__name__ for kind in kinds_of_error() if not issubclass(kind, errors.MalformedMessage)}


def _has(words: Mapping[str, str | list[str]], text: str, is_counted: bool) -> bool:
    found = words.get(text)
    return isinstance(found, list) and all(found) if is_counted else isinstance(found, str) and bool(found)


def _of(tree: ast.Module, wanted: set[str]) -> Texts:
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    found: Texts = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := _name(node.func)) in wanted:
            for argument in _arguments(node, name):
                for text in _texts_in(argument, constants):
                    if name in _SHOWN or _is_readable(text):
                        found[text] = name == "trn"
    return found


def _said(tree: ast.Module) -> Iterator[str]:
    """What functions give back that tell something, or nothing where there is nothing to tell."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.returns and ast.unparse(function.returns) in _TELLING:
            for node in ast.walk(function):
                if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
                    yield from filter(_is_sentence, _texts_in(node.value, {}))


def _is_sentence(text: str) -> bool:
    return text.count(" ") >= 3 and _is_readable(text)


def _arguments(call: ast.Call, name: str) -> Iterable[ast.expr]:
    if name == "trn":
        return call.args[1:2]
    return call.args[:1] if name in _PLAIN | _NOTED else call.args


def _name(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _texts_in(value: ast.expr, constants: Mapping[str, ast.expr]) -> Iterator[str]:
    """Of a literal, an f-string, either branch of a condition, or a constant of the module that is one of these."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.JoinedStr):
        yield template(value)
    elif isinstance(value, ast.IfExp):
        yield from _texts_in(value.body, constants)
        yield from _texts_in(value.orelse, constants)
    elif isinstance(value, ast.Name) and value.id in constants:
        yield from _texts_in(constants[value.id], {})


def template(value: ast.JoinedStr) -> str:
    """Each value a place, named as in the source where it has a name of its own there."""
    made, used = "", set[str]()
    for part in value.values:
        if isinstance(part, ast.Constant):
            made += str(part.value)
        elif isinstance(part, ast.FormattedValue):
            name = _name(part.value) or str(len(used) + 1)
            name = name if name not in used else f"{name}{len(used) + 1}"
            used.add(name)
            made += "{" + name + "}"
    return made


def _is_readable(text: str) -> bool:
    """Whether there is more to it than places and signs."""
    return bool(re.search(r"[^\W\d_]", re.sub(r"\{\w*\}", "", text)))


def main() -> None:
    (code,) = sys.argv[1:]
    for text in missing(code, texts() | texts_of_engine()):
        print(json.dumps(text, ensure_ascii=False))
    for text in words_of(code).keys() - (texts() | texts_of_engine()).keys():
        print("not asked for:", json.dumps(text, ensure_ascii=False))


if __name__ == "__main__":
    main()
