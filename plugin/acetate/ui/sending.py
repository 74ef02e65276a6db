"""Small pictures of exactly what is sent, on a checkerboard."""

from __future__ import annotations

from acetate.language import tr
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.session.sending import SentPicture
from acetate.session.session import Session
from acetate.ui.binding import named
from acetate.ui.checkerboard import on_checkerboard, to_image

_SIDE, _GAP = 76, 6  # pixels


class SendingView(QtWidgets.QWidget):
    """As many in a row as there is room for; hidden where nothing is sent. A click reads the layers anew."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("acetate_sending")
        self._session = session
        self._thumbnails: list[QtWidgets.QWidget] = []
        self._grid = QtWidgets.QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(_GAP)
        self._grid.setAlignment(QtCore.Qt.AlignmentFlag.AlignLeft)
        session.sending.shown.bind(self._show)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        self._session.look()

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        self._arrange()
        super().resizeEvent(event)

    def minimumSizeHint(self) -> QtCore.QSize:
        """A row of them must not keep the docker from getting narrower."""
        return QtCore.QSize(_SIDE, super().minimumSizeHint().height())

    def _show(self, shown: tuple[SentPicture, ...]) -> None:
        for old in self._thumbnails:
            self._grid.removeWidget(old)
            old.deleteLater()
        self._thumbnails = [_thumbnail(picture) for picture in shown]
        self._arrange()
        self.setVisible(bool(shown))

    def _arrange(self) -> None:
        columns = max(1, (self.width() + _GAP) // (_SIDE + _GAP))
        for index, widget in enumerate(self._thumbnails):
            self._grid.addWidget(widget, index // columns, index % columns)


def _thumbnail(picture: SentPicture) -> QtWidgets.QWidget:
    """Its property `digest` names the picture that it was made from."""
    image, title = QtWidgets.QLabel(), QtWidgets.QLabel(tr(picture.title))
    image.setPixmap(on_checkerboard(to_image(picture.thumbnail), QtCore.QSize(_SIDE, _SIDE)))
    title.setEnabled(False)  # greyed: a remark
    title.setAlignment(QtCore.Qt.AlignmentFlag.AlignHCenter)
    widget = QtWidgets.QWidget()
    named(
        widget,
        f"acetate_sends_{picture.title.lower()}",
        tr("What will be sent, as the canvas shows it. Click to look again."),
    )
    widget.setProperty("digest", picture.digest)
    column = QtWidgets.QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(1)
    column.addWidget(image)
    column.addWidget(title)
    return widget
