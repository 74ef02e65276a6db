"""A combo box for a name out of a list that changes: a model, a style, an IP-Adapter."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from acetate.language import tr
from acetate.qt import QtGui
from acetate.session.observable import Observable
from acetate.session.titles import title_of
from acetate.ui.binding import silent
from acetate.ui.inputs import ComboBox


class NamePicker(ComboBox):
    """`value` stays what it is when the list lacks it, and is listed as missing then."""

    def __init__(self, value: Observable[str]) -> None:
        super().__init__()
        self._value = value
        self._options: tuple[tuple[str, str], ...] = ()
        self._listed: tuple[tuple[str, str], ...] = ()
        self.keep_narrow()
        self.currentIndexChanged.connect(self._take)
        value.changed.connect(lambda _: self._show())

    def offer(self, options: Sequence[tuple[str, str]]) -> None:
        """(name, text), in this order."""
        self._options = tuple(options)
        self._show()

    def disable(self, names: Collection[str]) -> None:
        """Greys out these."""
        model = self.model()
        assert isinstance(model, QtGui.QStandardItemModel)  # a combo box makes it
        for index in range(self.count()):
            model.item(index).setEnabled(self.itemData(index) not in names)

    def _show(self) -> None:
        name, options = self._value.value, self._options
        if name not in [known for known, _ in options]:
            options = (*options, (name, tr("{name} (not there)", name=title_of(name))))
        with silent(self):
            if options != self._listed:
                self._list(options)
            self.setCurrentIndex(self.findData(name))

    def _list(self, options: tuple[tuple[str, str], ...]) -> None:
        self._listed = options
        self.clear()
        for known, text in options:
            self.addItem(text, known)

    def _take(self, index: int) -> None:
        self._value.value = str(self.itemData(index))
