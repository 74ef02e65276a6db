"""What was generated, the newest first; a click inserts it again."""

from __future__ import annotations

from acetate.model.history import LIMIT, Entry
from acetate.model.session import Session
from acetate.qt import QIcon, QListView, QListWidget, QListWidgetItem, QSize, QSizePolicy, QWidget
from acetate.ui.checkerboard import on_checkerboard, to_image

_THUMBNAIL = QSize(62, 62)


class HistoryView(QListWidget):
    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setObjectName("acetate_history")
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setIconSize(_THUMBNAIL)
        self.setGridSize(_THUMBNAIL + QSize(6, 6))
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setMinimumHeight(_THUMBNAIL.height() + 16)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.itemClicked.connect(self._insert)
        session.history.added.connect(self._add)
        self.hide()

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def _add(self, entry: Entry) -> None:
        item = QListWidgetItem(QIcon(on_checkerboard(to_image(entry.thumbnail), _THUMBNAIL)), "")
        request = entry.result.request
        item.setToolTip(
            f"{request.prompt}\nSeed {request.seed}, {request.bounds}\nClick to insert it above the active layer."
        )
        self.insertItem(0, item)
        while self.count() > LIMIT:
            self.takeItem(self.count() - 1)
        self.show()

    def _insert(self, item: QListWidgetItem) -> None:
        self._session.insert(self._session.history.entries[self.row(item)].result)
