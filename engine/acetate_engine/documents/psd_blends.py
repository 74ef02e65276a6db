"""Photoshop's blend modes as the tree names them."""

from __future__ import annotations

from psd_tools.constants import BlendMode

from acetate_engine.documents.tree import Blend

BLENDS = {
    BlendMode.PASS_THROUGH: Blend.PASS_THROUGH,
    BlendMode.NORMAL: Blend.NORMAL,
    BlendMode.DARKEN: Blend.DARKEN,
    BlendMode.MULTIPLY: Blend.MULTIPLY,
    BlendMode.COLOR_BURN: Blend.COLOR_BURN,
    BlendMode.LINEAR_BURN: Blend.LINEAR_BURN,
    BlendMode.LIGHTEN: Blend.LIGHTEN,
    BlendMode.SCREEN: Blend.SCREEN,
    BlendMode.COLOR_DODGE: Blend.COLOR_DODGE,
    BlendMode.LINEAR_DODGE: Blend.ADD,
    BlendMode.OVERLAY: Blend.OVERLAY,
    BlendMode.SOFT_LIGHT: Blend.SOFT_LIGHT,
    BlendMode.HARD_LIGHT: Blend.HARD_LIGHT,
    BlendMode.VIVID_LIGHT: Blend.VIVID_LIGHT,
    BlendMode.LINEAR_LIGHT: Blend.LINEAR_LIGHT,
    BlendMode.PIN_LIGHT: Blend.PIN_LIGHT,
    BlendMode.HARD_MIX: Blend.HARD_MIX,
    BlendMode.DIFFERENCE: Blend.DIFFERENCE,
    BlendMode.EXCLUSION: Blend.EXCLUSION,
    BlendMode.SUBTRACT: Blend.SUBTRACT,
    BlendMode.DIVIDE: Blend.DIVIDE,
    BlendMode.DARKER_COLOR: Blend.DARKER_COLOR,
    BlendMode.LIGHTER_COLOR: Blend.LIGHTER_COLOR,
    BlendMode.HUE: Blend.HUE,
    BlendMode.SATURATION: Blend.SATURATION,
    BlendMode.COLOR: Blend.COLOR,
    BlendMode.LUMINOSITY: Blend.LUMINOSITY,
}
