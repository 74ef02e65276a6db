"""Small pictures of exactly what is sent, on a checkerboard."""

from __future__ import annotations

from acetate.model.sending import Shown
from acetate.model.session import Session
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.ui.checkerboard import on_checkerboard, to_image

_SIDE = 76  # pixels


class SendingView(QtWidgets.QWidget):
    """Hidden where nothing is sent. A click reads the layers anew."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("acetate_sending")
        self._session = session
        self._row = QtWidgets.QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(6)
        session.sending.shown.bind(self._show)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        self._session.look()

    def _show(self, shown: tuple[Shown, ...]) -> None:
        while (item := self._row.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for picture in shown:
            self._row.addWidget(_thumbnail(picture))
        self._row.addStretch(1)
        self.setVisible(bool(shown))


def _thumbnail(picture: Shown) -> QtWidgets.QWidget:
    """Its property `digest` names the picture that it was made from."""
    image, title = QtWidgets.QLabel(), QtWidgets.QLabel(picture.title)
    image.setPixmap(on_checkerboard(to_image(picture.thumbnail), QtCore.QSize(_SIDE, _SIDE)))
    title.setEnabled(False)  # greyed: a remark
    title.setAlignment(QtCore.Qt.AlignmentFlag.AlignHCenter)
    widget = QtWidgets.QWidget()
    widget.setObjectName(f"acetate_sends_{picture.title.lower()}")
    widget.setProperty("digest", picture.digest)
    widget.setToolTip("What will be sent, as the canvas shows it. Click to look again.")
    column = QtWidgets.QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(1)
    column.addWidget(image)
    column.addWidget(title)
    return widget
