"""plugin/typings/krita.pyi against the real Krita."""

from __future__ import annotations

import ast

from tests.krita.harness.home import REPOSITORY
from tests.krita.harness.process import KritaProcess

STUB = REPOSITORY / "plugin" / "typings" / "krita.pyi"


def stubbed_names() -> dict[str, list[str]]:
    """Class → its methods, signals and constants."""
    classes = [item for item in ast.parse(STUB.read_text()).body if isinstance(item, ast.ClassDef)]
    return {item.name: [name for member in item.body for name in names_of(member)] for item in classes}


def names_of(member: ast.stmt) -> list[str]:
    if isinstance(member, ast.FunctionDef | ast.ClassDef):
        return [member.name]
    if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
        return [member.target.id]
    return []


def test_every_stubbed_class_and_member_exists(krita: KritaProcess) -> None:
    stubbed = stubbed_names()
    assert len(stubbed) > 10
    code = """
import krita
[f"{kind}.{name}" for kind, names in stubbed.items() for name in names if not hasattr(getattr(krita, kind, None), name)]
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
