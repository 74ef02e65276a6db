"""Model files: what is there and what it is, what is missing; fetched, dropped, used in folders of other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from acetate.language import mark, tr, translated, trn
from acetate.protocol.events import ModelInfo
from acetate.protocol.library import Download, DownloadState, Library, MissingFile, ModelFile, Origin
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.session.session import Session
from acetate.ui.inputs import CheckBox, PushButton
from acetate.ui.plain import plain_tip

_ORIGINS = {
    Origin.PUBLISHED: mark("checked: it is what was published"),
    Origin.HUB: mark("checked: it is what the hub said when it came"),
    Origin.UNVERIFIED: mark("unverified: nobody has said what it should be"),
    Origin.CHANGED: mark("changed since it was checked"),
}
_STATES = {
    DownloadState.RUNNING: mark("coming"),
    DownloadState.CHECKING: mark("being checked"),
    DownloadState.DONE: mark("there"),
    DownloadState.FAILED: mark("failed"),
    DownloadState.CANCELLED: mark("cancelled"),
}
_ROW = QtCore.Qt.ItemDataRole.UserRole
_GIGABYTE, _MEGABYTE = 1e9, 1e6


@dataclass(frozen=True)
class ListedFile:
    """What a line stands for, and what can be done with it."""

    text: str
    right: str = ""  # size or state
    detail: str = ""
    missing: str = ""  # its name, where it can be fetched
    coming: str = ""  # its name, where it can be cancelled or dismissed
    folder: str = ""  # where it can be forgotten
    is_grey: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """The same file may be missing and on its way."""
        return self.text, self.missing, self.coming, self.folder


class ModelsPage(QtWidgets.QWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._library = session, session.library
        self.setAcceptDrops(True)
        self._tree = _tree()
        self._detail = QtWidgets.QLabel(tr("Drop model files here, or choose a line to see what it is."))
        self._detail.setObjectName("acetate_model_detail")
        self._detail.setWordWrap(True)
        self._detail.setTextFormat(QtCore.Qt.TextFormat.PlainText)  # else names of files would be read as markup
        self._detail.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
        self._links = CheckBox(tr("&Link files that I add, in place of a copy"))
        self._links.setObjectName("acetate_models_link")
        column = QtWidgets.QVBoxLayout(self)
        column.addWidget(self._tree, 1)
        column.addWidget(self._detail)
        column.addWidget(self._links)
        column.addLayout(self._buttons())
        self._tree.itemSelectionChanged.connect(self._show_chosen)
        self._library.shelves.bind(lambda _: self._show())
        session.engine.models.changed.connect(lambda _: self._show())

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        super().showEvent(event)
        self._session.run(self._library.look())

    def dragEnterEvent(self, event: QtGui.QDragEnterEvent) -> None:
        if _files_of(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QtGui.QDropEvent) -> None:
        self._add(_files_of(event.mimeData()))
        event.acceptProposedAction()

    def _buttons(self) -> QtWidgets.QLayout:
        self._fetch = _button("acetate_model_fetch", tr("&Download"), self._begin)
        self._cancel = _button("acetate_model_cancel", tr("&Cancel"), self._end)
        self._forget = _button("acetate_models_forget", tr("F&orget folder"), self._forget_folder)
        add = _button("acetate_models_add", tr("&Add files…"), self._choose_files)
        self._folder = _button("acetate_models_folder", tr("Use a &folder…"), self._choose_folder)
        self._folder.setToolTip(
            tr("Of ComfyUI, Forge or A1111: its models are used where they lie, and nothing is changed.")
        )
        grid = QtWidgets.QGridLayout()
        for index, button in enumerate((self._fetch, self._cancel, self._forget, add, self._folder)):
            grid.addWidget(button, index // 3, index % 3)
        return grid

    def _show(self) -> None:
        """The painter may be reading it: what was chosen, folded away and scrolled to stays."""
        row = self._chosen()
        chosen = row.key if row else None
        groups = [self._tree.topLevelItem(index) for index in range(self._tree.topLevelItemCount())]
        folded = {group.data(0, _ROW) for group in groups if group is not None and not group.isExpanded()}
        at = self._tree.verticalScrollBar().value()
        self._tree.blockSignals(True)
        self._tree.clear()
        shelves = self._library.shelves.value
        for title, rows in _groups(self._session.engine.models.value, shelves):
            group = QtWidgets.QTreeWidgetItem([f"{title} ({len(rows)})"])
            group.setData(0, _ROW, title)
            group.setFlags(QtCore.Qt.ItemFlag.ItemIsEnabled)
            self._tree.addTopLevelItem(group)
            for each in rows:
                self._add_row(group, each, is_chosen=each.key == chosen)
            group.setExpanded(title not in folded)
        self._tree.verticalScrollBar().setValue(at)
        self._tree.blockSignals(False)
        self._folder.setEnabled(shelves is not None)
        self._show_chosen()

    def _add_row(self, group: QtWidgets.QTreeWidgetItem, row: ListedFile, *, is_chosen: bool) -> None:
        item = QtWidgets.QTreeWidgetItem(group, [row.text, row.right])
        item.setData(0, _ROW, row)
        item.setToolTip(0, plain_tip(row.detail))
        if row.is_grey:
            grey = self.palette().brush(QtGui.QPalette.ColorGroup.Disabled, QtGui.QPalette.ColorRole.Text)
            item.setForeground(0, grey)
        if is_chosen:
            self._tree.setCurrentItem(item)

    def _chosen(self) -> ListedFile | None:
        items = self._tree.selectedItems()
        row = items[0].data(0, _ROW) if items else None
        return row if isinstance(row, ListedFile) else None

    def _show_chosen(self) -> None:
        row = self._chosen()
        self._detail.setText(row.detail if row else tr("Drop model files here, or choose a line to see what it is."))
        self._fetch.setEnabled(bool(row and row.missing))
        self._cancel.setEnabled(bool(row and row.coming))
        self._forget.setEnabled(bool(row and row.folder))

    def _begin(self) -> None:
        if row := self._chosen():
            self._session.run(self._library.fetch([row.missing]))

    def _end(self) -> None:
        if row := self._chosen():
            self._session.run(self._library.cancel(row.coming))

    def _add(self, files: list[str]) -> None:
        self._session.run(self._library.add(files, as_link=self._links.isChecked()))

    def _choose_files(self) -> None:
        chosen, _ = QtWidgets.QFileDialog.getOpenFileNames(
            self, tr("Add model files"), str(Path.home()), "*.safetensors *.sft"
        )
        if chosen:
            self._add(chosen)

    def _choose_folder(self) -> None:
        title = tr("Folder of ComfyUI, Forge or A1111")
        chosen = QtWidgets.QFileDialog.getExistingDirectory(self, title, str(Path.home()))
        shelves = self._library.shelves.value
        if chosen and shelves:
            self._session.run(self._library.use_folders(dict.fromkeys((*shelves.folders, chosen))))

    def _forget_folder(self) -> None:
        row, shelves = self._chosen(), self._library.shelves.value
        if row and shelves:
            self._session.run(self._library.use_folders(each for each in shelves.folders if each != row.folder))


def _groups(models: tuple[ModelInfo, ...], shelves: Library | None) -> Iterator[tuple[str, list[ListedFile]]]:
    """Title and rows, those that want something first."""
    if shelves is None:
        return
    if shelves.downloads:
        yield tr("On their way"), [_coming(each) for each in shelves.downloads]
    yield tr("Models to choose"), [_model(model) for model in models]
    yield tr("Files"), [_file(file) for file in shelves.files]
    yield tr("Missing"), [_missing(file) for file in shelves.missing]
    if shelves.folders:
        yield tr("Folders of other programs"), [ListedFile(each, detail=each, folder=each) for each in shelves.folders]


def _coming(each: Download) -> ListedFile:
    share = (
        f"{100 * each.done / each.total:.0f} %" if each.total and not each.state.is_final else tr(_STATES[each.state])
    )
    size = f"{_size(each.done)} / {_size(each.total)}" if each.total else ""
    detail = "\n".join(filter(None, (each.name, tr(_STATES[each.state]), size, translated(each.reason))))
    return ListedFile(each.name, share, detail, coming=each.name)


def _model(model: ModelInfo) -> ListedFile:
    memory = tr("{size} of memory", size=_size(model.memory)) if model.memory else ""
    tasks = trn("{count} task", "{count} tasks", len(model.tasks))
    facts = (model.title, tasks, memory, model.licence, translated(model.note))
    return ListedFile(model.title, _size(model.memory), "\n".join(filter(None, facts)))


def _file(file: ModelFile) -> ListedFile:
    facts = (file.name, file.what, _size(file.size), file.licence, tr(_ORIGINS[file.origin]), file.folder)
    detail = "\n".join(filter(None, (*facts, translated(file.problem))))
    return ListedFile(file.name, _size(file.size), detail, is_grey=bool(file.problem))


def _missing(file: MissingFile) -> ListedFile:
    source = tr("from {source}", source=file.source)
    size = tr("about {size}", size=_size(file.size)) if file.size else tr("size not known")
    detail = "\n".join(
        (file.name, tr("for {what}", what=file.serves), source, size, file.licence or tr("licence not known"))
    )
    return ListedFile(file.name, _size(file.size), detail, missing=file.name, is_grey=True)


def _size(count: int) -> str:
    if not count:
        return ""
    if count >= _GIGABYTE:
        return f"{count / _GIGABYTE:.1f} GB"
    return f"{count / _MEGABYTE:.0f} MB" if count >= _MEGABYTE else "< 1 MB"


def _files_of(data: QtCore.QMimeData) -> list[str]:
    return [url.toLocalFile() for url in data.urls() if url.isLocalFile()]


def _tree() -> QtWidgets.QTreeWidget:
    tree = QtWidgets.QTreeWidget()
    tree.setObjectName("acetate_models")
    tree.setAccessibleName(tr("Models and their files"))
    tree.setColumnCount(2)
    tree.setHeaderHidden(True)
    tree.setTabKeyNavigation(False)
    header = tree.header()
    header.setStretchLastSection(False)
    header.setSectionResizeMode(0, QtWidgets.QHeaderView.ResizeMode.Stretch)
    header.setSectionResizeMode(1, QtWidgets.QHeaderView.ResizeMode.ResizeToContents)
    return tree


def _button(name: str, text: str, work: Callable[[], None]) -> PushButton:
    button = PushButton(text)
    button.setObjectName(name)
    button.clicked.connect(lambda: work())
    return button
