"""Krita is closed while jobs are not done: the docker asks, keeps nobody in, and no job is lost."""

from __future__ import annotations

from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import JOB_LIMIT, Painter
from tests.krita.harness.scenes import PROMPT
from tests.krita.harness.waiting import wait_until

ASKED = "(dialog := QApplication.activeModalWidget()) is not None and dialog.objectName() == 'acetate_leaving'"
TEXTS = "dialog = QApplication.activeModalWidget(); [dialog.text(), dialog.informativeText()]"
HISTORY = "[entry.result.job for entry in _docker('acetate_dock').session.history.entries]"
LISTED = "[job.id for job in _docker('acetate_dock').session.jobs]"


def quit_by_keys(painter: Painter) -> None:
    """Over the canvas, in Krita's own shortcuts."""
    painter.krita.run("document().setModified(False); bring_to_front(0)")
    painter.hands.move_to(*painter.krita.run("canvas_centre()"))
    painter.hands.keys("ctrl+q")


def close_window(painter: Painter) -> None:
    """By the button in its frame."""
    painter.krita.run("document().setModified(False)")
    painter.krita.display.ask_to_close(painter.krita.run("int(app.activeWindow().qwindow().winId())"))


def answer(painter: Painter, name: str) -> None:
    wait_until(lambda: painter.krita.run(ASKED), "the question")
    painter.hands.click_at(*wait_until(lambda: painter.krita.run("in_dialog(name)", name=name), "its button"))


def test_krita_asks_before_it_quits_and_no_job_is_lost(painter: Painter, engine: Engine) -> None:
    painter.new_document(96, 96)
    painter.generate(PROMPT)
    painter.set_up(PROMPT, seed=8)
    before = painter.layer_ids()
    with engine.worker_held():
        job = engine.new_job(painter.press_generate)
        wait_until(lambda: painter.krita.run(LISTED) == [job], "the job to be with the engine")
        close_window(painter)
        wait_until(lambda: painter.krita.run(ASKED), "the question")
        text, more = painter.krita.run(TEXTS)
        assert text == "1 job is not done." and "started again" in more and "lost" not in more
        answer(painter, "acetate_leaving_stay")
        wait_until(lambda: not painter.krita.run(ASKED), "the question to go")
        assert painter.layer_ids() == before and painter.krita.run(LISTED) == [job]

        quit_by_keys(painter)
        answer(painter, "acetate_leaving_go")
        wait_until(lambda: not painter.krita.is_running, "Krita to end")
    painter.restart_krita()
    painter.krita.run("_docker('acetate_dock').session.warm_up()")
    wait_until(lambda: job in painter.krita.run(HISTORY), "what came of the job", JOB_LIMIT)


def test_the_question_goes_away_once_nothing_is_unfinished(painter: Painter, engine: Engine) -> None:
    """The layer is in the picture by then, and Krita goes on with its own question: whether to save that."""
    painter.new_document(96, 96)
    painter.generate(PROMPT)
    painter.set_up(PROMPT, seed=9)
    before = painter.layer_ids()
    painter.krita.run("document().setBatchmode(False); app.setBatchmode(False)")
    try:
        with engine.worker_held():
            engine.new_job(painter.press_generate)
            quit_by_keys(painter)
            wait_until(lambda: painter.krita.run(ASKED), "the question")
        wait_until(lambda: painter.krita.run("in_dialog('Cancel')"), "Krita's question", JOB_LIMIT)
        assert painter.new_layers(before)
        painter.hands.click_at(*painter.krita.run("in_dialog('Cancel')"))
        wait_until(lambda: painter.krita.run("QApplication.activeModalWidget() is None"), "both questions to go")
        assert painter.new_layers(before)
    finally:
        painter.krita.run("document().setBatchmode(True); app.setBatchmode(True)")
