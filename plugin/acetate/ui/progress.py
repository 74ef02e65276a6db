"""How far the job is, and what the layer looks like on its way."""

from __future__ import annotations

from acetate.language import tr, trn
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.session.jobs import Job
from acetate.session.session import Session
from acetate.ui.binding import named
from acetate.ui.checkerboard import on_checkerboard

_PREVIEW = 180  # pixels, height


class ProgressBox(QtWidgets.QWidget):
    """Shows the oldest job that goes on; hidden where there is none."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._job: Job | None = None
        self._bar = QtWidgets.QProgressBar()
        named(self._bar, "acetate_progress")
        self._bar.setRange(0, 1000)
        self._bar.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Fixed)
        self._preview = PreviewView()
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._bar)
        column.addWidget(self._preview)
        session.jobs_changed.connect(lambda _: self._follow())
        self._follow()

    def _follow(self) -> None:
        jobs = self._session.jobs_here or self._session.jobs
        job = jobs[0] if jobs else None
        self.setVisible(job is not None)
        if job is not self._job:
            self._leave()
            self._job = job
            self._preview.show_png(b"")
            if job is not None:
                job.fraction.bind(self._show_fraction)
                job.status.changed.connect(self._show_status)
                job.preview.bind(self._preview.show_png)
        if job is not None:
            self._show_status(job.status.value)

    def _leave(self) -> None:
        """It may go on for long; another is shown."""
        if self._job is not None:
            self._job.fraction.changed.disconnect(self._show_fraction)
            self._job.status.changed.disconnect(self._show_status)
            self._job.preview.changed.disconnect(self._preview.show_png)

    def _show_fraction(self, fraction: float) -> None:
        self._bar.setValue(round(1000 * fraction))

    def _show_status(self, status: str) -> None:
        waiting = len(self._session.jobs) - 1
        behind = trn("{count} more waits", "{count} more wait", waiting)
        self._bar.setFormat(f"{status}  ({behind})" if waiting > 0 else status)


class PreviewView(QtWidgets.QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("acetate_preview")
        self.setToolTip(tr("The layer on its way; the checkerboard is where it is transparent."))
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self._image = QtGui.QImage()
        self.hide()

    def show_png(self, png: bytes) -> None:
        self._image = QtGui.QImage.fromData(png) if png else QtGui.QImage()
        self.setVisible(not self._image.isNull())
        self.update()

    def sizeHint(self) -> QtCore.QSize:
        return QtCore.QSize(_PREVIEW, _PREVIEW)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        painter.drawPixmap(0, 0, on_checkerboard(self._image, self.size()))
        painter.end()
