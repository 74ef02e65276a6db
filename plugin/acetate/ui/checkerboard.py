"""What painters know transparency by."""

from __future__ import annotations

from acetate.picture import Picture
from acetate.qt import QBrush, QColor, QImage, QPainter, QPixmap, QRect, QSize, Qt

CELL = 6  # pixels
_LIGHT, _DARK = QColor(118, 118, 118), QColor(92, 92, 92)


def paint_checkerboard(painter: QPainter, area: QRect) -> None:
    painter.fillRect(area, _LIGHT)
    painter.setBrushOrigin(area.topLeft())
    painter.fillRect(area, QBrush(_tile()))


def on_checkerboard(image: QImage, size: QSize) -> QPixmap:
    """`image` as large as fits into `size`, centred on a checkerboard of its own size."""
    scaled = image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    pixmap = QPixmap(size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    area = QRect(
        (size.width() - scaled.width()) // 2, (size.height() - scaled.height()) // 2, scaled.width(), scaled.height()
    )
    paint_checkerboard(painter, area)
    painter.drawImage(area.topLeft(), scaled)
    painter.end()
    return pixmap


def to_image(picture: Picture) -> QImage:
    """An RGBA8 picture as Qt's."""
    width, height = picture.extent.width, picture.extent.height
    return QImage(b"".join(picture.strips), width, height, width * 4, QImage.Format.Format_RGBA8888).copy()


def _tile() -> QPixmap:
    tile = QPixmap(2 * CELL, 2 * CELL)
    tile.fill(_LIGHT)
    painter = QPainter(tile)
    painter.fillRect(0, 0, CELL, CELL, _DARK)
    painter.fillRect(CELL, CELL, CELL, CELL, _DARK)
    painter.end()
    return tile
