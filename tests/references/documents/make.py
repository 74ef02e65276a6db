"""Makes the documents of this folder, and values.json: python -m tests.references.documents.make

Each is a row of pixels over a row of pixels; what Photoshop, Krita or a viewer makes of it stands beside it in plain
numbers, with where that is known from. Nothing of Acetate decides a number here.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms
from psd_tools.constants import ColorMode, Compression, Resource, Tag
from psd_tools.psd.adjustments import (
    BrightnessContrast,
    ColorBalance,
    ColorStop,
    Curves,
    CurvesExtraItem,
    CurvesExtraMarker,
    GradientMap,
    LevelRecord,
    Levels,
    PhotoFilter,
    SelectiveColor,
    TransparencyStop,
)
from psd_tools.psd.base import EmptyElement
from psd_tools.psd.descriptor import Bool, Descriptor, DescriptorBlock, Double, Enumerated, Integer, List
from psd_tools.psd.document import PSD
from psd_tools.psd.header import FileHeader
from psd_tools.psd.image_data import ImageData
from psd_tools.psd.image_resources import ImageResource, ImageResources, VersionInfo
from psd_tools.psd.layer_and_mask import (
    ChannelImageData,
    GlobalLayerMaskInfo,
    LayerAndMaskInformation,
    LayerBlendingRanges,
    LayerInfo,
    LayerRecord,
    LayerRecords,
    MaskParameters,
)
from psd_tools.psd.tagged_blocks import TaggedBlock, TaggedBlocks

from acetate.protocol.geometry import Bounds
from acetate_engine.documents.colour import ColourSpace
from acetate_engine.documents.psd_records import Target, entries
from acetate_engine.documents.tree import Blend, Clip, Group, Layer, LayerMask, Memory, PixelLayer

HERE = Path(__file__).parent
ROOM = (
    b"<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>" + b" " * 2048 + b"<?xpacket end='w'?>"
)  # as Photoshop leaves it
EDGES = "the soft edges of its text, without a colour profile"
Change = Callable[[LayerRecord], None]
values: dict[str, dict[str, Any]] = {}


def told(name: str, source: str, pixels: list[list[int]], notes: list[str] | None = None, tolerance: int = 1) -> None:
    """`pixels`: the first row, sRGB and alpha, of the layers without the merged picture."""
    values[name] = {"source": source, "pixels": pixels, "notes": notes or [], "tolerance": tolerance}


def row(pixels: list[tuple[float, ...]], space: ColourSpace, kind: type = np.uint8) -> Memory:
    return Memory.at(0, 0, np.array([pixels], kind), space)


def rgba(*pixels: tuple[int, int, int, int]) -> Memory:
    return row(list(pixels), ColourSpace("RGB"))


def psd(
    name: str,
    layers: list[Layer],
    changes: dict[str, Change] | None = None,
    *,
    mode: ColorMode = ColorMode.RGB,
    depth: int = 8,
    width: int = 1,
    merged: list[list[int]] | None = None,
) -> None:
    """Signed as Photoshop signs, with a merged picture that says it is not current, or with the RGB of `merged`."""
    model = {ColorMode.RGB: "RGB", ColorMode.GRAYSCALE: "GRAY", ColorMode.CMYK: "CMYK"}[mode]
    target = Target(ColourSpace(model, linear=depth == 32), depth, 1)
    written = entries(layers, target, Bounds(0, 0, width, 1), count(1))
    for record, _ in written:
        change = (changes or {}).get(str(record.tagged_blocks.get_data(Tag.UNICODE_LAYER_NAME, "")).rstrip("\0"))
        if change is not None:
            change(record)
    planes = target.space.planes
    header = FileHeader(version=1, channels=planes, width=width, height=1, depth=depth, color_mode=mode)
    image = ImageData(Compression.RAW)
    image.set_data(
        [bytes(one) for one in zip(*merged, strict=True)] if merged else [bytes(width * depth // 8)] * planes, header
    )
    info = LayerInfo(len(written), LayerRecords([one for one, _ in written]), ChannelImageData([d for _, d in written]))
    signed = VersionInfo(1, merged is not None, "Adobe Photoshop", "Adobe Photoshop 2023", 1)
    found = {Resource.VERSION_INFO: signed.tobytes(), **({Resource.XMP_METADATA: ROOM} if merged else {})}
    resources = ImageResources([(key, ImageResource(key=key, data=data)) for key, data in found.items()])
    section = LayerAndMaskInformation(info, GlobalLayerMaskInfo(), TaggedBlocks())
    document = PSD(header=header, image_resources=resources, layer_and_mask_information=section, image_data=image)
    with (HERE / f"{name}.psd").open("wb") as file:
        document.write(file)


def grey(*values: int) -> Memory:
    return rgba(*((value, value, value, 255) for value in values))


def pair(name: str, blend: Blend, below: list[int], above: list[int], fill: int = 255) -> None:
    layers: list[Layer] = [
        PixelLayer("below", source=grey(*below)),
        PixelLayer("above", blend=blend, source=grey(*above)),
    ]
    change: Change = lambda record: record.tagged_blocks.set_data(Tag.BLEND_FILL_OPACITY, fill)  # noqa: E731
    psd(name, layers, {"above": change}, width=len(below))


def blending() -> None:
    modes = "psd-tools' blend-modes/rgb-blend-modes.psd, saved by Photoshop"
    pair("hard-mix", Blend.HARD_MIX, [255, 0, 200, 100], [0, 255, 100, 100])
    told("hard-mix.psd", modes, [[255] * 4, [0, 0, 0, 255], [255] * 4, [0, 0, 0, 255]])
    pair("vivid-light", Blend.VIVID_LIGHT, [0, 255, 128], [255, 0, 128])
    told("vivid-light.psd", modes, [[255] * 4, [0, 0, 0, 255], [129, 129, 129, 255]], tolerance=2)
    pair("soft-light", Blend.SOFT_LIGHT, [4, 128], [255, 0])
    told("soft-light.psd", modes + "; the W3C's curve", [[15, 15, 15, 255], [64, 64, 64, 255]])
    layers: list[Layer] = [
        PixelLayer("below", source=rgba((200, 100, 50, 255))),
        PixelLayer("above", blend=Blend.LUMINOSITY, source=rgba((0, 0, 255, 255))),
    ]
    psd("luminosity", layers)
    told(
        "luminosity.psd",
        "W3C Compositing, 10.2: Lum(0, 0, 255) = 28 on (200, 100, 50)",
        [[56, 19, 0, 255]],
        tolerance=2,
    )
    pair("fill-linear-burn", Blend.LINEAR_BURN, [200], [100], 128)
    told("fill-linear-burn.psd", "b + f(s - 1): 200 - .502 × 155", [[122, 122, 122, 255]])
    pair("fill-difference", Blend.DIFFERENCE, [200], [100], 128)
    told("fill-difference.psd", "|b - f s|: 200 - .502 × 100", [[150, 150, 150, 255]])
    pair("fill-normal", Blend.NORMAL, [200], [100], 128)
    told("fill-normal.psd", "as opacity: .498 × 200 + .502 × 100", [[150, 150, 150, 255]])


def text() -> None:
    layers: list[Layer] = [
        PixelLayer("paper", source=grey(255, 255)),
        PixelLayer("text", source=rgba((0, 0, 0, 51), (0, 0, 0, 187))),
    ]
    block = TaggedBlock(key=Tag.TYPE_TOOL_INFO, data=bytes(4))
    change: Change = lambda record: record.tagged_blocks.__setitem__(Tag.TYPE_TOOL_INFO, block)  # noqa: E731
    psd("text", layers, {"text": change}, width=2)
    told("text.psd", "ag-psd's text-layer/src.psd, saved by Photoshop CS6: alpha 51 and 187 of black on white",
         [[221, 221, 221, 255], [107, 107, 107, 255]], [f"text: {EDGES}"])  # fmt: skip
    for name, merged in (
        ("text-adobe-rgb", [[232, 235, 16], [43, 106, 58]]),
        ("text-srgb", [[233, 236, 9], [38, 107, 59]]),
    ):
        layers = [
            PixelLayer("below", source=rgba((252, 255, 0, 255), (0, 92, 31, 255))),
            PixelLayer("text", source=rgba((63, 62, 62, 34), (255, 255, 255, 17))),
        ]
        psd(name, layers, {"text": change}, width=2, merged=merged)
    adobe = "Aspose's sample_konstanting.psd and PsdConvertToExample.psd, untagged, saved by Photoshop"
    told("text-adobe-rgb.psd", adobe, [[232, 235, 16, 255], [43, 106, 58, 255]])
    told(
        "text-srgb.psd",
        "((1 - a) b^p + a s^p)^(1/p) of sRGB's light, p = 1/1.45",
        [[233, 236, 9, 255], [38, 107, 59, 255]],
    )


def groups() -> None:
    clipped: list[Layer] = [
        PixelLayer("below", source=rgba((255, 255, 255, 255))),
        Group("through", blend=Blend.PASS_THROUGH, layers=(PixelLayer("half", source=rgba((255, 0, 0, 128))),)),
        PixelLayer("clipped", clip=Clip.BASE, source=rgba((0, 255, 0, 255))),
    ]
    psd("clipped-to-pass-through", clipped)
    told("clipped-to-pass-through.psd", "psd-tools' clipping-mask5.psd: the group's share takes the clipped colour",
         [[127, 255, 127, 255]])  # fmt: skip
    knocked: list[Layer] = [
        PixelLayer("ground", source=rgba((10, 20, 30, 255))),
        PixelLayer("over", source=rgba((200, 200, 200, 255))),
        PixelLayer("hole", source=rgba((0, 0, 0, 255))),
    ]

    def deep(record: LayerRecord) -> None:
        record.tagged_blocks.set_data(Tag.KNOCKOUT_SETTING, 2)
        record.tagged_blocks.set_data(Tag.BLEND_FILL_OPACITY, 0)

    psd("knockout", knocked, {"hole": deep})
    told("knockout.psd", "psd-tools' transparency/knockout-isolated-groups.psd: without a background, down to nothing",
         [[0, 0, 0, 0]])  # fmt: skip


def conditional() -> None:
    """Behind the ranges of three colours come those of alpha; (0, 65535) says nothing."""
    layers: list[Layer] = [PixelLayer("below", source=grey(0, 200)), PixelLayer("above", source=grey(100, 100))]
    every = (0, 65535)

    def of_alpha(record: LayerRecord) -> None:
        record.blending_ranges = LayerBlendingRanges([every, every], [[every, every]] * 3 + [[(0, 0), every]])

    psd("blend-if-alpha", layers, {"above": of_alpha}, width=2)
    told("blend-if-alpha.psd", "Photoshop's Layer Style has no range of alpha", [[100, 100, 100, 255]] * 2)

    def of_below(record: LayerRecord) -> None:
        record.blending_ranges = LayerBlendingRanges([every, (0x0000, 0x8080)], [[every, every]] * 4)

    psd("blend-if", layers, {"above": of_below}, width=2)
    told("blend-if.psd", "Adobe's Photoshop help, Layer Style: it hides where what lies below is lighter than 128",
         [[100, 100, 100, 255], [200, 200, 200, 255]], ["above: Advanced Blending: Blend If"])  # fmt: skip

    def of_red(record: LayerRecord) -> None:
        split = (0x3264, 0xFFFF)  # from 50 to 100 it comes in
        record.blending_ranges = LayerBlendingRanges([every, every], [[split, every]] + [[every, every]] * 3)

    reds = rgba((49, 0, 0, 255), (100, 0, 0, 255), (255, 255, 255, 255))
    ground = PixelLayer("below", source=grey(0, 0, 0))
    psd("blend-if-split", [ground, PixelLayer("above", source=reds)], {"above": of_red}, width=3)
    told("blend-if-split.psd", "Adobe's Photoshop help, Layer Style: by the red of the layer, partly in between",
         [[0, 0, 0, 255], [100, 0, 0, 255], [255] * 4], ["above: Advanced Blending: Blend If"])  # fmt: skip

    def of_grey(record: LayerRecord) -> None:
        record.blending_ranges = LayerBlendingRanges([(0x8080, 0xFFFF), every], [[every, every]] * 4)

    # a luma of 127.6 and of 127.4: the sliders know whole levels
    lumas = rgba((128, 128, 124, 255), (128, 127, 127, 255))
    psd("blend-if-grey", [PixelLayer("below", source=grey(0, 0)), PixelLayer("above", source=lumas)],
        {"above": of_grey}, width=2)  # fmt: skip
    told("blend-if-grey.psd", "Adobe's Photoshop help, Layer Style: hidden where the layer is darker than 128",
         [[128, 128, 124, 255], [0, 0, 0, 255]], ["above: Advanced Blending: Blend If"])  # fmt: skip


def masked() -> None:
    mask = LayerMask(Memory.at(0, 0, np.array([[0]], np.uint8)), 255)
    layers: list[Layer] = [
        PixelLayer("below", source=grey(0)),
        PixelLayer("above", source=grey(255), masks=(mask,)),
    ]

    def density(record: LayerRecord) -> None:
        record.mask_data.parameters = MaskParameters(user_mask_density=64)
        record.mask_data.flags.parameters_applied = True

    psd("mask-density", layers, {"above": density})
    told("mask-density.psd", "psd-tools' mask-density-layermask.psd: a black mask of density 25 % hides a quarter",
         [[191, 191, 191, 255]])  # fmt: skip


def spaces() -> None:
    cmyk = ColourSpace("CMYK")
    layers: list[Layer] = [
        PixelLayer("below", source=row([(255, 155, 55, 255, 255)], cmyk)),
        PixelLayer("above", blend=Blend.MULTIPLY, source=row([(128, 255, 255, 255, 255)], cmyk)),
    ]
    psd("cmyk-multiply", layers, mode=ColorMode.CMYK)
    told("cmyk-multiply.psd", "inks multiplied as Photoshop stores them, then without a profile R = C K",
         [[128, 155, 55, 255]], tolerance=2)  # fmt: skip
    for mode, name in ((ColorMode.RGB, "rgb"), (ColorMode.GRAYSCALE, "grey")):
        model = "RGB" if mode == ColorMode.RGB else "GRAY"
        half = [(0.5,) * (3 if model == "RGB" else 1) + (1.0,)]
        psd(f"32bit-{name}", [PixelLayer("half", source=row(half, ColourSpace(model, linear=True), np.float32))],
            mode=mode, depth=32)  # fmt: skip
        told(f"32bit-{name}.psd", "IEC 61966-2-1: linear .5 is .735; psd-tools' 32bit5x5.psd, kimageformats' "
             "32bit-rgb.psd agree", [[188, 188, 188, 255]])  # fmt: skip


def adjusted() -> None:
    def layer(name: str, tag: Tag, data: Any) -> None:
        below: list[Layer] = [PixelLayer("below", source=grey(0, 100, 200)), PixelLayer("adjust")]
        change: Change = lambda record: record.tagged_blocks.__setitem__(tag, TaggedBlock(key=tag, data=data))  # noqa: E731
        psd(name, below, {"adjust": change}, width=3)

    layer("invert", Tag.INVERT, EmptyElement())
    told("invert.psd", "255 - v", [[255] * 4, [155, 155, 155, 255], [55, 55, 55, 255]])
    levels = Levels(version=2, items=[LevelRecord(50, 250, 0, 255, 100)] + [LevelRecord(0, 255, 0, 255, 100)] * 28)
    layer("levels", Tag.LEVELS, levels)
    told("levels.psd", "(v - 50) / 200", [[0, 0, 0, 255], [64, 64, 64, 255], [191, 191, 191, 255]])
    points = [(255, 0), (0, 255)]
    extra = CurvesExtraMarker([CurvesExtraItem(0, points)], version=4)
    layer("curves", Tag.CURVES, Curves(False, 1, 1, [points], extra=extra))
    told("curves.psd", "a straight line down", [[255] * 4, [155, 155, 155, 255], [55, 55, 55, 255]])


def adjusted_by_photoshop() -> None:
    """Pixels before and after, of pictures that Photoshop rendered."""
    everything = "Aspose's AllAdjustments.psd, rendered by Photoshop CC"
    before = [(34, 32, 28), (97, 86, 69), (191, 157, 135), (227, 196, 174)]
    names = (b"Rd  ", b"Yllw", b"Grn ", b"Cyn ", b"Bl  ", b"Mgnt")
    mixed = {name: Integer(value) for name, value in zip(names, (40, 60, 40, 60, 20, 80), strict=True)}
    tint = Descriptor({name: Double(0.0) for name in names[::2]}, "", b"RGBC")
    grey_mix = DescriptorBlock({**mixed, b"useTint": Bool(False), b"tintColor": tint})
    one("black-and-white", Tag.BLACK_AND_WHITE, grey_mix, before)
    after = [(value,) * 3 + (255,) for value in (31, 84, 162, 200)]
    told("black-and-white.psd", everything, [list(pixel) for pixel in after])
    none = (0, 0, 0, 0)
    inks = [none, (2, -49, 49, 62), (0, 41, 31, 49), none, (31, 38, -71, 40), *[none] * 5]
    one("selective-colour", Tag.SELECTIVE_COLOR, SelectiveColor(1, 0, inks), before)
    told("selective-colour.psd", everything,
         [[33, 32, 27, 255], [88, 81, 61, 255], [183, 150, 107, 255], [224, 192, 153, 255]])  # fmt: skip
    one("colour-balance", Tag.COLOR_BALANCE, ColorBalance(midtones=(-33, -23, 38)), before)
    told("colour-balance.psd", everything,
         [[21, 22, 47, 255], [76, 71, 93, 255], [178, 144, 156, 255], [220, 187, 190, 255]])  # fmt: skip
    colours = [(205, (63991, 59107, 0, 0)), (1333, (65019, 31868, 0, 0)), (1434, (28528, 5398, 27756, 0)),
               (2988, (65019, 31868, 0, 0)), (3891, (0, 10280, 29812, 0))]  # fmt: skip
    stops = [ColorStop(location, 50, 0, colour) for location, colour in colours]
    ends = [TransparencyStop(0, 50, 255), TransparencyStop(4096, 50, 255)]
    one("gradient-map", Tag.GRADIENT_MAP, GradientMap(name="spline", color_stops=stops, transparency_stops=ends,
        interpolation=4096, minimum_color=[0] * 4, maximum_color=[32768] * 4), before)  # fmt: skip
    told("gradient-map.psd", everything,
         [[253, 208, 0, 255], [137, 37, 88, 255], [243, 110, 13, 255], [198, 110, 22, 255]], tolerance=2)  # fmt: skip
    bent = Levels(version=2, items=[LevelRecord(45, 198, 0, 255, 137)] + [LevelRecord(0, 255, 0, 255, 100)] * 28)
    one("levels-gamma", Tag.LEVELS, bent, [(47, 48, 50), (52, 60, 80), (120, 150, 190)])
    told("levels-gamma.psd", everything, [[8, 12, 19, 255], [27, 47, 87, 255], [152, 194, 245, 255]], tolerance=1)
    darker = Levels(version=2, items=[LevelRecord(38, 255, 0, 255, 67)] + [LevelRecord(0, 255, 0, 255, 100)] * 28)
    one("levels-darker", Tag.LEVELS, darker, [(41, 47, 53), (63, 70, 118)])
    told("levels-darker.psd", "psd-tools' levels_grayscale.psd, rendered by Photoshop",
         [[1, 2, 5, 255], [10, 15, 57, 255]], tolerance=0)  # fmt: skip
    cyan = PhotoFilter(2, None, 7, (8800, 65536 - 7900, 65536 - 11800, 0), 100, 1)
    one("photo-filter", Tag.PHOTO_FILTER, cyan, [(21, 6, 1), (37, 28, 23), (135, 68, 63), (196, 197, 183)])
    told("photo-filter.psd", "Aspose's PhotoFilterAdjustmentLayer.psd, rendered by Photoshop CC",
         [[7, 12, 6, 255], [8, 38, 46, 255], [49, 103, 114, 255], [114, 225, 255, 255]],
         ["adjust: Photo Filter"], tolerance=2)  # fmt: skip
    one("brightness-contrast-legacy", Tag.BRIGHTNESS_AND_CONTRAST, BrightnessContrast(20, 57, 127),
        [(79, 67, 81), (24, 7, 12), (173, 181, 196)])  # fmt: skip
    told("brightness-contrast-legacy.psd", "psd-tools' brightnesscontrast_legacy_rgb.psd, rendered by Photoshop",
         [[62, 34, 67, 255], [0, 0, 0, 255], [255] * 4])  # fmt: skip


def one(name: str, tag: Tag, data: Any, below: list[tuple[int, int, int]]) -> None:
    """One adjustment over a row of colours."""
    ground = PixelLayer("below", source=rgba(*((*pixel, 255) for pixel in below)))
    change: Change = lambda record: record.tagged_blocks.__setitem__(tag, TaggedBlock(key=tag, data=data))  # noqa: E731
    psd(name, [ground, PixelLayer("adjust")], {"adjust": change}, width=len(below))


def filled() -> None:
    def stop(place: int, colour: tuple[float, ...]) -> Descriptor:
        names = (b"Rd  ", b"Grn ", b"Bl  ")
        values = {name: Double(value) for name, value in zip(names, colour, strict=True)}
        return Descriptor({b"Clr ": Descriptor(values, "", b"RGBC"), b"Type": Enumerated(b"Clry", b"UsrS"),
                           b"Lctn": Integer(place), b"Mdpn": Integer(50)}, "", b"Clrt")  # fmt: skip

    colours = [stop(0, (111.0, 21.0, 108.0)), stop(2048, (0.0, 96.0, 27.0)), stop(4096, (253.0, 124.0, 0.0))]
    form = {b"GrdF": Enumerated(b"GrdF", b"CstS"), b"Intr": Double(4096.0), b"Clrs": List(colours)}
    setting = DescriptorBlock({b"Angl": Double(0.0), b"Type": Enumerated(b"GrdT", b"Lnr "),
                               b"Grad": Descriptor(form, "", b"Grdn")})  # fmt: skip
    block = TaggedBlock(key=Tag.GRADIENT_FILL_SETTING, data=setting)

    def change(record: LayerRecord) -> None:
        record.tagged_blocks[Tag.GRADIENT_FILL_SETTING] = block
        record.channel_info = []

    psd("gradient-fill", [PixelLayer("fill")], {"fill": change}, width=8)
    told("gradient-fill.psd", "the pixels that Photoshop stored in Aspose's PsdConvertToExample.psd",
         [[111, 21, 108, 255], [82, 36, 92, 255], [39, 57, 69, 255], [5, 79, 45, 255], [0, 96, 27, 255],
          [44, 107, 16, 255], [120, 115, 8, 255], [199, 120, 4, 255]])  # fmt: skip


def flat(name: str, mode: ColorMode, depth: int, planes: list[bytes], width: int, mode_data: bytes = b"") -> None:
    """A merged picture and nothing else, byte by byte (Adobe's specification, 2019)."""
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, len(planes), 1, width, depth, mode)
    body = struct.pack(">I", len(mode_data)) + mode_data + struct.pack(">II", 0, 0) + struct.pack(">H", 0)
    (HERE / f"{name}.psd").write_bytes(head + body + b"".join(planes))


def modes() -> None:
    palette = bytes([10, 200] + [0] * 254) + bytes([20, 100] + [0] * 254) + bytes([30, 50] + [0] * 254)
    flat("indexed", ColorMode.INDEXED, 8, [bytes([0, 1])], 2, palette)
    told("indexed.psd", "its palette", [[10, 20, 30, 255], [200, 100, 50, 255]])
    flat("bitmap", ColorMode.BITMAP, 1, [bytes([0b01000000])], 2)
    told("bitmap.psd", "1 is black (specification: Bitmap)", [[255] * 4, [0, 0, 0, 255]])
    flat("lab", ColorMode.LAB, 8, [bytes([255, 0]), bytes([128, 128]), bytes([128, 128])], 2)
    told("lab.psd", "L 100 and L 0 without chroma", [[255] * 4, [0, 0, 0, 255]], tolerance=2)
    flat("duotone", ColorMode.DUOTONE, 8, [bytes([77])], 1, bytes(8))
    told("duotone.psd", "its grey", [[77, 77, 77, 255]], ["its inks are shown as grey"])
    flat("multichannel", ColorMode.MULTICHANNEL, 8, [bytes([0]), bytes([255]), bytes([255])], 1)
    told("multichannel.psd", "full cyan", [[0, 255, 255, 255]],
         ["its channels are shown as the inks cyan, magenta, yellow and black"])  # fmt: skip


def pictures() -> None:
    turned = Image.fromarray(np.array([[[255, 0, 0]] * 8] * 8 + [[[0, 0, 255]] * 8] * 8, np.uint8))
    exif = Image.Exif()
    exif[274] = 6
    turned.save(HERE / "orientation.png", exif=exif)
    told(
        "orientation.png",
        "EXIF 2.32, tag 274: 6 is turned by 90° clockwise",
        [[0, 0, 255, 255]] * 8 + [[255, 0, 0, 255]] * 8,
    )
    Image.fromarray(np.array([[0, 257 * 10, 257 * 128, 65535]], np.uint16)).save(HERE / "grey16.png")
    told("grey16.png", "v / 257", [[v, v, v, 255] for v in (0, 10, 128, 255)])
    Image.new("CMYK", (1, 1), (255, 0, 0, 0)).save(HERE / "cmyk.tif")
    told("cmyk.tif", "full cyan, without a profile", [[0, 255, 255, 255]])
    indexed = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    indexed.putpalette([1, 2, 3, 4, 5, 6])
    indexed.save(HERE / "palette.gif", transparency=1)
    told("palette.gif", "its palette; entry 1 is clear", [[1, 2, 3, 255], [0, 0, 0, 0]])
    swapped = _swapped_profile()
    Image.new("RGB", (1, 1), (255, 0, 0)).save(HERE / "profile.png", icc_profile=swapped)
    told("profile.png", "a profile whose red primary is sRGB's blue", [[0, 0, 255, 255]], tolerance=3)


def _swapped_profile() -> bytes:
    """sRGB with the colorants of red and blue exchanged."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data[24:36] = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    for index in range(struct.unpack_from(">I", data, 128)[0]):
        name = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}.get(bytes(data[132 + 12 * index :][:4]))
        if name is not None:
            data[132 + 12 * index : 136 + 12 * index] = name
    return bytes(data)


def main() -> None:
    for make in (
        blending,
        text,
        groups,
        conditional,
        masked,
        spaces,
        adjusted,
        adjusted_by_photoshop,
        filled,
        modes,
        pictures,
    ):
        make()
    (HERE / "values.json").write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
