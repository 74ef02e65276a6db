"""What of a docker does not fit: run inside Krita, on a docker of any width and language."""

from __future__ import annotations

MAKE = """
from acetate import language
from acetate.ui.dock import AcetateDock
language.use(speaks)
other = AcetateDock()
language.use('en')
other.setObjectName('acetate_fitting')
other.setFloating(True)
other.resize(width, height)
for name in ('acetate_more', 'acetate_hints', 'acetate_styles'):
    other.findChild(QtWidgets.QToolButton, name).click()
app.acetate_fitting = other  # or Python forgets it
other.show()
turn_the_event_loop(200)
other.resize(width, height)
turn_the_event_loop(200)
"""
"""A docker beside Krita's own, floating. `speaks`, `width`, `height`."""

CUT = """
other = app.acetate_fitting
def widest(item, texts):
    return max(item.fontMetrics().horizontalAdvance(text) for text in texts)
def room(item):
    if isinstance(item, QtWidgets.QAbstractSpinBox):
        ends = [item.prefix() + item.textFromValue(end) + item.suffix() for end in (item.minimum(), item.maximum())]
        return item.findChild(QtWidgets.QLineEdit).width() - 4, widest(item, [*ends, item.specialValueText()])
    if isinstance(item, QtWidgets.QComboBox):
        option, style = QtWidgets.QStyleOptionComboBox(), QtWidgets.QStyle
        item.initStyleOption(option)
        field = item.style().subControlRect(
            style.ComplexControl.CC_ComboBox, option, style.SubControl.SC_ComboBoxEditField, item
        )
        icon = 0 if item.itemIcon(0).isNull() else item.iconSize().width() + 4
        return field.width() - 4 - icon, widest(item, [item.itemText(index) for index in range(item.count())])
    return item.width(), item.sizeHint().width()
def is_cut(item):
    right = item.mapTo(other, QPoint(item.width(), 0)).x()
    there, wanted = room(item)
    return right > other.width() or there < wanted
kinds = (QtWidgets.QAbstractButton, QtWidgets.QLabel, QtWidgets.QAbstractSpinBox, QtWidgets.QComboBox)
of_painters = ('ElidedLabel', 'LayerPicker', 'NamePicker', 'ModelPicker', 'PresetChoice')  # names of any length
def is_hint_cut(edit):
    width = edit.viewport().width() - 2 * int(edit.document().documentMargin())
    flag = QtCore.Qt.TextFlag.TextWordWrap
    wanted = edit.fontMetrics().boundingRect(0, 0, width, 9999, flag, edit.placeholderText()).height()
    return not edit.toPlainText() and wanted > edit.viewport().height()
edits = [edit for edit in other.findChildren(QtWidgets.QPlainTextEdit) if edit.isVisible() and is_hint_cut(edit)]
shown = [item for item in other.findChildren(QWidget) if isinstance(item, kinds) and item.window() is other.window()]
shown = [item for item in shown if item.isVisible() and not getattr(item, 'wordWrap', bool)()]
shown = [item for item in shown if type(item).__name__ not in of_painters and not item.objectName().startswith('qt_')]
cut = [[item.objectName() or item.text(), *room(item)] for item in shown if is_cut(item)]
[other.width(), cut + [[edit.placeholderText(), edit.viewport().width(), edit.viewport().height()] for edit in edits]]
"""
"""Its width, and each text that is cut: what it is, the room, what it wants: of numbers and lists, the longest."""

LIST = """
box = app.acetate_fitting.findChild(QtWidgets.QComboBox, name)
box.showPopup()
turn_the_event_loop(100)
found = [box.view().viewport().width(), box.view().sizeHintForColumn(0)]
box.hidePopup()
found
"""
"""The width of an open list, and of its widest line. `name`: of its field."""

CHOSEN = """
box = app.acetate_fitting.findChild(QtWidgets.QComboBox, 'acetate_task')
def seen():
    return box.grab().toImage().copy(0, 0, end, box.height())
def icon(index):
    image = box.itemIcon(index).pixmap(box.iconSize()).toImage()
    return [image.pixelColor(x, y).alpha() for x in range(image.width()) for y in range(image.height())]
option, style = QtWidgets.QStyleOptionComboBox(), QtWidgets.QStyle
box.initStyleOption(option)
field = box.style().subControlRect(style.ComplexControl.CC_ComboBox, option, style.SubControl.SC_ComboBoxEditField, box)
words = box.fontMetrics().horizontalAdvance(box.currentText())
end = field.x() + box.iconSize().width() + words
narrow, size = seen(), box.size()
box.resize(2 * size.width(), size.height())
wide = seen()
box.resize(size)
drawn = icon(box.currentIndex())
described = [box.toolTip(), box.itemData(box.currentIndex(), QtCore.Qt.ItemDataRole.ToolTipRole)]
[box.currentText(), narrow == wide, any(drawn), drawn, described, box.accessibleDescription()]
"""
"""Of the closed box of tasks: its words, whether they are drawn as where there is all the room, whether there is an
icon, its pixels' opacity, what pointers are told, and what a screen reader is."""

LIVE = """
from acetate import language
live = app.acetate_fitting.session.live
language.use(speaks)
live.is_on.value = is_on
live.state.value = state
turn_the_event_loop(60)
language.use('en')
label = app.acetate_fitting.findChild(QtWidgets.QLabel, 'acetate_live_state')
row = label.parentWidget()
metrics, there = label.fontMetrics(), label.contentsRect()
wrapped = metrics.boundingRect(QtCore.QRect(0, 0, there.width(), 9999), int(Qt.TextFlag.TextWordWrap), label.text())
apart = [box for box in row.findChildren(QtWidgets.QAbstractButton) if box.isVisible()]
is_covered = any(box.geometry().intersects(label.geometry()) for box in apart)
is_whole = wrapped.width() <= there.width() and wrapped.height() <= there.height()
[app.acetate_fitting.width(), label.text(), is_whole, is_covered, row.height()]
"""
"""Of what Live says: the docker's width, the words, whether all is read, whether a button lies over it, and how tall
the row is. `speaks`, `is_on`, `state`.
"""

CLOSE = """
app.acetate_fitting.close()
app.acetate_fitting.deleteLater()
del app.acetate_fitting
"""

ASK = """
from acetate.protocol.requests import Task
app.acetate_fitting.session.settings.task.value = Task(task)
turn_the_event_loop(60)
"""
