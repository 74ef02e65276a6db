"""One name for each thing: who has read one module knows what a name means in another."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (ROOT / "plugin" / "acetate", ROOT / "engine" / "acetate_engine")


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in package.rglob("*.py"):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def public_classes(module: ast.Module) -> Iterator[str]:
    return (node.name for node in ast.walk(module) if isinstance(node, ast.ClassDef) and not node.name.startswith("_"))


def aliases(module: ast.Module) -> Iterator[str]:
    """Names of types that are put together; not those of type variables, and of options of the command line."""
    for node in module.body:
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            continue
        name, value = node.targets[0].id, ast.unparse(node.value)
        if name[0].isupper() and not name.isupper() and not value.startswith(("TypeVar(", "Annotated[")):
            yield name


def test_no_two_public_classes_have_one_name() -> None:
    where: dict[str, list[str]] = defaultdict(list)
    for path, module in modules():
        for name in public_classes(module):
            where[name].append(path)
    assert {name: paths for name, paths in where.items() if len(paths) > 1} == {}


def test_no_alias_of_a_type_has_the_name_of_a_class() -> None:
    classes = {name for _, module in modules() for name in public_classes(module)}
    found = {f"{path}: {name}" for path, module in modules() for name in aliases(module) if name in classes}
    assert found == set()
