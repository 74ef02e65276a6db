"""What was generated, the newest first; a click inserts it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from acetate.language import tr
from acetate.protocol.labels import label_of
from acetate.protocol.reading import fields_read
from acetate.qt import QtCore, QtGui, QtWidgets, sip
from acetate.session.history import Alternative, HistoryEntry
from acetate.session.session import Session
from acetate.ui.again import offer_to_vary
from acetate.ui.binding import named, silent
from acetate.ui.canvas_preview import CanvasPreview
from acetate.ui.checkerboard import on_checkerboard, to_image
from acetate.ui.once import once
from acetate.ui.plain import plain_tip
from acetate.ui.prompt import is_alone
from acetate.ui.side_by_side import SideBySide

_STAR, _APPLIED = QtGui.QColor("#ffd75e"), QtGui.QColor("#7ed07e")
_SHADE, _FRAME = QtGui.QColor(0, 0, 0, 160), 3  # pixels
SIZES = (48, 192)  # pixels of a thumbnail
_THUMBNAIL = QtCore.QSize(62, 62)


class HistoryView(QtWidgets.QListWidget):
    chosen = QtCore.pyqtSignal()  # another result, or none
    discarded = QtCore.pyqtSignal()  # the chosen one, by a key

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._hovered: Alternative | None = None
        self._looks_first = False
        self._is_held = False  # the chosen one stays on the canvas, wherever the pointer goes
        self._was_shown = False  # when the comparison began
        self.setObjectName("acetate_history")
        self.setAccessibleName(tr("Results, the newest first"))
        self.setViewMode(QtWidgets.QListView.ViewMode.IconMode)
        self._undrawn = _blank(SIZES[1])  # as large as a thumbnail will be: from that Qt lays them out
        self.resize_thumbnails(_THUMBNAIL.width())
        self.setResizeMode(QtWidgets.QListView.ResizeMode.Adjust)
        self.setMovement(QtWidgets.QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setMinimumHeight(_THUMBNAIL.height() + 16)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Expanding)
        self.itemClicked.connect(self._click)
        self.currentItemChanged.connect(lambda *_: self._choose())
        self._preview = CanvasPreview(self)
        self._beside = SideBySide(self)
        self.setMouseTracking(True)
        self.itemEntered.connect(self._show_on_canvas)
        self.viewportEntered.connect(self._leave)
        session.history.added.connect(self._add)
        session.history.removed.connect(self._remove)
        session.history.changed.connect(self._renew)
        self.hide()
        for index in range(len(session.history.entries)):  # a window that is opened later
            self._add(index)

    def sizeHint(self) -> QtCore.QSize:
        return self.minimumSize()

    def _add(self, index: int) -> None:
        self.insertItem(index, QtWidgets.QListWidgetItem())
        self._renew(index)
        while self.count() > len(self._session.history.entries):
            self.takeItem(self.count() - 1)
        self.show()

    def _remove(self, index: int) -> None:
        self._preview.hide()
        self._beside.hide()
        with silent(self):  # meanwhile rows and entries are not the same
            self.takeItem(index)
        self.chosen.emit()

    def _renew(self, row: int) -> None:
        """What it says and shows."""
        item = self.item(row)
        if item is not None:  # else the list ends before that
            item.setIcon(self._undrawn)
            self._describe(item, self._session.history.entries[row])

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draws thumbnails as they are seen first: of thousands of results most never are."""
        self.executeDelayedItemsLayout()  # else it would happen further down, and show others
        for item in self._seen():
            if self._is_undrawn(item):
                item.setIcon(self._icon(self._session.history.entries[self.row(item)]))
        super().paintEvent(event)

    def _seen(self) -> Iterator[QtWidgets.QListWidgetItem]:
        side, offset = self.gridSize().width(), self.verticalOffset()
        for y in range(side // 2 - offset % side, self.viewport().height() + side, side):
            for x in range(side // 2, self.viewport().width(), side):
                if (item := self.itemAt(x, y)) is not None:
                    yield item

    def _is_undrawn(self, item: QtWidgets.QListWidgetItem) -> bool:
        return item.icon().cacheKey() == self._undrawn.cacheKey()

    def _icon(self, entry: HistoryEntry) -> QtGui.QIcon:
        """The chosen one has a frame; Qt would tint it, and colours are what a painter chooses by."""
        thumbnail = self._thumbnail(entry)
        icon, framed = QtGui.QIcon(thumbnail), QtGui.QPixmap(thumbnail)
        painter = QtGui.QPainter(framed)
        painter.setPen(QtGui.QPen(self.palette().highlight().color(), 2 * _FRAME))  # the outer half is cut off
        painter.drawRect(framed.rect())
        painter.end()
        icon.addPixmap(framed, QtGui.QIcon.Mode.Selected)
        return icon

    def _thumbnail(self, entry: HistoryEntry) -> QtGui.QPixmap:
        pixmap = on_checkerboard(to_image(entry.thumbnail), self.iconSize())
        painter, side = QtGui.QPainter(pixmap), self.fontMetrics().height()
        for is_so, sign, colour, left in (
            (entry.is_starred, "★", _STAR, pixmap.width() - side),
            (entry.is_applied, "✓", _APPLIED, 0),
        ):
            if is_so:
                corner = QtCore.QRect(left, 0, side, side)
                painter.fillRect(corner, _SHADE)  # or it would not be seen on every picture
                painter.setPen(colour)
                painter.drawText(corner, int(QtCore.Qt.AlignmentFlag.AlignCenter), sign)
        painter.end()
        return pixmap

    def _describe(self, item: QtWidgets.QListWidgetItem, entry: HistoryEntry) -> None:
        """In words, for a pointer that rests on it and for a screen reader."""
        request = entry.result.request
        what = " ".join(request.prompt.split()) or tr(label_of(request.task))
        said = [what, *([tr("Seed {seed}", seed=request.seed)] if "seed" in fields_read(request) else [])]
        said += [tr("It was put into a picture.")] if entry.is_applied else [tr("No picture has it yet.")]
        said += [tr("It has a star.")] if entry.is_starred else []
        item.setData(QtCore.Qt.ItemDataRole.AccessibleTextRole, ". ".join(said))
        how = tr("The canvas shows where it goes. Click to insert it, right click for more.")
        keys = tr("Return inserts the chosen one, Space shows it, Delete discards it.")
        item.setToolTip(plain_tip("\n".join([*said, how, keys])))

    # without a pointer

    def event(self, event: QtCore.QEvent) -> bool:
        """Krita has shortcuts on some of these keys, which go first where nobody claims them."""
        if event.type() == event.Type.ShortcutOverride and isinstance(event, QtGui.QKeyEvent) and self._work_of(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        work = self._work_of(event)
        if work is None:
            super().keyPressEvent(event)
        elif not event.isAutoRepeat():
            work()

    def _work_of(self, event: QtGui.QKeyEvent) -> Callable[[], None] | None:
        """What a key does to the chosen one."""
        item, keys = self.currentItem(), QtCore.Qt.Key
        if item is None or not is_alone(event):
            return None
        work: dict[int, Callable[[], None]] = {
            keys.Key_Return: partial(self._insert, item),
            keys.Key_Enter: partial(self._insert, item),
            keys.Key_Space: lambda: self._hold(not self._preview.is_shown),
            keys.Key_Delete: self.discarded.emit,
        }
        return work.get(event.key())

    def _hold(self, is_wanted: bool) -> None:
        """The chosen one on the canvas."""
        self._is_held = is_wanted
        if is_wanted:
            self.show_preview()
        else:
            self._preview.hide()

    def _choose(self) -> None:
        self._is_held = False
        self.chosen.emit()

    # what the panel around it asks for

    @property
    def entry(self) -> HistoryEntry | None:
        """The one that was chosen."""
        item = self.currentItem()
        return self._session.history.entries[self.row(item)] if item is not None else None

    def resize_thumbnails(self, side: int) -> None:
        self.setIconSize(QtCore.QSize(side, side))
        self.setGridSize(QtCore.QSize(side + 6, side + 6))
        for item in map(self.item, range(self.count())):
            if item is not None and not self._is_undrawn(item):
                item.setIcon(self._undrawn)

    def look_first(self, is_wanted: bool) -> None:
        """A click shows on the canvas: who paints with a pen has no pointer that rests on something."""
        self._looks_first = is_wanted
        if not is_wanted:
            self._preview.hide()

    def list_only(self, is_listed: Callable[[HistoryEntry], bool], rows: Sequence[int]) -> None:
        """Of these rows, hides the others."""
        for row in rows:
            if (item := self.item(row)) is not None:
                item.setHidden(not is_listed(self._session.history.entries[row]))
        if (chosen := self.currentItem()) is not None and chosen.isHidden():
            self.setCurrentItem(None)  # nothing is done to what nobody sees

    def hide_preview(self) -> None:
        self._hold(False)

    def compare(self, *, is_pressed: bool) -> None:
        """The canvas without the chosen one, or with it where it is not shown, as long as a button is pressed."""
        if is_pressed:
            self._was_shown = self._preview.is_shown
        if self._was_shown is is_pressed:
            self._preview.hide()
        else:
            self.show_preview()

    @property
    def batch(self) -> list[HistoryEntry]:
        """The chosen one and those that were made with it, the first of them first."""
        entry = self.entry
        found = self._session.history.of_job(entry.result.job) if entry else []
        return sorted(found, key=lambda other: other.image)

    def show_beside(self) -> None:
        """All of the batch over the canvas, where one is picked; away again where they are there."""
        batch = self.batch
        if self._beside.is_shown or not batch:
            self._beside.hide()
            return
        self._preview.hide()
        bounds = batch[0].result.layers[-1].bounds
        self._beside.show([entry.thumbnail for entry in batch], bounds, lambda index: self._pick(batch[index]))
        for index, entry in enumerate(batch):
            self._session.peek(entry.result, to_image, partial(self._refine_beside, batch, index))

    def _refine_beside(self, batch: list[HistoryEntry], index: int, image: QtGui.QImage) -> None:
        if not sip.isdeleted(self) and [entry.result for entry in self.batch] == [entry.result for entry in batch]:
            self._beside.refine(index, image)

    def _pick(self, entry: HistoryEntry) -> None:
        """It is the chosen one, and shown alone."""
        rows = [row for row, other in enumerate(self._session.history.entries) if other.result == entry.result]
        for row in rows:
            self.setCurrentRow(row)
            self.show_preview()

    def show_preview(self) -> None:
        if (entry := self.entry) is not None:
            self._show(entry)

    def leaveEvent(self, event: QtCore.QEvent) -> None:
        self._leave()
        super().leaveEvent(event)

    def _leave(self) -> None:
        """What was chosen to be looked at stays on the canvas."""
        if self._beside.is_shown:
            return
        if (self._looks_first or self._is_held) and self.currentItem() is not None:
            self.show_preview()
        else:
            self._preview.hide()

    def _show_on_canvas(self, item: QtWidgets.QListWidgetItem) -> None:
        """Where the painter wants that of all that the pointer rests on."""
        if not self._beside.is_shown and self._session.preferences.shown_on_canvas.value:
            self._show(self._session.history.entries[self.row(item)])

    def _show(self, entry: HistoryEntry) -> None:
        """At once as small as it is here; finer as soon as the engine has sent it."""
        bounds, self._hovered = entry.result.layers[-1].bounds, entry.result
        self._preview.show(to_image(entry.thumbnail), bounds)

        def refine(image: QtGui.QImage) -> None:
            if sip.isdeleted(self):
                return
            if self._hovered is entry.result and self._preview.is_shown:
                self._preview.show(image, bounds)

        self._session.peek(entry.result, to_image, refine)

    def _click(self, item: QtWidgets.QListWidgetItem) -> None:
        self._beside.hide()
        if self._looks_first:
            self._show(self._session.history.entries[self.row(item)])
        else:
            once(lambda: self._insert(item))()

    def _insert(self, item: QtWidgets.QListWidgetItem) -> None:
        self._hold(False)
        self._hovered = None
        self._session.insert(self._result(item))

    def _result(self, item: QtWidgets.QListWidgetItem) -> Alternative:
        return self._session.history.entries[self.row(item)].result

    def contextMenuEvent(self, event: QtGui.QContextMenuEvent) -> None:
        """Of the chosen one where a key asks for it."""
        is_key = event.reason() == QtGui.QContextMenuEvent.Reason.Keyboard
        item = self.currentItem() if is_key else self.itemAt(event.pos())
        if item is not None:
            at = self.visualItemRect(item).center() if is_key else event.pos()
            self._show_menu(item, self.viewport().mapToGlobal(at))

    def _show_menu(self, item: QtWidgets.QListWidgetItem, at: QtCore.QPoint) -> None:
        self.setCurrentItem(item)
        result = self._result(item)
        menu = QtWidgets.QMenu(self)
        named(menu, "acetate_history_menu")
        menu.addAction(tr("Insert above the active layer"), once(lambda: self._session.insert(result)))
        show = menu.addAction(tr("Show on the canvas"))
        show.setCheckable(True)
        show.setChecked(self._is_held)
        show.triggered.connect(self._hold)
        vary = menu.addAction(tr("Vary: another seed"), once(lambda: self._session.vary(result)))
        offer_to_vary(vary, "", result.request)
        menu.setToolTipsVisible(True)
        menu.addAction(tr("Copy settings"), lambda: self._session.copy_settings_of(result))
        menu.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)


def _blank(side: int) -> QtGui.QIcon:
    pixmap = QtGui.QPixmap(side, side)
    pixmap.fill(QtCore.Qt.GlobalColor.transparent)
    return QtGui.QIcon(pixmap)
