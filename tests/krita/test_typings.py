"""plugin/typings/krita.pyi against the real Krita."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.krita.harness.home import REPOSITORY
from tests.krita.harness.process import KritaProcess

STUB = REPOSITORY / "plugin" / "typings" / "krita.pyi"


def stubbed_names() -> dict[str, list[str]]:
    """Class → its methods, signals and constants."""
    classes = [item for item in ast.parse(STUB.read_text()).body if isinstance(item, ast.ClassDef)]
    return {item.name: [name for member in item.body for name in names_of(member)] for item in classes}


def names_of(member: ast.stmt) -> list[str]:
    if isinstance(member, ast.ClassDef):
        return [member.name, *(f"{member.name}.{name}" for inner in member.body for name in names_of(inner))]
    if isinstance(member, ast.FunctionDef):
        return [member.name]
    if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
        return [member.target.id]
    return []


def test_every_stubbed_class_and_member_exists(krita: KritaProcess) -> None:
    stubbed = stubbed_names()
    assert len(stubbed) > 10
    code = """
import krita
from operator import attrgetter
def is_there(path):
    try:
        attrgetter(path)(krita)
    except AttributeError:
        return False
    return True
[f"{kind}.{name}" for kind, names in stubbed.items() for name in names if not is_there(f"{kind}.{name}")]
"""
    assert krita.run(code, stubbed=stubbed) == []


def test_stubbed_base_classes_are_the_real_ones(krita: KritaProcess) -> None:
    """A subclass relation that Krita does not have would let a wrong call pass the type checker."""
    classes = [item for item in ast.parse(STUB.read_text()).body if isinstance(item, ast.ClassDef)]
    pairs = [[item.name, base.id] for item in classes for base in item.bases if isinstance(base, ast.Name)]
    code = """
import krita
from acetate.qt import QtCore, QtWidgets
def find(name):
    return getattr(krita, name, None) or getattr(QtCore, name, None) or getattr(QtWidgets, name)
[f"{kind}({base})" for kind, base in pairs if not issubclass(find(kind), find(base))]
"""
    assert krita.run(code, pairs=pairs) == []


def test_krita_s_own_typed_interface_takes_what_the_stubs_promise() -> None:
    """Krita 6 brings one along. A parameter more in ours, or one less than it wants, is a call that Krita refuses."""
    found = list(Path("/usr/lib").glob("*/krita-python-libs/PyKrita/krita.pyi"))
    if not found:
        pytest.skip("this Krita has no typed interface of its own")
    theirs, wrong = functions(found[0]), []
    for name, (ours,) in functions(STUB).items():
        ranges = [range(required(each), len(parameters(each)) + 1) for each in theirs.get(name, [])]
        if ranges and not any(len(parameters(ours)) in possible for possible in ranges):
            wrong.append(f"{name}{ast.unparse(ours.args)}")
    assert wrong == []
    assert len(functions(STUB).keys() & theirs.keys()) > 100


def functions(stub: Path) -> dict[str, list[ast.FunctionDef]]:
    """Class.name → its overloads."""
    found: dict[str, list[ast.FunctionDef]] = {}
    for item in ast.parse(stub.read_text()).body:
        for member in item.body if isinstance(item, ast.ClassDef) else ():
            if isinstance(member, ast.FunctionDef):
                found.setdefault(f"{item.name}.{member.name}", []).append(member)
    return found


def parameters(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in function.args.args if argument.arg != "self"]


def required(function: ast.FunctionDef) -> int:
    return len(parameters(function)) - len(function.args.defaults)
