"""The results: which of them are listed, how large, and what is done with the one that was chosen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from krita import Krita

from acetate.language import mark, tr
from acetate.qt import QtCore, QtWidgets
from acetate.session.history import LIMIT, HistoryEntry
from acetate.session.results import Apply
from acetate.session.session import Session
from acetate.ui.again import offer_to_vary
from acetate.ui.binding import named
from acetate.ui.history import SIZES, HistoryView
from acetate.ui.inputs import ComboBox, NarrowButton, Slider
from acetate.ui.once import once
from acetate.ui.rows import in_a_row
from acetate.ui.small_button import small_button

_EVERY, _THIS = range(2)  # what is listed
_PAGE = 200  # results that are listed at first, and more at each press
_WAYS = (
    (Apply.ABOVE, mark("Above the active layer")),
    (Apply.INSIDE, mark("Into the active group")),
    (Apply.REPLACE, mark("In place of the active layer")),
)


class ResultsPanel(QtWidgets.QWidget):
    """Hidden until there is something."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._most, self._listed, self._beyond = _PAGE, 0, 0  # how many are listed at most, are, and would be
        self.view = HistoryView(session)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._head())
        column.addWidget(self.view, 1)
        column.addWidget(self._bar())
        column.addWidget(self._limit_label())
        column.addWidget(self._older())
        self.view.chosen.connect(lambda: self._show_chosen())
        self.view.discarded.connect(lambda: self._do(self._session.filings.discard))
        session.history.added.connect(self._added)
        for signal in (session.history.removed, session.history.changed):
            signal.connect(lambda _: self._changed())
        self._head_row.hide()
        self._show_chosen()

    def refresh(self) -> None:
        """Another document is in front."""
        self._filter()

    def _head(self) -> QtWidgets.QWidget:
        self._of = named(ComboBox(), "acetate_results_of", tr("Whose results are listed."))
        self._of.addItem(tr("All pictures"), _EVERY)
        self._of.addItem(tr("This picture"), _THIS)
        self._of.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Fixed)
        self._of.currentIndexChanged.connect(lambda _: self._filter())
        self._stars = _toggle("★", tr("Only those with a star."), "acetate_results_starred", self._filter)
        look = _toggle("", tr("A click shows a result on the canvas instead of inserting it."), "acetate_results_look")
        look.setIcon(Krita.instance().icon("visible"))
        look.toggled.connect(self.view.look_first)
        size = named(Slider(QtCore.Qt.Orientation.Horizontal), "acetate_results_size", tr("How large they are."))
        size.setRange(*SIZES)
        size.setValue(self.view.iconSize().width())
        size.setMinimumWidth(30)
        size.valueChanged.connect(self.view.resize_thumbnails)
        self._head_row = in_a_row((self._of, 2), (self._stars, 0), (look, 0), (size, 1), spacing=2)
        return self._head_row

    def _bar(self) -> QtWidgets.QWidget:
        self._apply = named(NarrowButton(tr("Apply")), "acetate_result_apply", tr("Where the chosen result goes."))
        menu = QtWidgets.QMenu(self._apply)
        menu.setObjectName("acetate_result_apply_menu")
        for way, text in _WAYS:
            menu.addAction(tr(text), once(partial(self._insert, way)))
        self._apply.setMenu(menu)
        self._vary_tip = tr("Vary: another seed.")
        self._vary_button = _button("↻", self._vary_tip, "acetate_result_vary", self._vary)
        self._star = _toggle("★", tr("Keep it longest."), "acetate_result_star")
        self._star.clicked.connect(lambda is_on: self._do(lambda it: self._session.filings.star(it, is_wanted=is_on)))
        tip = tr("The canvas without it, or with it where it is not shown, as long as this is pressed.")
        compare = _button("◐", tip, "acetate_result_compare", lambda: None)
        compare.pressed.connect(lambda: self.view.compare(is_pressed=True))
        compare.released.connect(lambda: self.view.compare(is_pressed=False))
        self._beside = _button(
            "▦",
            tr("All that were made with it beside each other on the canvas: click one to choose it."),
            "acetate_result_beside",
            self.view.show_beside,
        )
        discard = _button("", tr("Discard it: it is listed no more."), "acetate_result_discard", once(self._discard))
        discard.setIcon(Krita.instance().icon("deletelayer"))
        parts = (
            (self._apply, 0),
            (self._vary_button, 0),
            (self._star, 0),
            (compare, 0),
            (self._beside, 0),
            (discard, 0),
        )
        self._bar_row = in_a_row(*parts, spacing=2)
        return self._bar_row

    def _older(self) -> QtWidgets.QWidget:
        tip = tr("List more of what was made before.")
        self._older_button = small_button(tr("Older results"), tip, "acetate_results_older", self._list_older)
        for value in (self._session.earlier.has_older, self._session.history.is_cut):
            value.bind(lambda _: self._show_older())
        return self._older_button

    def _limit_label(self) -> QtWidgets.QWidget:
        text = tr(
            "Only the newest {count} results are listed; older ones stay with the engine. Discard some to list more.",
            count=LIMIT,
        )
        self._limit = named(QtWidgets.QLabel(text), "acetate_results_limit")
        self._limit.setWordWrap(True)
        self._limit.setEnabled(False)  # greyed: a remark
        return self._limit

    def _show_older(self) -> None:
        history = self._session.history
        is_ended = history.is_cut.value and history.is_full
        has_more = self._session.earlier.has_older.value or history.is_cut.value
        self._limit.setVisible(is_ended and not self._beyond)
        self._older_button.setVisible(self._beyond > 0 or (has_more and not is_ended))

    def _list_older(self) -> None:
        """Of those that are known first; then the engine is asked for more."""
        self._most += _PAGE
        if self._beyond:
            self._filter()
        else:
            self._session.earlier.list_older()

    def _insert(self, way: Apply) -> None:
        self.view.hide_preview()  # the layer itself is seen there
        self._do(lambda entry: self._session.insert(entry.result, way))

    def _vary(self) -> None:
        once(lambda: self._do(lambda entry: self._session.vary(entry.result)))()

    def _discard(self) -> None:
        self._do(self._session.filings.discard)

    def _do(self, work: Callable[[HistoryEntry], None]) -> None:
        entry = self.view.entry
        if entry is not None:
            work(entry)

    def _added(self, row: int) -> None:
        self._head_row.show()
        self._most += row == 0  # a new one moves none out of the list
        self.view.list_only(self._takes, [row])
        self._show_older()

    def _show_chosen(self) -> None:
        entry = self.view.entry
        self._bar_row.setVisible(entry is not None)
        self._beside.setVisible(len(self.view.batch) > 1)
        self._star.setChecked(entry is not None and entry.is_starred)
        offer_to_vary(self._vary_button, self._vary_tip, entry.result.request if entry else None)

    def _changed(self) -> None:
        self._show_chosen()
        self._filter()

    def _filter(self) -> None:
        self._listed = self._beyond = 0
        self.view.list_only(self._takes, range(self.view.count()))
        self._show_older()

    def _takes(self, entry: HistoryEntry) -> bool:
        """Asked of one after the other, the newest first."""
        is_wanted = self._is_listed(entry)
        is_taken = is_wanted and self._listed < self._most
        self._listed += is_taken
        self._beyond += is_wanted and not is_taken
        return is_taken

    def _is_listed(self, entry: HistoryEntry) -> bool:
        if self._stars.isChecked() and not entry.is_starred:
            return False
        return self._of.currentData() == _EVERY or self._session.is_of_document(entry.result)


def _button(text: str, tip: str, name: str, work: Callable[[], None]) -> QtWidgets.QToolButton:
    button = small_button(text, tip, name, work)
    button.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
    return button


def _toggle(text: str, tip: str, name: str, work: Callable[[], None] = lambda: None) -> QtWidgets.QToolButton:
    button = _button(text, tip, name, work)
    button.setCheckable(True)
    return button
