"""Whatever reads hints, from folders and single files, against diffusers' own modules."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file
from torch import Tensor

from acetate.protocol.errors import CheckpointError
from acetate.protocol.requests import ControlKind, ControlMethod
from acetate_engine.models.adapters.concat_condition import grow_conv_in
from acetate_engine.models.adapters.controls import Residuals, load_reader
from acetate_engine.models.checkpoints.kinds import Family
from tests.engine.models import add_ons, official, small

CPU = torch.device("cpu")
IMAGE = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(4))
FAMILIES = [Family.SD15, Family.SDXL]


def arguments(family: Family, batch: int = 2) -> dict[str, Any]:
    if family is Family.SD15:
        states = torch.randn(batch, 5, 48, generator=torch.Generator().manual_seed(1))
        return {"encoder_hidden_states": states}
    found = small.sdxl_arguments(batch)
    del found["timestep"]
    return found


@torch.no_grad()
def residuals(
    path: Path,
    method: ControlMethod,
    family: Family,
    unet: UNet2DConditionModel | None = None,
    kind: ControlKind = ControlKind.EDGES,
) -> Residuals:
    reader = load_reader(path, method, family, unet or add_ons.UNETS[family](), CPU)
    sample = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    return reader.read(IMAGE, kind)(sample, torch.tensor(300), arguments(family))


def same(ours: tuple[Tensor, ...], theirs: list[Tensor]) -> bool:
    return len(ours) == len(theirs) and all(torch.allclose(x, y, atol=1e-4) for x, y in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_folders_and_single_files_of_both_namings_agree(family: Family, tmp_path: Path) -> None:
    net = add_ons.controlnet(add_ons.UNETS[family]())
    net.save_pretrained(tmp_path / "folder")
    paths = [tmp_path / "folder", official.save(net.state_dict(), tmp_path / "a.safetensors")]
    if family is Family.SD15:
        paths.append(official.save(add_ons.controlnet_ldm(net), tmp_path / "ldm.safetensors"))
        bare = {name.removeprefix("control_model."): x for name, x in load_file(paths[-1]).items()}
        paths.append(official.save(bare, tmp_path / "bare.safetensors"))
    sample = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    image = IMAGE.expand(2, -1, -1, -1)
    down, middle = net(sample, 300, controlnet_cond=image, return_dict=False, **arguments(family))
    assert any(x.any() for x in down)
    for path in paths:
        found = residuals(path, ControlMethod.CONTROLNET, family)
        assert same((*found.outer, found.middle), [*down, middle]), path


@torch.no_grad()
def test_a_union_reads_each_kind_in_its_own_way(tmp_path: Path) -> None:
    net = add_ons.union(small.sdxl_unet())
    net.save_pretrained(tmp_path / "folder")
    file = official.save(net.state_dict(), tmp_path / "union.safetensors")
    sample = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    marks = torch.zeros(2, 6)
    marks[:, 1] = 1
    down, middle = net(
        sample,
        300,
        controlnet_cond=[IMAGE.expand(2, -1, -1, -1)],
        control_type=marks,
        control_type_idx=[1],
        return_dict=False,
        **arguments(Family.SDXL),
    )
    depth = residuals(tmp_path / "folder", ControlMethod.UNION, Family.SDXL, kind=ControlKind.DEPTH)
    assert same((*depth.outer, depth.middle), [*down, middle])
    single = residuals(file, ControlMethod.UNION, Family.SDXL, kind=ControlKind.DEPTH)
    assert same((*single.outer, single.middle), [*down, middle])
    pose = residuals(file, ControlMethod.UNION, Family.SDXL, kind=ControlKind.POSE)
    assert not torch.equal(pose.middle, depth.middle)


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_a_t2i_adapter_reads_once_and_the_unet_takes_it(family: Family, tmp_path: Path) -> None:
    unet = add_ons.UNETS[family]()
    net = add_ons.t2i_adapter(unet, family)
    net.save_pretrained(tmp_path / "net")
    found = residuals(tmp_path / "net", ControlMethod.T2I_ADAPTER, family)
    picture = IMAGE.mean(1, keepdim=True) if family is Family.SD15 else IMAGE
    assert same(tuple(x[1:] for x in found.inner), net(picture))
    sample = torch.randn(2, 4, 8, 8)
    plain = unet(sample, 300, **arguments(family)).sample
    with_it = unet(sample, 300, **arguments(family), down_intrablock_additional_residuals=list(found.inner)).sample
    assert (with_it - plain).abs().max() > 1e-4


def test_a_net_can_be_loaded_while_layer_weights_have_grown_the_unet(tmp_path: Path) -> None:
    unet = small.sdxl_unet()
    path = official.save(add_ons.controlnet(unet).state_dict(), tmp_path / "a.safetensors")
    before = residuals(path, ControlMethod.CONTROLNET, Family.SDXL, unet)
    grow_conv_in(unet, 12)
    after = residuals(path, ControlMethod.CONTROLNET, Family.SDXL, unet)
    assert same(after.outer, list(before.outer))


class TestRefused:
    """Each names the file and what is wrong with it."""

    def refuse(
        self, path: Path, match: str, method: ControlMethod = ControlMethod.CONTROLNET, family: Family = Family.SD15
    ) -> None:
        with pytest.raises(CheckpointError, match=match) as caught:
            load_reader(path, method, family, add_ons.UNETS[family](), CPU)
        assert path.name in caught.value.detail and caught.value.remedy

    @pytest.fixture
    def good(self) -> dict[str, Tensor]:
        return add_ons.controlnet(small.sd15_unet()).state_dict()

    def test_pickles(self, tmp_path: Path) -> None:
        for name in ("control.ckpt", "control.pt", "control.safetensors"):
            (tmp_path / name).write_bytes(pickle.dumps({"state_dict": {}}))
            self.refuse(tmp_path / name, "pickle")

    def test_truncated(self, good: dict[str, Tensor], tmp_path: Path) -> None:
        path = official.save(good, tmp_path / "a.safetensors")
        path.write_bytes(path.read_bytes()[:-10])
        self.refuse(path, "cut short")

    @pytest.mark.parametrize("ldm", [False, True])
    def test_missing_and_surplus(self, good: dict[str, Tensor], ldm: bool, tmp_path: Path) -> None:
        tensors = add_ons.controlnet_ldm(add_ons.controlnet(small.sd15_unet())) if ldm else good
        for missing in ("time_embed", "blocks.1.", "hint" if ldm else "cond_embedding"):
            name = next(name for name in tensors if missing in name)
            rest = {key: x for key, x in tensors.items() if key != name}
            self.refuse(official.save(rest, tmp_path / "a.safetensors"), f"{name}( and|;|[.]|$| missing)")
        more = {**tensors, "more.weight": torch.zeros(1)}
        self.refuse(official.save(more, tmp_path / "a.safetensors"), "more.weight left over")

    def test_not_a_number(self, good: dict[str, Tensor], tmp_path: Path) -> None:
        good["controlnet_mid_block.bias"][0] = float("nan")
        self.refuse(official.save(good, tmp_path / "a.safetensors"), "not numbers in controlnet_mid_block.bias")
        net = add_ons.controlnet(small.sd15_unet())
        net.load_state_dict(good)
        net.save_pretrained(tmp_path / "folder")
        with pytest.raises(CheckpointError, match=r"not numbers in controlnet_mid_block\.bias"):
            load_reader(tmp_path / "folder", ControlMethod.CONTROLNET, Family.SD15, small.sd15_unet(), CPU)

    def test_other_families(self, good: dict[str, Tensor], tmp_path: Path) -> None:
        path = official.save(good, tmp_path / "a.safetensors")
        self.refuse(path, "does not fit", family=Family.SDXL)
        add_ons.controlnet(small.sd15_unet()).save_pretrained(tmp_path / "folder")
        self.refuse(tmp_path / "folder", "another family", family=Family.SDXL)
        add_ons.t2i_adapter(small.sd15_unet(), Family.SD15).save_pretrained(tmp_path / "t2i")
        self.refuse(tmp_path / "t2i", "another family", ControlMethod.T2I_ADAPTER, Family.SDXL)

    def test_other_kinds(self, good: dict[str, Tensor], tmp_path: Path) -> None:
        path = official.save(good, tmp_path / "a.safetensors")
        self.refuse(path, "is a ControlNet, but a union ControlNet", ControlMethod.UNION)
        self.refuse(path, "is a single file", ControlMethod.T2I_ADAPTER)
        add_ons.controlnet(small.sd15_unet()).save_pretrained(tmp_path / "folder")
        self.refuse(tmp_path / "folder", "holds a ControlNetModel, but a T2IAdapter", ControlMethod.T2I_ADAPTER)
        (tmp_path / "folder" / "config.json").write_text(json.dumps([]))
        self.refuse(tmp_path / "folder", "no readable config.json")
