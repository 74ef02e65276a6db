"""What was generated, the newest first; a click inserts it again."""

from __future__ import annotations

from acetate.language import tr
from acetate.picture import Picture
from acetate.qt import QtCore, QtGui, QtWidgets, sip
from acetate.session.history import LIMIT, Alternative
from acetate.session.session import Session
from acetate.ui.binding import named
from acetate.ui.canvas_preview import CanvasPreview
from acetate.ui.checkerboard import on_checkerboard, to_image
from acetate.ui.once import once

_THUMBNAIL = QtCore.QSize(62, 62)


class HistoryView(QtWidgets.QListWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._hovered: Alternative | None = None
        self.setObjectName("acetate_history")
        self.setAccessibleName(tr("Results, the newest first"))
        self.setViewMode(QtWidgets.QListView.ViewMode.IconMode)
        self.setIconSize(_THUMBNAIL)
        self.setGridSize(_THUMBNAIL + QtCore.QSize(6, 6))
        self.setResizeMode(QtWidgets.QListView.ResizeMode.Adjust)
        self.setMovement(QtWidgets.QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setMinimumHeight(_THUMBNAIL.height() + 16)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Expanding)
        self.itemClicked.connect(self._insert)
        self._preview = CanvasPreview(self)
        self.setMouseTracking(True)
        self.itemEntered.connect(self._show_on_canvas)
        self.viewportEntered.connect(self._preview.hide)
        self.setContextMenuPolicy(QtCore.Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)
        session.history.added.connect(self._add)
        self.hide()
        for index in range(len(session.history.entries)):  # a window that is opened later
            self._add(index)

    def sizeHint(self) -> QtCore.QSize:
        return self.minimumSize()

    def _add(self, index: int) -> None:
        entry = self._session.history.entries[index]
        item = QtWidgets.QListWidgetItem(QtGui.QIcon(on_checkerboard(to_image(entry.thumbnail), _THUMBNAIL)), "")
        request = entry.result.request
        item.setToolTip(
            f"{request.prompt}\n{tr('Seed {seed}', seed=request.seed)}\n"
            + tr("The canvas shows where it goes. Click to insert it, right click for more.")
        )
        self.insertItem(index, item)
        while self.count() > LIMIT:
            self.takeItem(self.count() - 1)
        self.show()

    def leaveEvent(self, event: QtCore.QEvent) -> None:
        self._preview.hide()
        super().leaveEvent(event)

    def _show_on_canvas(self, item: QtWidgets.QListWidgetItem) -> None:
        """At once as small as it is here; finer as soon as the engine has sent it."""
        if not self._session.preferences.shown_on_canvas.value:
            return
        entry = self._session.history.entries[self.row(item)]
        bounds, self._hovered = entry.result.layers[-1].bounds, entry.result
        self._preview.show(entry.thumbnail, bounds)

        def refine(picture: Picture) -> None:
            if not sip.isdeleted(self) and self._hovered is entry.result and self.underMouse():
                self._preview.show(picture, bounds)

        self._session.peek(entry.result, refine)

    def _insert(self, item: QtWidgets.QListWidgetItem) -> None:
        self._preview.hide()
        self._hovered = None
        once(lambda: self._session.insert(self._result(item)))()

    def _result(self, item: QtWidgets.QListWidgetItem) -> Alternative:
        return self._session.history.entries[self.row(item)].result

    def _show_menu(self, position: QtCore.QPoint) -> None:
        item = self.itemAt(position)
        if item is None:
            return
        result = self._result(item)
        menu = QtWidgets.QMenu(self)
        named(menu, "acetate_history_menu")
        menu.addAction(tr("Insert above the active layer"), once(lambda: self._session.insert(result)))
        menu.addAction(tr("Show on the canvas"), lambda: self._show_on_canvas(item))
        menu.addAction(tr("Vary: another seed"), once(lambda: self._session.vary(result)))
        menu.addAction(tr("Copy settings"), lambda: self._session.settings.copy_from(result.request))
        menu.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.mapToGlobal(position))
