"""The harness itself: a test rig that cannot see a failure would make every other test worthless."""

from __future__ import annotations

import time

import pytest

from tests.krita.harness.process import KritaError, KritaHangs, KritaProcess
from tests.krita.harness.waiting import wait_until


def test_errors_inside_krita_reach_the_test(krita: KritaProcess) -> None:
    with pytest.raises(KritaError, match="ZeroDivisionError"):
        krita.run("1 / 0")


def test_uncaught_exceptions_are_reported(krita: KritaProcess) -> None:
    krita.run("QtCore.QTimer.singleShot(0, lambda: 1 / 0)")
    wait_until(lambda: krita.run("True") and krita.uncaught, "the exception")
    assert "ZeroDivisionError" in krita.uncaught.pop()


def test_a_hang_names_the_modal_window(krita: KritaProcess) -> None:
    """While one connection waits for a dialog, a second one is answered, and closes it."""
    code = "box = QtWidgets.QMessageBox(); box.setWindowTitle('In the way'); box.setText('Well?'); box.exec()"
    with pytest.raises(KritaHangs, match="In the way"):
        krita.run(code, timeout=2.0)
    assert "Well?" in krita.diagnosis()
    assert not krita.answers()
    krita.run("QtWidgets.QApplication.activeModalWidget().close()")
    wait_until(krita.answers, "the dialog to be gone")


def test_undo_steps_are_krita_s_own(krita: KritaProcess) -> None:
    krita.run("new_document(64, 64)")
    krita.run("add_paint_layer('one'); add_paint_layer('two')")
    assert len(krita.run("undo_steps()")) == 2
    assert krita.run("undo_position()") == 2
    krita.run("trigger('edit_undo')")
    assert krita.run("undo_position()") == 1


def test_an_undo_is_heard_while_krita_works_on_the_image(krita: KritaProcess) -> None:
    """One that does not wait for that is lost, in every Krita."""
    krita.run(
        "new_document(4096, 4096)\nfor name in 'abc': add_paint_layer(name, 0, 0, 4096, 4096, bytes([1, 2, 3, 255]))"
    )
    wait_until(lambda: krita.run("app.action('rotateImage180').isEnabled()"), "Krita to let the image be turned")
    code = """
before = undo_position()
app.action('rotateImage180').trigger()
is_free = document().tryBarrierLock()
if is_free: document().unlock()
press()
document().waitForDone()
[is_free, undo_position() - before]
"""
    assert krita.run(f"press = lambda: app.action('edit_undo').trigger()\n{code}") == [False, 1]
    assert krita.run(f"press = lambda: trigger('edit_undo')\n{code}") == [False, 0]


def test_fingerprint_sees_one_changed_byte(krita: KritaProcess) -> None:
    krita.run("new_document(64, 64); add_paint_layer('dot', 3, 4, 1, 1, b'\\x01\\x02\\x03\\xff')")
    before = krita.run("fingerprint()")
    assert krita.run("fingerprint()") == before
    krita.run("node('dot').setPixelData(b'\\x01\\x02\\x04\\xff', 3, 4, 1, 1); document().refreshProjection()")
    after = krita.run("fingerprint()")
    assert after["nodes"] != before["nodes"]
    assert after["projection"] != before["projection"]


def test_gap_meter_measures_a_blocked_gui_thread(krita: KritaProcess) -> None:
    krita.run("gap_meter.start()")
    time.sleep(0.2)
    krita.run("import time; time.sleep(0.12)")
    longest = krita.run("gap_meter.stop()")[0]
    assert 120.0 <= longest < 60_000.0  # milliseconds, on a machine however busy
