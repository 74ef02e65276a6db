"""A question before Krita ends, or a window is closed, with jobs that are not done. By itself it refuses no close."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

from acetate.host import Document
from acetate.krita.host import closing_with
from acetate.language import tr, trn
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.session.jobs import Job, Phase
from acetate.session.session import Session
from acetate.ui.binding import named

_UNSENT = (Phase.READING, Phase.SENDING)


class Leaving(QtCore.QObject):
    """Watches the main windows of this Krita."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._left: set[str] = set()  # keys of jobs that the painter knows to be unfinished: asked for once
        self._is_asking = False

    def watch(self, window: QtWidgets.QMainWindow) -> None:
        window.installEventFilter(self)

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:
        """Krita closes its windows one by one, in menus and by the window's own button alike."""
        if event.type() != QtCore.QEvent.Type.Close or not isinstance(watched, QtWidgets.QMainWindow):
            return False
        if self._may_close(watched):
            return False
        event.ignore()
        return True

    def _may_close(self, window: QtWidgets.QMainWindow) -> bool:
        try:
            if self._is_asking or _is_session_ending() or not self._unfinished(window):
                return True
            return self._ask(window)
        except Exception:  # noqa: BLE001  # a fault of ours keeps no window open
            traceback.print_exc()
            return True

    def _unfinished(self, window: QtWidgets.QMainWindow) -> list[Job]:
        """What would not come to its document."""
        documents = closing_with(window)
        jobs = [job for job in self._session.jobs if not job.is_cancel_wanted and job.key not in self._left]
        return [job for job in jobs if documents is None or _goes_to(job, documents)]

    def _ask(self, window: QtWidgets.QMainWindow) -> bool:
        is_last, self._is_asking = closing_with(window) is None, True
        question = Question(window, is_last=is_last)

        def follow(_: object = None) -> None:
            if jobs := self._unfinished(window):
                question.show_jobs(jobs)
            else:
                question.accept()

        self._session.jobs_changed.connect(follow)
        question.timer.timeout.connect(follow)
        follow()
        try:
            question.exec()
            if question.is_agreed:
                self._left |= {job.key for job in self._unfinished(window)}
            else:
                window.activateWindow()
            return question.is_agreed
        finally:
            self._is_asking = False
            self._session.jobs_changed.disconnect(follow)
            question.deleteLater()


class Question(QtWidgets.QMessageBox):
    """Goes away by itself, and lets Krita go on closing, once nothing is unfinished."""

    def __init__(self, window: QtWidgets.QMainWindow, *, is_last: bool) -> None:
        super().__init__(window)
        named(self, "acetate_leaving")
        self.setIcon(QtWidgets.QMessageBox.Icon.Question)
        self.setWindowTitle("Acetate")
        self._is_last = is_last
        self._go = self.addButton(
            tr("Quit now") if is_last else tr("Close now"), QtWidgets.QMessageBox.ButtonRole.AcceptRole
        )
        self._stay = self.addButton(tr("Keep it open"), QtWidgets.QMessageBox.ButtonRole.RejectRole)
        named(self._go, "acetate_leaving_go")
        named(self._stay, "acetate_leaving_stay")
        self.setDefaultButton(self._stay)
        self.setEscapeButton(self._stay)
        self.timer = QtCore.QTimer(self)
        self.timer.start(200)  # milliseconds: a job that was being sent has arrived

    @property
    def is_agreed(self) -> bool:
        return self.clickedButton() is not self._stay

    def show_jobs(self, jobs: Sequence[Job]) -> None:
        self.setText(trn("{count} job is not done.", "{count} jobs are not done.", len(jobs)))
        goes_on = (
            tr("They go on when Krita is started again; what comes of them is in the list of results then.")
            if self._is_last
            else tr("They go on without the window; what comes of them is in the list of results then.")
        )
        unsent = sum(job.phase.value in _UNSENT for job in jobs)
        lost = trn(
            "{count} is not with the engine yet, and would be lost: a moment is enough.",
            "{count} are not with the engine yet, and would be lost: a moment is enough.",
            unsent,
        )
        waiting = tr("Or wait here: it closes by itself as soon as they are done.")
        self.setInformativeText("\n".join([goes_on, *([lost] if unsent else []), waiting]))


def _goes_to(job: Job, documents: Sequence[Document]) -> bool:
    return job.document is not None and any(job.document.is_same(document) for document in documents)


def _is_session_ending() -> bool:
    """Whether the user logs out: who shuts down a machine is not held up."""
    running = QtWidgets.QApplication.instance()
    return isinstance(running, QtGui.QGuiApplication) and running.isSavingSession()
