from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.header import read_header, require_shapes


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "good.safetensors"
    save_file({"a.weight": torch.zeros(2, 3, dtype=torch.float16), "b": torch.zeros(5)}, path, {"format": "pt"})
    return path


def test_names_shapes_and_dtypes(good: Path) -> None:
    header = read_header(good)
    assert header.shapes == {"a.weight": (2, 3), "b": (5,)}
    assert header.dtypes == {"a.weight": "F16", "b": "F32"}
    assert header.parameters == 11


def refused(path: Path, match: str) -> None:
    with pytest.raises(CheckpointError, match=match) as caught:
        read_header(path)
    assert path.name in caught.value.detail
    assert caught.value.remedy


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    """Whatever their name, and whatever they would run."""
    bomb = tmp_path / "model.safetensors"
    bomb.write_bytes(pickle.dumps({"x": print}))
    refused(bomb, "pickle")
    with zipfile.ZipFile(tmp_path / "zipped.safetensors", "w") as archive:
        archive.writestr("archive/data.pkl", "x")
    refused(tmp_path / "zipped.safetensors", "pickle")
    for suffix in ("ckpt", "pt", "pth", "bin"):
        path = tmp_path / f"model.{suffix}"
        torch.save({"a": torch.zeros(2)}, path)
        refused(path, "pickle")


FORMATS = {
    "an ONNX file": b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:",
    "a TensorRT engine": b"ftrt\x00\x00",
    "a bzip2 archive": b"BZh91AY",
    "an XZ archive": b"\xfd7zXZ\x00",
    "a Zstandard archive": b"\x28\xb5\x2f\xfd",
}


@pytest.mark.parametrize("what", FORMATS)
def test_whole_files_of_other_formats_are_not_to_be_downloaded_again(what: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(FORMATS[what] + bytes(range(256)))
    with pytest.raises(CheckpointError, match=what) as caught:
        read_header(path)
    assert "again" not in caught.value.remedy


@pytest.mark.parametrize("text", ["Invalid username or password.", '{"error":"Access is restricted"}\n', "Not found"])
def test_an_answer_that_was_saved_in_place_of_a_model(text: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_text(text)
    refused(path, "a text that was saved in its place")


@pytest.mark.parametrize("length", [0x80, 0x0280, 0x4B50 + 0x10000])
def test_headers_whose_length_looks_like_a_pickle(tmp_path: Path, length: int) -> None:
    text = json.dumps({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}).encode().ljust(length)
    path = tmp_path / "a.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + text + b"x")
    assert read_header(path).shapes == {"a": (1,)}


def test_missing(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere.safetensors", "is not there")


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_truncated_anywhere(good: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = good.read_bytes()
    path = tmp_path_factory.mktemp("cut") / "cut.safetensors"
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    refused(path, "cut short|not a safetensors")


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=200))
def test_noise_is_refused_cleanly(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("noise") / "noise.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError):
        read_header(path)


@pytest.mark.parametrize("header", [[], {"a": 3}, {"a": {"dtype": "F32"}}, "text", None])
def test_headers_that_are_json_but_not_a_header(tmp_path: Path, header: object) -> None:
    text = json.dumps(header).encode()
    path = tmp_path / "odd.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    refused(path, "header")


def test_a_web_page_saved_as_a_model(tmp_path: Path) -> None:
    path = tmp_path / "page.safetensors"
    path.write_text("<!DOCTYPE html><html><body>Sign in to download</body></html>")
    refused(path, "not a safetensors file")


def test_every_difference_is_named(good: Path) -> None:
    found = read_header(good).shapes
    with pytest.raises(CheckpointError, match=r"c missing; b left over; a.weight is \[2, 3\] instead of \[3, 2\]"):
        require_shapes(good, found, {"a.weight": (3, 2), "c": (1,)})
    with pytest.raises(CheckpointError, match="c and 2 more missing"):
        require_shapes(good, found, {**found, "c": (1,), "d": (1,), "e": (1,)})
    require_shapes(good, found, found)
