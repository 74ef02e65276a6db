"""Model files: fetched from a hub on this machine, added from a folder, listed with what is known of them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from acetate.protocol.errors import AcetateError, CheckpointError, FileError, InvalidRequest
from acetate.protocol.library import DownloadState, Origin
from acetate_engine.models.library import published as catalogue
from acetate_engine.models.library.downloads import Downloads
from acetate_engine.models.library.listing import library
from acetate_engine.models.library.origins import kept_beside, origin_of
from acetate_engine.paths import models_dir
from tests.engine.models.library.hub import Hub, running
from tests.engine.process import wait_until

NAME = "layer_sd15_joint.safetensors"


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        found.files[NAME] = os.urandom(300_000)
        yield found


def lora(path: Path, fill: float = 0.5) -> Path:
    """A style LoRA of SD 1.5, by its header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stem = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    down, up = torch.full((4, 768), fill), torch.full((320, 4), fill)
    save_file({f"{stem}.lora_down.weight": down, f"{stem}.lora_up.weight": up}, path)
    return path


def ended(downloads: Downloads) -> DownloadState:
    """Of the only one; waits for it."""
    wait_until(lambda: all(told.state.is_final for told in downloads.all()), "the end of all downloads")
    (told,) = downloads.all()
    return told.state


def reason(downloads: Downloads) -> str:
    (told,) = downloads.all()
    return told.reason


def fetched(downloads: Downloads | None = None) -> Path:
    downloads = downloads or Downloads()
    downloads.fetch(NAME)
    assert ended(downloads) is DownloadState.DONE, reason(downloads)
    return models_dir() / "layerdiffuse" / NAME


def test_a_file_comes_whole_and_what_the_hub_said_of_it_is_kept_beside_it(hub: Hub) -> None:
    downloads = Downloads()
    file = fetched(downloads)
    assert file.read_bytes() == hub.files[NAME]
    (told,) = downloads.all()
    assert (told.done, told.total) == (300_000, 300_000)
    assert origin_of(file) is Origin.HUB
    assert json.loads(kept_beside(file).read_text())["sha256"] == hashlib.sha256(hub.files[NAME]).hexdigest()
    assert set(hub.headers) == {""}  # no token of the painter's goes along


def test_what_was_said_holds_from_then_on(hub: Hub) -> None:
    file = fetched()
    hub.files[NAME] = os.urandom(300_000)  # another file, of which the hub says what it is
    downloads = Downloads()
    downloads.fetch(NAME)
    assert ended(downloads) is DownloadState.FAILED and "SHA-256 differs" in reason(downloads)
    assert file.read_bytes() != hub.files[NAME] and origin_of(file) is Origin.HUB


def test_a_known_hash_comes_before_what_the_hub_says(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = hashlib.sha256(hub.files[NAME]).hexdigest()
    known = {NAME: catalogue.Published(NAME, "somebody/files", "", sha256=digest)}
    monkeypatch.setattr("acetate_engine.models.library.origins.published", lambda: known)
    hub.says_digest = False
    assert origin_of(fetched()) is Origin.PUBLISHED
    known[NAME] = catalogue.Published(NAME, "somebody/files", "", sha256="0" * 64)
    hub.says_digest = True
    downloads = Downloads()
    downloads.fetch(NAME)
    assert ended(downloads) is DownloadState.FAILED and "SHA-256 differs" in reason(downloads)


def test_a_hub_that_says_nothing_leaves_a_file_unverified(hub: Hub) -> None:
    hub.says_digest = False
    assert origin_of(fetched()) is Origin.UNVERIFIED


def test_another_file_than_the_hub_says_is_not_kept(hub: Hub) -> None:
    hub.said[NAME] = "0" * 64
    downloads = Downloads()
    downloads.fetch(NAME)
    assert ended(downloads) is DownloadState.FAILED and "SHA-256 differs" in reason(downloads)
    assert not list(models_dir().rglob("*.safetensors"))


def test_what_broke_off_goes_on_where_it_was(hub: Hub) -> None:
    hub.files[NAME] = os.urandom(44_000_000)  # the library tells of pieces of 10 MB
    hub.gate.clear()
    downloads = Downloads()
    downloads.fetch(NAME)
    wait_until(lambda: downloads.all()[0].done, "the first pieces")
    downloads.cancel(NAME)
    hub.gate.set()
    assert ended(downloads) is DownloadState.CANCELLED
    assert not list((models_dir() / "layerdiffuse").glob("*"))
    before = len(hub.asked)
    assert fetched(Downloads()).read_bytes() == hub.files[NAME]
    assert [asked for asked in hub.asked[before:] if asked and asked != "bytes=0-"], hub.asked


def test_a_hub_that_is_not_there_is_said(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    downloads = Downloads()
    downloads.fetch(NAME)
    assert ended(downloads) is DownloadState.FAILED and "network" in reason(downloads)


def test_a_file_that_the_hub_does_not_have_is_said(hub: Hub) -> None:
    del hub.files[NAME]
    downloads = Downloads()
    downloads.fetch(NAME)
    assert ended(downloads) is DownloadState.FAILED and NAME in reason(downloads)


def test_only_what_is_published_can_be_fetched() -> None:
    for name in ("../../x.safetensors", "", "anything"):
        with pytest.raises(InvalidRequest):
            Downloads().fetch(name)


@pytest.mark.parametrize("as_link", [False, True])
def test_a_dropped_file_goes_to_the_shelf_of_its_kind(tmp_path: Path, as_link: bool) -> None:
    source = lora(tmp_path / "elsewhere" / "ink.safetensors")
    downloads = Downloads()
    downloads.add(str(source), as_link=as_link)
    assert as_link or ended(downloads) is DownloadState.DONE, reason(downloads)
    target = models_dir() / "loras" / "ink.safetensors"
    assert target.is_symlink() is as_link and target.read_bytes() == source.read_bytes() and source.exists()
    (file,) = [file for file in library(()).files if file.name == "ink.safetensors"]
    assert "LoRA" in file.what and file.origin is Origin.UNVERIFIED and not file.problem


def test_another_file_of_that_name_is_left_as_it_is(tmp_path: Path) -> None:
    lora(models_dir() / "loras" / "ink.safetensors", fill=0.1)
    with pytest.raises(FileError, match="another"):
        Downloads().add(str(lora(tmp_path / "ink.safetensors")), as_link=False)


def pickled(folder: Path) -> Path:
    (folder / "x.safetensors").write_bytes(b"\x80\x02}q\x00.")
    return folder / "x.safetensors"


def secret(folder: Path) -> Path:
    """A link with an innocent name."""
    (folder / "secret.txt").write_text("secret")
    (folder / "x.safetensors").symlink_to(folder / "secret.txt")
    return folder / "x.safetensors"


def some_folder(folder: Path) -> Path:
    (folder / "x.safetensors").mkdir()
    return folder / "x.safetensors"


@pytest.mark.parametrize(
    "make",
    [
        pickled,
        secret,
        some_folder,
        lambda folder: folder / "not-there.safetensors",
        lambda folder: Path("relative.safetensors"),
        lambda folder: Path("/etc/passwd"),
        lambda folder: Path("/dev/zero"),
        lambda folder: folder / "x\0y.safetensors",
        lambda folder: Path("/proc/self/mem"),
    ],
)
@pytest.mark.parametrize("as_link", [False, True])
def test_what_is_no_model_is_never_copied_or_linked(
    tmp_path: Path, make: Callable[[Path], Path], as_link: bool
) -> None:
    with pytest.raises((FileError, CheckpointError)):
        Downloads().add(str(make(tmp_path)), as_link=as_link)
    assert not [path for path in models_dir().rglob("*") if not path.is_dir()]


def test_a_file_that_changed_since_it_was_checked_says_so(hub: Hub) -> None:
    file = fetched()
    file.write_bytes(b"another")
    assert origin_of(file) is Origin.CHANGED


def test_what_is_missing_says_what_for_from_where_and_under_which_licence() -> None:
    found = library(())
    (joint,) = [file for file in found.missing if file.name == NAME]
    assert joint.serves == "SD 1.5: joint" and joint.licence == "OpenRAIL-M" and "/" in joint.source
    (decoder,) = [file for file in found.missing if file.name == "vae_transparent_decoder.safetensors"]
    assert decoder.size == 2 * 104_100_000 and found.free > 0
    lora(models_dir() / "loras" / "x.safetensors")
    assert all(file.name != "x.safetensors" for file in library(()).missing)


def test_at_most_some_at_once(hub: Hub) -> None:
    hub.gate.clear()
    downloads = Downloads()
    names = list(catalogue.published())[:6]
    hub.files |= dict.fromkeys(names, b"x" * 1000)
    with pytest.raises(AcetateError, match="on their way"):
        for name in names:
            downloads.fetch(name)
    hub.gate.set()
    wait_until(lambda: all(told.state.is_final for told in downloads.all()), "their end, in the folders of this test")
