"""Real engine processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from acetate_engine.models.parts.fetching import fetch, is_whole
from acetate_engine.models.parts.shelf import all_parts
from tests.engine.process import EngineProcess


@pytest.fixture(scope="package", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is kept of the tests' model files is not kept among the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def parts() -> None:
    """The parts that the set-up puts onto this machine's shelf; what is missing of them is fetched."""
    for part in all_parts():
        if part.at_once and not is_whole(part):
            fetch(part)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """One engine for all tests of a module that leave it as it was."""
    process = EngineProcess(tmp_path_factory.mktemp("engine"))
    yield process
    process.stop()


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[EngineProcess]:
    """An engine for a test that breaks it."""
    process = EngineProcess(tmp_path)
    yield process
    process.stop()
