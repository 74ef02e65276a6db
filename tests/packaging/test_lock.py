"""resources/requirements.lock: what `make setup` installs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import tomllib
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from acetate.client import torch_builds
from tests.krita.harness.home import REPOSITORY

LOCK, ENGINE_LOCK = (
    (REPOSITORY / "resources" / name).read_text(encoding="utf-8") for name in ("requirements.lock", "engine.lock")
)
OUTSIDE = {"torch", "acetate"}  # setup.sh, or the docker, chooses the build of torch; acetate[installer] is ourselves


def locked(text: str) -> dict[str, list[Requirement]]:
    """By name: one version for each range of Pythons and systems."""
    found: dict[str, list[Requirement]] = {}
    for line in re.findall(r"^([a-z0-9][^\\]+)\\?$", text, re.MULTILINE):
        requirement = Requirement(line.strip())
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def wanted() -> Iterator[Requirement]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for listed in (project["dependencies"], *project["optional-dependencies"].values()):
        yield from map(Requirement, listed)


def test_everything_that_pyproject_wants_is_locked_in_a_version_that_it_allows() -> None:
    found = locked(LOCK)
    for requirement in wanted():
        name = canonicalize_name(requirement.name)
        if name in OUTSIDE:
            assert name not in found
            continue
        assert name in found, f"{name} is not in the lock: run resources/lock.sh"
        for version in found[name]:
            pinned = str(version.specifier).removeprefix("==")
            assert requirement.specifier.contains(pinned), f"{version} against {requirement}: run resources/lock.sh"


@pytest.mark.parametrize("lock", [LOCK, ENGINE_LOCK])
def test_every_entry_is_one_version_with_hashes(lock: str) -> None:
    entries = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)
    assert len(entries) > 60
    for entry in filter(str.strip, entries):
        head, *hashes = entry.replace("\\\n", " ").split("--hash=")
        assert re.fullmatch(r"[a-z0-9._-]+==[\w.]+( ; .+)?", head.strip()), head
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}", text.strip()) for text in hashes), head


def test_the_docker_installs_what_the_tests_ran_with() -> None:
    """And all that the engine wants, with the uv that installs it."""
    engine = locked(ENGINE_LOCK)
    assert engine.items() <= locked(LOCK).items()
    listed = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = {canonicalize_name(Requirement(line).name) for line in (*listed, "uv")}
    assert names - OUTSIDE <= engine.keys()


def test_torch_is_one_exact_version_that_pyproject_allows() -> None:
    script = (REPOSITORY / "resources" / "setup.sh").read_text(encoding="utf-8")
    (pinned,) = re.findall(r'^TORCH="torch==([\d.]+)"$', script, re.MULTILINE)
    (allowed,) = [requirement for requirement in wanted() if requirement.name == "torch"]
    assert allowed.specifier.contains(pinned)
    assert pinned == torch_builds.VERSION
