"""Mutated files: refused by name or read as the format's own library reads them, and never anything else."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.header import Header, read_header
from acetate_engine.models.checkpoints.kinds import inspected
from acetate_engine.models.families import describe_models
from acetate_engine.models.families.add_ons import list_files
from acetate_engine.paths import models_dir
from tests.engine.models import official, single_file, small

TIMES = 10 if "ACETATE_FUZZ" in os.environ else 1
NUMBERS = st.one_of(st.integers(-9, 99), st.just(2**63), st.just(10**400), st.floats(), st.booleans(), st.none())
VALUES = st.recursive(
    st.one_of(NUMBERS, st.text(max_size=5), st.sampled_from(["F16", "F32", "F8_E4M3", "Q4"])),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "good.safetensors"
    tensors = {"a.weight": torch.zeros(2, 3, dtype=torch.float16), "b": torch.zeros(5), "c": torch.zeros(0)}
    save_file(tensors, path, {"format": "pt"})
    return path.read_bytes()


def parts(content: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def joined(rows: object, data: bytes) -> bytes:
    text = json.dumps(rows).encode()
    return len(text).to_bytes(8, "little") + text + data


def judged(path: Path) -> None:
    """Whatever is believed here, the format's own library reads, too."""
    found: Header | None = None
    try:
        found = read_header(path)
    except CheckpointError as error:
        assert path.name in error.detail and error.remedy
    if found is None:
        return
    try:
        with safe_open(path, "pt") as file:
            assert {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()} == dict(found.shapes)  # noqa: SIM118
    except SafetensorError as error:
        pytest.fail(f"believed, and unreadable: {error}")


@pytest.mark.parametrize("number", [10**400, -(10**400)])
def test_a_number_that_no_double_holds(good: bytes, tmp_path: Path, number: int) -> None:
    rows, values = parts(good)
    next(iter(rows.values()))["extra"] = number
    path = tmp_path / "large.safetensors"
    path.write_bytes(joined(rows, values))
    with pytest.raises(CheckpointError, match="no readable safetensors header"):
        read_header(path)
    judged(path)


@settings(max_examples=80 * TIMES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_field_of_a_header(good: bytes, tmp_path: Path, data: st.DataObject) -> None:
    rows, values = parts(good)
    rows = copy.deepcopy(rows)
    name = data.draw(st.sampled_from(sorted(rows)))
    field = data.draw(st.sampled_from(["dtype", "shape", "data_offsets", "extra", ""]))
    if field and name != "__metadata__":
        rows[name][field] = data.draw(VALUES)
    else:
        rows[data.draw(st.sampled_from([name, "new"]))] = data.draw(VALUES)
    path = tmp_path / "mutated.safetensors"
    path.write_bytes(joined(rows, values))
    judged(path)
    assert inspected(path) is not None


@settings(max_examples=80 * TIMES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1), byte=st.integers(0, 255), cut=st.integers(0, 40), more=st.binary(max_size=9))
def test_bytes_changed_cut_and_added(
    good: bytes, tmp_path: Path, place: float, byte: int, cut: int, more: bytes
) -> None:
    content = bytearray(good)
    content[int(place * (len(content) - 1))] = byte
    path = tmp_path / "mutated.safetensors"
    path.write_bytes(bytes(content[: len(content) - cut]) + more)
    judged(path)
    assert inspected(path) is not None


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    single_file.write_folder(models_dir() / "checkpoints" / "dream", single_file.Family.SD15)
    (models_dir() / "layerdiffuse").mkdir()
    fg2bg = official.sharing_tensors(small.sd15_unet(), 2, 16)
    official.save(fg2bg, models_dir() / "layerdiffuse" / "layer_sd15_fg2bg.safetensors")
    return models_dir()


def test_hostile_folders_take_no_model_with_them(models: Path, good: bytes) -> None:
    """What the most ordinary accidents and some malice leave there."""
    hostile = models / "checkpoints"
    (hostile / "gone.safetensors").symlink_to("nowhere")
    (hostile / "ring.safetensors").symlink_to("ring.safetensors")
    (hostile / "folder.safetensors").mkdir()
    (hostile / "denied.safetensors").write_bytes(good)
    (hostile / "denied.safetensors").chmod(0)
    for name, content in {"model_index.json": b"[" * 99999, "config.json": b"\xff\xfe", "other.json": b"null"}.items():
        (hostile / f"odd_{name}").mkdir()
        (hostile / f"odd_{name}" / name).write_bytes(content)
    index = hostile / "list" / "model_index.json"
    index.parent.mkdir()
    index.write_text("[]")
    (hostile / "list" / "unet").mkdir()
    (hostile / "list" / "unet" / "x.safetensors").write_bytes(good)
    for number in range(60):
        rows, values = parts(good)
        rows[f"n{number}"] = [None, number, {"dtype": number}, {"shape": "x"}][number % 4]
        (hostile / f"bad{number}.safetensors").write_bytes(joined(rows, values))
    found = {info.name: info for info in describe_models()}
    assert found["mini"].installed and found["dream"].installed
    listed = {item.path.name: what for item, what in list_files()}
    named = [name for name in listed if name.startswith(("bad", "gone", "ring", "odd_m"))]
    assert len(named) == 63 and all(isinstance(listed[name], CheckpointError) for name in named)
