"""Colours to ask for, so that those wanted are shown: for profiles whose two directions do not fit each other.

The tables of a CMYK profile are made for looking well, not for coming back: sRGB → CMYK → sRGB is 2.8 ΔE00 off on
average, and up to 8 (Krita's “Chemical proof”). Asking for as much more as was missing, a few times over, leaves 0.10;
99 % are within 0.69, and none of 4096 is beyond 1. Krita 5.3 and 6, as Debian has them, are 3.4 off on average, and up
to 10.8 (F32 12.6); there it leaves 0.10, at most 1.2 (F32 0.11, at most 3.4), most in the darkest colours, which can be
asked for no further. 8 bits a channel cost next to nothing.

Mixes of inks that the profile never makes of sRGB no asking reaches: of all mixes a sixth is more than 1 off, and none
more than 10. Asking in a wider space than sRGB does not help.
"""

from __future__ import annotations

from collections.abc import Callable

from acetate.protocol.geometry import Extent
from acetate.qt import QtGui

# By how much the ask is changed for what is missing. Large and small in turns, as Chebyshev's: some colours answer with
# half of what is asked for, some with twice as much. Small at the beginning, lest one is driven to the edge and stays
# there, and at the end, where what swings has to come to rest.
_SHARES = (0.5, 0.5, 1.8, 0.52, 1.8, 0.6, 0.9, 0.5)
_Mode = QtGui.QPainter.CompositionMode


def corrected(wanted: bytes, extent: Extent, show: Callable[[bytes], bytes]) -> bytes:
    """What to ask for.

    Args:
        wanted: four uint16 a pixel in any order, alpha last, full.
        show: what becomes of such pixels.
    """
    goal = _image(wanted, extent)
    ask = goal.copy()
    for share in _SHARES:
        shown = _image(show(_bytes(ask)), extent)
        _add(ask, _minus(goal, shown), share)
        ask.invertPixels()
        _add(ask, _minus(shown, goal), share)
        ask.invertPixels()
    return _bytes(ask)


def _minus(first: QtGui.QImage, second: QtGui.QImage) -> QtGui.QImage:
    """The difference; 0 where it is negative."""
    difference = first.copy()
    difference.invertPixels()
    _add(difference, second, 1.0)  # saturates
    difference.invertPixels()
    return difference


def _add(target: QtGui.QImage, more: QtGui.QImage, share: float) -> None:
    """`more`, `share` times; saturates."""
    painter = QtGui.QPainter(target)
    painter.setCompositionMode(_Mode.CompositionMode_Plus)
    while share > 0:
        painter.setOpacity(min(share, 1.0))
        painter.drawImage(0, 0, more)
        share -= 1.0
    painter.end()


def _image(pixels: bytes, extent: Extent) -> QtGui.QImage:
    width, height = extent.width, extent.height
    return QtGui.QImage(pixels, width, height, width * 8, QtGui.QImage.Format.Format_RGBX64).copy()


def _bytes(image: QtGui.QImage) -> bytes:
    """Eight bytes a pixel leave no padding behind a row."""
    return image.constBits().asstring(image.sizeInBytes())
