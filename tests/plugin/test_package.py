from __future__ import annotations

import importlib.util
import re
import runpy
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from acetate.client.installation import Release
from acetate.client.uv import uv_hashes
from acetate.protocol.tasks import TASKS, Task

SCRIPT = Path(__file__).parents[2] / "plugin/package.py"
IMPORTER = Path("/usr/share/krita/pykrita/plugin_importer/plugin_importer.py")


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


@pytest.fixture(scope="module")
def importer() -> ModuleType:
    """Krita's own: the module behind Tools → Scripts → Import Python Plugin from File…"""
    if not IMPORTER.exists():
        pytest.skip(f"{IMPORTER} is not there: no Krita is installed")
    spec = importlib.util.spec_from_file_location("plugin_importer", IMPORTER)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    module.__dict__["i18n"] = str  # Krita's builtin
    spec.loader.exec_module(module)
    return module


def import_into(krita: Path, zip_file: Path, importer: ModuleType, is_replaced: bool = False) -> list[str]:
    krita.mkdir(exist_ok=True)
    imported = importer.PluginImporter(str(zip_file), str(krita), lambda _: is_replaced).import_all()
    return [plugin["ui_name"] for plugin in imported]


def test_krita_s_own_importer_takes_the_zip(tmp_path: Path, importer: ModuleType) -> None:
    krita = tmp_path / "krita"
    assert import_into(krita, package(tmp_path), importer) == ["Acetate"]
    plugin = SCRIPT.parent
    for file in runpy.run_path(str(SCRIPT))["files"]():
        folder = krita / "actions" if file.suffix == ".action" else krita / "pykrita"
        assert (folder / file.relative_to(plugin)).read_bytes() == file.read_bytes()


def test_krita_s_own_importer_replaces_an_older_version_whole(tmp_path: Path, importer: ModuleType) -> None:
    krita, zip_file = tmp_path / "krita", package(tmp_path)
    import_into(krita, zip_file, importer)
    (krita / "pykrita" / "acetate" / "gone_today.py").write_text("")
    assert import_into(krita, zip_file, importer) == []  # the painter said no
    assert import_into(krita, zip_file, importer, is_replaced=True) == ["Acetate"]
    assert not (krita / "pykrita" / "acetate" / "gone_today.py").exists()


def test_the_plugin_list_finds_the_manual() -> None:
    entry = ConfigParser()
    entry.read(SCRIPT.parent / "acetate.desktop", encoding="utf-8")
    manual = SCRIPT.parent / "acetate" / entry["Desktop Entry"]["X-Krita-Manual"]
    words = " ".join(ElementTree.parse(manual).getroot().itertext())
    assert "Generate" in words and "Settings → Dockers → Acetate" in words


def test_the_engine_s_wheel_goes_where_the_docker_looks_for_it(tmp_path: Path, importer: ModuleType) -> None:
    wheel = tmp_path / "acetate-0.0.0-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    zip_file = runpy.run_path(str(SCRIPT))["package"](tmp_path / "dist", wheel)
    import_into(tmp_path / "krita", zip_file, importer)
    engine = tmp_path / "krita/pykrita/acetate/engine"
    assert (engine / wheel.name).read_bytes() == b"wheel"
    assert Release(engine).wheel == engine / wheel.name and Release(engine).is_there
    assert uv_hashes(Release(engine).lock.read_text())


def test_the_same_sources_make_the_same_bytes(tmp_path: Path) -> None:
    first, second = package(tmp_path / "a"), package(tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()


def test_the_action_file_names_the_actions_that_the_plugin_makes() -> None:
    tree = ElementTree.parse(SCRIPT.parent / "acetate.action")
    named = {action.get("name") for action in tree.iter("Action")}
    source = (SCRIPT.parent / "acetate/ui/actions.py").read_text(encoding="utf-8")
    made = set(re.findall(r'^    \("(acetate_\w+)", mark\("', source, re.MULTILINE))  # the rows of ACTIONS
    made |= set(re.findall(r'^    "(acetate_\w+)": Task\.', source, re.MULTILINE))  # and of TASK_ACTIONS
    assert named == made


def test_the_action_file_calls_and_describes_tasks_as_the_docker_does() -> None:
    """Krita's list of shortcuts reads it before the plugin runs."""
    tree = ElementTree.parse(SCRIPT.parent / "acetate.action")
    source = (SCRIPT.parent / "acetate/ui/actions.py").read_text(encoding="utf-8")
    of_tasks = dict(re.findall(r'^    "(acetate_\w+)": Task\.(\w+),', source, re.MULTILINE))
    said = {each.get("name"): (each.findtext("text"), each.findtext("toolTip")) for each in tree.iter("Action")}
    offered = [task for task, row in TASKS.items() if row.is_offered]
    assert [Task[name] for name in of_tasks.values()] == [*offered, Task.STACK]
    for name, task in of_tasks.items():
        row = Task[task].traits
        dots = "…" if Task[task] is Task.STACK else ""  # a window opens first
        assert said[name] == (row.label + dots, row.description), name


def test_the_manual_calls_tasks_as_the_docker_does() -> None:
    manual = (SCRIPT.parent / "acetate/Manual.html").read_text(encoding="utf-8")
    told = re.findall(r"<li><strong>(.*?)</strong>", manual)
    assert told == [row.label for task, row in TASKS.items() if row.is_offered or task is Task.STACK]
