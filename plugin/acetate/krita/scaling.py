"""Pictures made larger or smaller, smoothly, with the colours of what is transparent left out of account."""

from __future__ import annotations

from acetate.picture import Picture, row_strips
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelFormat
from acetate.qt import QtCore, QtGui

_Format = QtGui.QImage.Format
_STRAIGHT = {
    PixelFormat.RGBA8: _Format.Format_RGBA8888,
    PixelFormat.RGBA16: _Format.Format_RGBA64,
    PixelFormat.A8: _Format.Format_Grayscale8,
}
_PREMULTIPLIED = {
    PixelFormat.RGBA8: _Format.Format_RGBA8888_Premultiplied,
    PixelFormat.RGBA16: _Format.Format_RGBA64_Premultiplied,
    PixelFormat.A8: _Format.Format_Grayscale8,
}


def scaled(picture: Picture, extent: Extent) -> Picture:
    """Any thread."""
    pixel, data = picture.format.bytes_per_pixel, b"".join(picture.strips)
    width, height = picture.extent.width, picture.extent.height
    image = QtGui.QImage(data, width, height, width * pixel, _STRAIGHT[picture.format])
    larger = image.convertToFormat(_PREMULTIPLIED[picture.format]).scaled(
        extent.width,
        extent.height,
        QtCore.Qt.AspectRatioMode.IgnoreAspectRatio,
        QtCore.Qt.TransformationMode.SmoothTransformation,
    )
    straight = larger.convertToFormat(_STRAIGHT[picture.format])
    found, step = straight.constBits().asstring(straight.sizeInBytes()), straight.bytesPerLine()
    row = extent.width * pixel
    strips = (
        b"".join(found[y * step : y * step + row] for y in range(strip.y, strip.bottom))
        for strip in row_strips(Bounds.of(extent), pixel)
    )
    return Picture(extent, picture.format, tuple(strips))
