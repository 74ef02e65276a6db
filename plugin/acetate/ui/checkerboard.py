"""What painters know transparency by."""

from __future__ import annotations

from acetate.picture import Picture
from acetate.qt import QtCore, QtGui

CELL = 6  # pixels
_LIGHT, _DARK = QtGui.QColor(118, 118, 118), QtGui.QColor(92, 92, 92)


def paint_checkerboard(painter: QtGui.QPainter, area: QtCore.QRect) -> None:
    painter.fillRect(area, _LIGHT)
    painter.setBrushOrigin(area.topLeft())
    painter.fillRect(area, QtGui.QBrush(_tile()))


def on_checkerboard(image: QtGui.QImage, size: QtCore.QSize) -> QtGui.QPixmap:
    """`image` as large as fits into `size`, centred on a checkerboard of its own size."""
    scaled = image.scaled(
        size, QtCore.Qt.AspectRatioMode.KeepAspectRatio, QtCore.Qt.TransformationMode.SmoothTransformation
    )
    pixmap = QtGui.QPixmap(size)
    pixmap.fill(QtCore.Qt.GlobalColor.transparent)
    painter = QtGui.QPainter(pixmap)
    area = QtCore.QRect(
        (size.width() - scaled.width()) // 2, (size.height() - scaled.height()) // 2, scaled.width(), scaled.height()
    )
    paint_checkerboard(painter, area)
    painter.drawImage(area.topLeft(), scaled)
    painter.end()
    return pixmap


def to_image(picture: Picture) -> QtGui.QImage:
    """An RGBA8 picture in the format that Qt draws fastest. Any thread; of a large one, best not on the GUI thread."""
    data, formats = b"".join(picture.strips), QtGui.QImage.Format
    width, height = picture.extent.width, picture.extent.height
    straight = QtGui.QImage(data, width, height, width * 4, formats.Format_RGBA8888)  # goes with `data`
    return straight.convertToFormat(formats.Format_ARGB32_Premultiplied)


def _tile() -> QtGui.QPixmap:
    tile = QtGui.QPixmap(2 * CELL, 2 * CELL)
    tile.fill(_LIGHT)
    painter = QtGui.QPainter(tile)
    painter.fillRect(0, 0, CELL, CELL, _DARK)
    painter.fillRect(CELL, CELL, CELL, CELL, _DARK)
    painter.end()
    return tile
