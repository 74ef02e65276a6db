"""The image store on its own."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acetate.protocol.errors import InvalidRequest, MalformedMessage, UnknownImage
from acetate.protocol.pixels import digest, is_digest
from acetate_engine.jobs.images import ImageStore


@pytest.fixture
def images(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


def files(images: ImageStore) -> list[Path]:
    return [path for path in images.root.rglob("*") if path.is_file()]


def test_a_body_is_found_by_its_digest(images: ImageStore) -> None:
    assert images.add(b"x") == digest(b"x")
    assert images.add(b"x") in images
    assert images.read(digest(b"x")) == b"x"
    assert len(files(images)) == 1
    with pytest.raises(UnknownImage):
        images.read(digest(b"y"))


def test_a_wrong_digest_leaves_nothing(images: ImageStore) -> None:
    with pytest.raises(MalformedMessage), images.incoming() as upload:
        upload.write(b"x")
        upload.keep(digest(b"y"))
    assert files(images) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.one_of(st.text(), st.text("0123456789abcdef/.\0", min_size=60, max_size=68)))
def test_what_is_no_digest_never_becomes_a_path(images: ImageStore, name: str) -> None:
    if is_digest(name):
        assert images.path(name).parent.parent == images.root
    else:
        with pytest.raises(InvalidRequest):
            images.path(name)


def test_the_sweep_takes_what_is_old_and_unused(images: ImageStore) -> None:
    used, old, fresh, touched = (images.add(name) for name in (b"used", b"old", b"fresh", b"touched"))
    partial = images.root / ".partial-abc"
    partial.write_bytes(b"half")
    long_ago = time.time() - 1000
    for path in (images.path(used), images.path(old), images.path(touched), partial):
        os.utime(path, (long_ago, long_ago))
    images.found(touched)
    assert images.sweep({used}, older_than=500) == 2
    assert {path.name for path in files(images)} == {used, fresh, touched}
