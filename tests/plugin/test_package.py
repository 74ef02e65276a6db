from __future__ import annotations

import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

SCRIPT = Path(__file__).parents[2] / "plugin/package.py"


def package(folder: Path) -> Path:
    return runpy.run_path(str(SCRIPT))["package"](folder)


def test_the_zip_is_what_krita_imports(tmp_path: Path) -> None:
    with zipfile.ZipFile(package(tmp_path)) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "extracted")
    assert {"acetate.desktop", "acetate.action", "acetate/__init__.py", "acetate/ui/dock.py"} <= set(names)
    assert not [name for name in names if "__pycache__" in name or name.startswith("typings")]
    code = "import acetate.client.launcher, acetate; print(acetate.__file__)"
    command = [sys.executable, "-I", "-c", f"import sys; sys.path[:0] = [{str(tmp_path / 'extracted')!r}]; {code}"]
    assert str(tmp_path) in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_same_sources_make_the_same_bytes(tmp_path: Path) -> None:
    first, second = package(tmp_path / "a"), package(tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()


def test_the_action_file_names_the_actions_that_the_plugin_makes() -> None:
    tree = ElementTree.parse(SCRIPT.parent / "acetate.action")
    named = {action.get("name") for action in tree.iter("Action")}
    source = (SCRIPT.parent / "acetate/ui/actions.py").read_text(encoding="utf-8")
    made = set(re.findall(r'^    \("(acetate_\w+)", "', source, re.MULTILINE))  # the rows of ACTIONS
    assert named == made
