"""PSD and PSB → LayeredDocument. Pixels stay in the file until a region is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from psd_tools.constants import ColorMode, Resource

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Extent
from acetate_engine.documents.broken import broken_file
from acetate_engine.documents.colour import NO_PROFILE, ColourSpace, usable_profile
from acetate_engine.documents.psd_drawing import Drawing
from acetate_engine.documents.psd_file import PsdFile, open_psd
from acetate_engine.documents.psd_layers import tree
from acetate_engine.documents.psd_pixels import MergedPixels, PalettePixels
from acetate_engine.documents.psd_working import WorkingSpace
from acetate_engine.documents.tree import LayeredDocument, PixelLayer, PixelSource

MODES = {ColorMode.RGB: "RGB", ColorMode.GRAYSCALE: "GRAY", ColorMode.CMYK: "CMYK", ColorMode.LAB: "LAB"}
_COLOURS = {ColorMode.INDEXED: "indexed", ColorMode.BITMAP: "bitmap", ColorMode.DUOTONE: "duotone",
            ColorMode.MULTICHANNEL: "multichannel", ColorMode.LAB: "Lab"}  # fmt: skip
_REMARKS = {
    ColorMode.DUOTONE: "its inks are shown as grey",
    ColorMode.MULTICHANNEL: "its channels are shown as the inks cyan, magenta, yellow and black",
}


def read_psd(path: Path) -> LayeredDocument:
    """Raises FileError where the file is broken."""
    file = open_psd(path)
    with broken_file(path.name):
        return document_of(file)


def document_of(file: PsdFile, space: ColourSpace | None = None) -> LayeredDocument:
    """`space`: what is known of its colours already, where its merged picture does not stand there yet."""
    mode = ColorMode(file.header.color_mode)
    is_known = space is not None
    space = space or colour_space(file)
    merged = _merged(file, space)
    layered = bool(file.section.records) and mode in MODES
    if isinstance(merged, MergedPixels) and layered and not is_known and _shows_its_working_space(file, space):
        space = replace(space, working=WorkingSpace(file, space, merged))
    layers = tree(file.section.records, space, Drawing(file, space)) if layered else ()
    return LayeredDocument(
        Extent(file.header.width, file.header.height),
        layers or (PixelLayer("Background", source=merged),),
        8 if file.header.depth == 1 else file.header.depth,
        _COLOURS.get(mode, space.model),
        merged,
        file.path,
        file.merged_is_current or not layered,
        _remarks(file, space),
        space=space,
        merged_is_own=file.merged_is_own or not layered,
    )


def colour_space(file: PsdFile) -> ColourSpace:
    """What its channels mean. Raises FileError where that is not known."""
    mode, depth, channels = file.header.color_mode, file.header.depth, file.header.channels
    if depth not in (1, 8, 16, 32) or (depth == 1) != (mode == ColorMode.BITMAP):
        raise FileError(f"{file.path.name} has {depth} bit a channel", "Convert it to 8 or 16 bit.")
    if mode in MODES:
        space = ColourSpace(MODES[mode], usable_profile(file.profile, MODES[mode]), linear=depth == 32)
    elif mode == ColorMode.INDEXED:
        space = ColourSpace("RGB", usable_profile(file.profile, "RGB"))
    elif mode == ColorMode.MULTICHANNEL and channels >= 3:
        space = ColourSpace("CMYK" if channels >= 4 else "RGB")  # three inks, as much of them as is missing
    elif mode in (ColorMode.BITMAP, ColorMode.DUOTONE, ColorMode.MULTICHANNEL):
        space = ColourSpace("GRAY")
    else:
        raise FileError(f"{file.path.name} has the unknown colour mode {int(mode)}", "Convert it to RGB.")
    if channels < (1 if mode == ColorMode.INDEXED else space.planes):
        raise FileError(f"{file.path.name} has {channels} channels, too few for {space.model}", "Save it again.")
    return space


def _shows_its_working_space(file: PsdFile, space: ColourSpace) -> bool:
    """Whether nothing but its own merged picture tells of it."""
    untagged = space.model == "RGB" and space.profile is None and not space.linear
    return untagged and file.merged_is_current and file.merged_is_own and not file.is_kritas


def _remarks(file: PsdFile, space: ColourSpace) -> tuple[str, ...]:
    mode = ColorMode(file.header.color_mode)
    is_lost = file.profile is not None and space.profile is None and (mode in MODES or mode == ColorMode.INDEXED)
    return (*([NO_PROFILE] if is_lost else []), *([_REMARKS[mode]] if mode in _REMARKS else []))


def _merged(file: PsdFile, space: ColourSpace) -> PixelSource:
    if file.header.color_mode == ColorMode.INDEXED:
        return PalettePixels(file, file.resources.get_data(Resource.TRANSPARENCY_INDEX), space)
    has_alpha = file.section.count < 0 and file.header.channels > space.planes
    return MergedPixels(file, space, has_alpha)
