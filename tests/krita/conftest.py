"""One Krita and one engine for all tests here, in each process of pytest-xdist; a test that fails says which windows
were open.

Screenshots and diagnoses of failures: out/krita-failures/.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.krita.harness.display import Display
from tests.krita.harness.engine import Engine
from tests.krita.harness.fresh import fresh_home
from tests.krita.harness.home import REPOSITORY, Home
from tests.krita.harness.painter import Painter
from tests.krita.harness.process import KritaProcess

FAILURES = REPOSITORY / "out" / "krita-failures"
HERE = Path(__file__).parent
TEST_LIMIT = 600  # seconds
_MEASURED = "measured"  # property of a test's report: those come from other processes, too


class Studio:
    """The Krita of the session; a new one where the last test left it unusable."""

    def __init__(self, display: Display, home: Home) -> None:
        self.display = display
        self.home = home
        self._krita: KritaProcess | None = None

    def krita(self) -> KritaProcess:
        if self._krita is None:
            self._krita = KritaProcess(self.home, self.display)
        elif not self._krita.answers():
            crash = self._krita.crash()
            self._krita.restart()
            if crash:
                pytest.fail(f"Krita crashed after the test before this one\n{crash}")
        return self._krita

    def close(self) -> None:
        if self._krita is not None:
            self._krita.quit()


@pytest.fixture(scope="session")
def display() -> Iterator[Display]:
    with Display.virtual() as screen:
        yield screen


@pytest.fixture(scope="session")
def studio(display: Display) -> Iterator[Studio]:
    """With the plugin installed by the real command."""
    with fresh_home(display) as home:
        studio = Studio(display, home)
        yield studio
        studio.close()


@pytest.fixture
def krita(studio: Studio) -> Iterator[KritaProcess]:
    """No document is open before and after; an exception that nothing caught fails the test."""
    process = studio.krita()
    process.uncaught.clear()
    yield process
    process.run("close_documents()")
    assert not process.uncaught, "\n".join(process.uncaught)


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keeps a measurement for the end of the run; with `-s` it is read at once, whatever ends that."""

    def keep(line: str) -> None:
        print(line, flush=True)
        request.node.user_properties.append((_MEASURED, line))

    return keep


@pytest.fixture
def painter(krita: KritaProcess) -> Painter:
    """With the docker shown, and as it is at first."""
    painter = Painter(krita)
    painter.show_docker()
    painter.forget_jobs()
    painter.forget_settings()
    return painter


@pytest.fixture
def engine(studio: Studio) -> Engine:
    return Engine(studio.home)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for found in terminalreporter.stats.values() for report in found]
    told = [report.user_properties for report in reports if getattr(report, "when", "") == "call"]
    if lines := [line for properties in told for name, line in properties if name == _MEASURED]:
        terminalreporter.section("measured in Krita")
        terminalreporter.write("".join(f"{line}\n" for line in lines))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.krita)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(TEST_LIMIT))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    krita = getattr(item, "funcargs", {}).get("krita")
    if report.failed and isinstance(krita, KritaProcess) and krita.home.root.exists():  # not after the last tear-down
        report.sections.append(("Krita at the failure", _record(krita, item.nodeid, report.when or "")))
    return report


def _record(krita: KritaProcess, test: str, when: str) -> str:
    """Screenshot and open windows, kept in out/krita-failures; where that fails, too, the run goes on."""
    name = re.sub(r"[^\w.-]+", "_", f"{test.rpartition('/')[2]}-{when}")
    try:
        diagnosis = krita.diagnosis()
        picture = krita.display.screenshot(FAILURES / f"{name}.png")
        (FAILURES / f"{name}.txt").write_text(f"{diagnosis}\n\n{krita.log_tail()}\n")
    except (OSError, subprocess.SubprocessError) as error:
        return f"no more can be told: {error}"
    return f"{diagnosis}\nscreenshot: {picture}"
