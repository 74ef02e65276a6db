"""What files say of where their pixels come from, read by others' readers; and alpha as a mask."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from psd_tools import PSDImage
from psd_tools.constants import Resource

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, StackLayer, Task
from acetate.protocol.tasks import LayerRole
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.shown import shown
from acetate_engine.documents.tree import Memory, PixelLayer
from acetate_engine.provenance import SourceType, packet, source_type
from acetate_engine.results import Result, ResultLayer

BOX = Bounds(0, 0, 24, 16)
PROMPT = 'a "fox" & <friends>\n\x07ünd'
REQUEST = GenerateRequest(Task.FOREGROUND, BOX, seed=7, prompt=PROMPT)


def pixels() -> np.ndarray:
    made = np.random.default_rng(0).integers(0, 256, (16, 24, 4), dtype=np.uint8)
    made[:2, :, 3] = 0
    return made


RESULT = Result(REQUEST, (ResultLayer("fox", LayerRole.FOREGROUND, BOX, pixels(), 7),))


def xmp_of(path: Path) -> bytes | None:
    if path.suffix == ".psd":
        return PSDImage.open(path).image_resources.get_data(Resource.XMP_METADATA)
    data = path.read_bytes()
    if path.suffix == ".ora":
        data = zipfile.ZipFile(path).read("mergedimage.png")
    with Image.open(io.BytesIO(data)) as image:
        return image.info.get("xmp")


def said_in(xmp: bytes) -> dict[str, str]:
    (facts,) = ElementTree.fromstring(xmp).iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    return {name.partition("}")[2]: value for name, value in facts.attrib.items()}


@pytest.mark.parametrize("suffix", [".png", ".webp", ".psd", ".ora"])
def test_a_file_says_that_it_was_generated_and_how(tmp_path: Path, suffix: str) -> None:
    RESULT.save(tmp_path / f"fox{suffix}")
    said = said_in(xmp_of(tmp_path / f"fox{suffix}") or b"")
    assert said["DigitalSourceType"] == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    assert said["AIPromptInformation"] == PROMPT.replace("\x07", "") and "mini" in said["AISystemUsed"]
    assert json.loads(said["Recipe"])["seed"] == 7
    RESULT.save(tmp_path / f"fox{suffix}", provenance=False)
    assert not xmp_of(tmp_path / f"fox{suffix}")


def test_each_png_of_a_folder_says_it(tmp_path: Path) -> None:
    RESULT.save(tmp_path / "layers")
    assert [bool(xmp_of(path)) for path in sorted((tmp_path / "layers").iterdir())] == [True, True]


@pytest.mark.parametrize(
    ("request_", "has_others", "kind"),
    [
        (REQUEST, False, SourceType.GENERATED),
        (REQUEST, True, SourceType.COMPOSITE),
        (replace(REQUEST, task=Task.INPAINT), False, SourceType.COMPOSITE),
        (replace(REQUEST, task=Task.BLEND), False, SourceType.COMPOSITE),
        (replace(REQUEST, task=Task.STACK, layers=(StackLayer("a", picture="a" * 64),)), False, SourceType.COMPOSITE),
        (replace(REQUEST, task=Task.STACK, layers=(StackLayer("a"),)), False, SourceType.GENERATED),
        (replace(REQUEST, task=Task.UPSCALE), False, SourceType.CHANGED),
        (replace(REQUEST, task=Task.EXTRACT), True, SourceType.CHANGED),
        (replace(REQUEST, task=Task.IDENTITY), False, None),
    ],
)
def test_the_source_type_is_the_one_of_what_the_file_holds(
    request_: GenerateRequest, has_others: bool, kind: SourceType | None
) -> None:
    assert source_type(request_, has_others=has_others) is kind
    assert bool(packet(request_, has_others=has_others)) is (kind is not None)


def test_alpha_goes_into_a_mask_and_the_picture_stays(tmp_path: Path) -> None:
    path = tmp_path / "fox.psd"
    RESULT.save(path, alpha_as_mask=True)
    (layer,) = PSDImage.open(path)
    box = (0, 2, 24, 16)
    assert layer.has_mask() and layer.bbox == box and layer.mask.background_color == 0
    assert (np.asarray(layer.topil())[..., 3] == 255).all()
    assert layer.mask.bbox == box and np.array_equal(np.asarray(layer.mask.topil()), pixels()[2:, :, 3])
    RESULT.save(tmp_path / "plain.psd")
    masked, plain = (shown(read_document(each), depth=8).pixels.astype(int) for each in (path, tmp_path / "plain.psd"))
    assert np.abs(masked[..., 3] - plain[..., 3]).max() <= 1
    assert np.abs(masked * (plain[..., 3:] > 0) - plain * (plain[..., 3:] > 0)).max() <= 1


def test_what_lies_below_keeps_its_alpha(tmp_path: Path) -> None:
    RESULT.save(tmp_path / "both.psd", (PixelLayer("below", source=Memory.at(0, 0, pixels())),), alpha_as_mask=True)
    below, above = PSDImage.open(tmp_path / "both.psd")
    assert not below.has_mask() and above.has_mask()
