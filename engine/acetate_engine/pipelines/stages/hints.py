"""Hints as the nets were trained on them: lines in white on black, whatever a painter draws them with."""

from __future__ import annotations

from torch import Tensor

from acetate.protocol.requests import ControlKind

_DRAWN = (ControlKind.LINES, ControlKind.EDGES, ControlKind.SCRIBBLE)
_LUMINANCE = (0.299, 0.587, 0.114)  # of sRGB-encoded values, ITU-R BT.601
_BRIGHT = 0.5
_COVERED = 0.98  # of a picture that shows nothing of what lies below
_DRAWN_ON = 0.002  # of a sheet: less is dust


def as_hint(rgba: Tensor, kind: ControlKind) -> Tensor:
    """(1, 4, H, W), 0..1, sRGB, straight alpha → (1, 3, H, W), 0..1.

    Drawn hints (lines, edges, scribbles) come out white on black, whether they are black on white, white on black, or
    of any one tone on transparency; a drawing on dark paper, and every other kind, is taken over black as it is.
    """
    colour, alpha = rgba[:, :3], rgba[:, 3:]
    if kind not in _DRAWN or not bool((alpha > 0).any()):
        return colour * alpha
    weights = colour.new_tensor(_LUMINANCE).reshape(1, 3, 1, 1)
    grey = (colour * weights).sum(1, keepdim=True)
    if not _is_bright_paper(grey, alpha):
        return colour * alpha
    return ((1 - grey) * alpha).expand(-1, 3, -1, -1)  # over white, and that inverted


def _is_bright_paper(grey: Tensor, alpha: Tensor) -> bool:
    """What the drawing lies on: most of a sheet; where that is transparency, the contrary of the ink."""
    ink = alpha > _BRIGHT
    if not bool(ink.any()):
        return bool((grey * alpha).sum() / alpha.sum() <= _BRIGHT)
    tones = grey[ink]
    typical = tones.median()
    return bool(typical > _BRIGHT) == _is_sheet(ink, (tones - typical).abs() > _BRIGHT)


def _is_sheet(ink: Tensor, contrary: Tensor) -> bool:
    """Whether what is there is paper with a drawing on it: it covers all, or is dense and of two tones.

    A thick scribble may cover most of a picture, but in one tone.
    """
    if bool(ink.float().mean() > _COVERED):
        return True
    rows, columns = (ink[0, 0].any(dim).nonzero() for dim in (1, 0))
    box = ink[..., rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return bool(box.float().mean() > _BRIGHT) and bool(contrary.float().mean() > _DRAWN_ON)
