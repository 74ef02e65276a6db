"""`make test-kritas`: what it keeps of each file, where it goes on, and what its table says."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.krita import kritas
from tests.krita.kritas import Outcome, Suite, keep, verdict, waiting

ONE, TWO = Suite("one", kritas.QT5), Suite("two", kritas.QT6)
RAN = """<testsuites><testsuite name="pytest">
<testcase classname="tests.krita.test_live" name="test_a[two words]" time="9" />
<testcase classname="tests.krita.test_live" name="test_a[two words]" time="3" />
<testcase classname="tests.krita.test_live" name="test_b"><failure message="no" /></testcase>
<testcase classname="tests.krita.test_live" name="test_c"><skipped message="no pen" /></testcase>
<testcase classname="tests.krita.test_live" name="test_d" /></testsuite></testsuites>"""
LOG = """== rerun test summary info ==
RERUN tests/krita/test_live.py::test_a[two words]
RERUN tests/krita/test_live.py::test_b - TimeoutError: not within 30 s
"""


@pytest.fixture(autouse=True)
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kritas, "OUT", tmp_path)
    monkeypatch.setattr(kritas, "files", lambda: ["test_input", "test_live"])


def ran(suite: Suite, file: str) -> Outcome:
    report = suite.report(file)
    report.parent.mkdir(exist_ok=True)
    raw = report.with_suffix(".running")
    raw.write_text(RAN)
    keep(raw, report, LOG)
    return Outcome.read(report)


def test_what_was_run_again_and_passed_is_no_failure_and_is_named() -> None:
    outcome = ran(ONE, "test_live")
    assert (outcome.tests, outcome.skipped) == (4, 1)
    assert outcome.failed == ("test_live::test_b",)
    assert outcome.again == ("test_live::test_a[two words]",)
    said = verdict({"test_live": outcome})
    assert said == (
        "failed: test_live::test_b; passed when run again: test_live::test_a[two words]; not run: test_input"
    )


def test_all_passed_where_nothing_failed() -> None:
    fine = Outcome(2, (), (), 0, "2026-11-29", "1472c9e")
    assert verdict({"test_input": fine, "test_live": fine}) == "all passed"


def test_a_run_that_was_broken_off_goes_on_and_a_whole_one_begins_anew() -> None:
    everything = [(suite, file) for suite in (ONE, TWO) for file in ("test_input", "test_live")]
    assert waiting((ONE, TWO), []) == everything
    for count, (suite, file) in enumerate(everything, 1):
        ran(suite, file)
        assert waiting((ONE, TWO), []) == (everything[count:] or everything)


def test_what_is_named_is_run_whatever_was_run_before() -> None:
    ran(ONE, "test_live")
    assert waiting((ONE,), ["test_live"]) == [(ONE, "test_live")]


def test_a_report_that_is_half_written_is_none() -> None:
    """pytest was ended: what it leaves is not taken for a result."""
    report = ONE.report("test_live")
    report.parent.mkdir()
    report.with_suffix(".running").write_text(RAN[:90])
    assert (ONE, "test_live") in waiting((ONE,), [])
    with pytest.raises(ElementTree.ParseError):
        keep(report.with_suffix(".running"), report, LOG)
    assert not report.exists()
