"""The jobs that go on, a row each: what it is, how far it is, what it looks like so far, and a button that ends it."""

from __future__ import annotations

from acetate.language import mark, tr, trn
from acetate.protocol.labels import label_of
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.session.jobs import Job, Phase
from acetate.session.session import Session
from acetate.ui.binding import named
from acetate.ui.checkerboard import on_checkerboard
from acetate.ui.elided import ElidedLabel
from acetate.ui.once import once
from acetate.ui.plain import plain_tip
from acetate.ui.small_button import small_button

_SHOWN = 3  # rows; the rest is counted
_PREVIEW = QtCore.QSize(36, 36)
_LARGE = QtCore.QSize(256, 256)
_BAR = 5  # pixels
_SHORT = {
    Phase.READING: mark("reading"),
    Phase.SENDING: mark("sending"),
    Phase.QUEUED: mark("waiting"),
    Phase.INSERTING: mark("inserting"),
}


class Queue(QtWidgets.QWidget):
    """Jobs of this document first. Hidden where there is none."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        named(self, "acetate_queue")
        self._session = session
        self._rows: list[JobRow] = []
        self._more = QtWidgets.QLabel()
        self._all = small_button(tr("Cancel all"), tr("End every job."), "acetate_cancel_all", once(session.cancel_all))
        self._column = QtWidgets.QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(3)
        self._column.addWidget(self._rest())
        session.jobs_changed.connect(lambda _: self._follow())
        self._follow()

    def _rest(self) -> QtWidgets.QWidget:
        self._line = QtWidgets.QWidget()
        row = QtWidgets.QHBoxLayout(self._line)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._more, 1)
        row.addWidget(self._all)
        return self._line

    def _follow(self) -> None:
        here = self._session.jobs_here
        jobs = [*here, *(job for job in self._session.jobs if job not in here)]
        shown = jobs[:_SHOWN]
        if [row.job for row in self._rows] != shown:
            self._list(shown)
        for row in self._rows:
            row.show_where(is_here=row.job in here)
        count = len(jobs) - len(shown)
        self._more.setText(trn("{count} more", "{count} more", count) if count else "")
        self._line.setVisible(len(jobs) > 1)
        self.setVisible(bool(jobs))

    def _list(self, shown: list[Job]) -> None:
        known = {id(row.job): row for row in self._rows}
        for row in self._rows:
            self._column.removeWidget(row)
            if row.job not in shown:
                row.deleteLater()
        self._rows = [known.get(id(job)) or JobRow(self._session, job) for job in shown]
        for index, row in enumerate(self._rows):
            self._column.insertWidget(index, row)
            named(row.cancel, f"acetate_job_cancel_{index}")
            named(row.front, f"acetate_job_front_{index}")


class JobRow(QtWidgets.QWidget):
    def __init__(self, session: Session, job: Job) -> None:
        super().__init__()
        self.job = job
        self._previews = session.preferences.previews
        self._where = ""
        self._picture = _Preview()
        self._picture.setFixedSize(_PREVIEW)
        self._text = ElidedLabel()
        self._state = QtWidgets.QLabel()
        self._state.setEnabled(False)  # greyed: a remark
        self._bar = QtWidgets.QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(_BAR)
        self.cancel = small_button("✕", tr("End this job; others go on."), "", once(lambda: session.cancel_job(job)))
        self.front = small_button("↑", tr("Before all others that wait."), "", once(lambda: session.move_to_front(job)))
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        grid.addWidget(self._picture, 0, 0, 2, 1)
        grid.addWidget(self._text, 0, 1)
        grid.addWidget(self._state, 0, 2)
        grid.addWidget(self._bar, 1, 1, 1, 2)
        grid.addWidget(self.front, 0, 3, 2, 1)
        grid.addWidget(self.cancel, 0, 4, 2, 1)
        grid.setColumnStretch(1, 1)
        self._show_png(b"")
        job.status.changed.connect(self._show)
        job.fraction.changed.connect(self._show)
        job.preview.changed.connect(self._show_png)
        self._show(None)

    def show_where(self, *, is_here: bool) -> None:
        """Its document, where another is in front."""
        document = self.job.document
        where = "" if is_here else f" · {document.name if document else tr('from an earlier session')}"
        if where != self._where:
            self._where = where
            self._show(None)

    def _show(self, _: object) -> None:
        share = round(100 * self.job.fraction.value)
        what = " ".join(self.job.request.prompt.split()) or tr(label_of(self.job.request.task))
        status = self.job.status.value
        is_counted = self.job.phase.value is Phase.RUNNING and share and status == tr(Phase.RUNNING.value)
        self._text.setText(what + self._where)
        self._state.setText(f"{share} %" if is_counted else tr(_SHORT.get(self.job.phase.value, status)))
        self.setToolTip(plain_tip(f"{what}{self._where}\n{status}"))
        self.front.setVisible(self.job.is_waiting and not self.job.is_cancel_wanted)
        self._bar.setValue(round(1000 * self.job.fraction.value))

    def _show_png(self, png: bytes) -> None:
        image = QtGui.QImage.fromData(png) if png and self._previews.value else QtGui.QImage()
        self._picture.setVisible(not image.isNull())
        if not image.isNull():
            self._picture.show_image(image)

    def deleteLater(self) -> None:
        """The job may go on a little longer than its row."""
        self.job.status.changed.disconnect(self._show)
        self.job.fraction.changed.disconnect(self._show)
        self.job.preview.changed.disconnect(self._show_png)
        super().deleteLater()


class _Preview(QtWidgets.QLabel):
    """Small; larger while the pointer rests on it, or where it is tapped. Previews come often: that is made then."""

    def __init__(self) -> None:
        super().__init__()
        self._image = QtGui.QImage()

    def show_image(self, image: QtGui.QImage) -> None:
        self._image = image
        self.setPixmap(on_checkerboard(image, _PREVIEW))

    def event(self, event: QtCore.QEvent) -> bool:
        if event.type() in (event.Type.ToolTip, event.Type.MouseButtonPress) and not self._image.isNull():
            QtWidgets.QToolTip.showText(QtGui.QCursor.pos(), _as_tip(on_checkerboard(self._image, _LARGE)), self)
            return True
        return super().event(event)


def _as_tip(pixmap: QtGui.QPixmap) -> str:
    """What it looks like so far, larger, while the pointer rests on it."""
    data = QtCore.QByteArray()
    buffer = QtCore.QBuffer(data)
    buffer.open(QtCore.QIODevice.OpenModeFlag.WriteOnly)
    pixmap.save(buffer, "PNG")
    return f'<img src="data:image/png;base64,{bytes(data.toBase64()).decode()}">'
