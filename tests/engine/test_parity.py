import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from acetate.protocol.errors import FileError
from acetate_engine.cli import app
from acetate_engine.parity import compare

REFERENCES = Path(__file__).parents[1] / "references"


def copy(folder: Path) -> Path:
    for path in [REFERENCES / "parameters.json", *REFERENCES.glob("*.safetensors")]:
        shutil.copy(path, folder)
    return folder


def test_every_vector_agrees() -> None:
    result = CliRunner().invoke(app, ["parity", str(REFERENCES)])
    assert result.exit_code == 0, result.output
    assert result.output.count(" ok ") == 8
    for name in ("transparent_decoder", "offset_encoder", "transparent_encoder"):
        assert name in result.output


@pytest.mark.parametrize("name", ["offset_encoder", "transparent_encoder"])
def test_a_difference_is_found(name: str, tmp_path: Path) -> None:
    path = copy(tmp_path) / f"{name}.safetensors"
    key = "offset" if name == "offset_encoder" else "latent"
    tensors = load_file(path)
    tensors[key].view(-1)[7] += 2e-4 * max(1.0, tensors[key].abs().max().item())
    save_file(tensors, path)
    failed = [row for row in compare(tmp_path) if not row.passed]
    assert [row.vector for row in failed] == [name]
    assert CliRunner().invoke(app, ["parity", str(tmp_path)]).exit_code == 1


def test_the_salt_is_read(tmp_path: Path) -> None:
    description = copy(tmp_path) / "parameters.json"
    description.write_text(description.read_text().replace('"salt": 0', '"salt": 1'))
    assert '"salt": 1' in description.read_text()
    assert not any(row.passed for row in compare(tmp_path) if row.output != "padded RGB")


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"parameters\.json"):
        list(compare(tmp_path))
    (copy(tmp_path) / "attention_sharing_joint.safetensors").unlink()
    with pytest.raises(FileError, match="attention_sharing_joint"):
        list(compare(tmp_path))
