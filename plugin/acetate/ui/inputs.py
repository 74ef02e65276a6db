"""Qt's inputs as a painter expects them beside a canvas: who scrolls past them changes nothing, and a click on a button
does not take the keyboard from the canvas.
"""

from __future__ import annotations

from acetate.qt import QtCore, QtGui, QtWidgets

_MARGIN = 4  # pixels within a combo box
_GAP = 4  # pixels between the icon of a combo box and its words, as Qt's styles have it
_SHRINKS = QtWidgets.QSizePolicy(QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Fixed)
_LEAST = 44  # pixels of a number: what is longer is scrolled, and the docker stays narrow
_SIDE = 9  # pixels beside the words of a narrow button


class _Unturned:
    """The wheel goes on to what scrolls, whatever has the keyboard."""

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:
        event.ignore()


class ComboBox(_Unturned, QtWidgets.QComboBox):
    """What does not fit ends with an ellipsis; in the open list all can be read."""

    def showPopup(self) -> None:
        view = self.view()
        bar = view.verticalScrollBar().sizeHint().width() if self.count() > self.maxVisibleItems() else 0
        view.setMinimumWidth(view.sizeHintForColumn(0) + bar + 2 * view.frameWidth())
        super().showPopup()

    def keep_narrow(self, letters: int = 6) -> None:
        """It takes what room there is, and needs that of so many: a long name must not widen the docker."""
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(letters)

    def shown(self) -> str:
        return self.currentText()

    @property
    def readable(self) -> int:
        """Pixels, width: room for the longest text of the list."""
        option = QtWidgets.QStyleOptionComboBox()
        self.initStyleOption(option)
        texts = (self.itemText(index) for index in range(self.count()))
        longest = max((self.fontMetrics().horizontalAdvance(text) for text in texts), default=0)
        content = QtCore.QSize(longest + 2 * _MARGIN, self.fontMetrics().height())
        kind = QtWidgets.QStyle.ContentsType.CT_ComboBox
        return self.style().sizeFromContents(kind, option, content, self).width()

    def _beside(self, option: QtWidgets.QStyleOptionComboBox) -> int:
        """Pixels of the field that the icon of what is chosen takes."""
        return 0 if option.currentIcon.isNull() else option.iconSize.width() + _GAP

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionComboBox()
        self.initStyleOption(option)
        style = QtWidgets.QStyle
        room = self.style().subControlRect(
            style.ComplexControl.CC_ComboBox, option, style.SubControl.SC_ComboBoxEditField, self
        )
        option.currentText = self.fontMetrics().elidedText(
            self.shown(), QtCore.Qt.TextElideMode.ElideRight, room.width() - _MARGIN - self._beside(option)
        )
        painter.drawComplexControl(style.ComplexControl.CC_ComboBox, option)
        painter.drawControl(style.ControlElement.CE_ComboBoxLabel, option)
        painter.end()


class _Narrow(_Unturned):
    """As narrow as a few digits where there is no room for more: the docker must not be wider for a large number."""

    def minimumSizeHint(self) -> QtCore.QSize:
        return QtCore.QSize(_LEAST, self.sizeHint().height())  # type: ignore[attr-defined]  # of the widget behind it


class SpinBox(_Narrow, QtWidgets.QSpinBox):
    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(_SHRINKS)


class DoubleSpinBox(_Narrow, QtWidgets.QDoubleSpinBox):
    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(_SHRINKS)


class Slider(_Unturned, QtWidgets.QSlider):
    pass


class Dial(_Unturned, QtWidgets.QDial):
    pass


class PushButton(QtWidgets.QPushButton):
    """Reached with Tab; a click leaves the keyboard where it is."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
        self.setAutoDefault(False)  # in a window Return would press it


class NarrowButton(PushButton):
    """No wider than its words: the main button beside it gets the room."""

    def sizeHint(self) -> QtCore.QSize:
        hint = super().sizeHint()
        words = self.text().replace("&", "")  # it marks a letter
        return QtCore.QSize(self.fontMetrics().horizontalAdvance(words) + 2 * _SIDE, hint.height())

    def minimumSizeHint(self) -> QtCore.QSize:
        return self.sizeHint()


class CheckBox(QtWidgets.QCheckBox):
    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
