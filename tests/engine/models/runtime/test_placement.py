"""Choosing a policy, and the hooks that carry it out.

There is no accelerator here: the hooks of diffusers and accelerate are real, but move weights from the CPU to the CPU.
What that can show is that they are there, that they survive changes of the layers, and that the pixels stay the same.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from torch import Tensor

from acetate.protocol.requests import ControlHint, ControlKind, ControlMethod
from acetate_engine.models.adapters.attention_sharing import AttentionSharing
from acetate_engine.models.adapters.controls import HintReader, Net
from acetate_engine.models.adapters.sharing_weights import SharingWeights
from acetate_engine.models.adapters.styles import StyleLoras
from acetate_engine.models.adapters.unet_patch import UNetPatch
from acetate_engine.models.checkpoints.kinds import Family
from acetate_engine.models.checkpoints.offsets import OffsetFile
from acetate_engine.models.families.components import Components
from acetate_engine.models.runtime import estimates
from acetate_engine.models.runtime.memory import unsaid
from acetate_engine.models.runtime.placement import Placement, Policy, WeightBytes, choose_policy, free_bytes
from acetate_engine.pipelines.stages.decoders import decode_opaque
from tests.engine.models import add_ons, official, small

GIB = 1 << 30
CPU, CUDA = torch.device("cpu"), torch.device("cuda")
SD15, SDXL = WeightBytes(int(2.3 * GIB), int(1.6 * GIB)), WeightBytes(int(7.1 * GIB), int(4.8 * GIB))


@pytest.mark.parametrize(
    ("free", "weights", "device", "host_free", "policy"),
    [
        (0, SDXL, "cpu", 0, Policy.ALL_ON_DEVICE),
        (0, SDXL, "mps", 0, Policy.ALL_ON_DEVICE),
        (24, SDXL, "cuda", 32, Policy.ALL_ON_DEVICE),
        (10, SDXL, "cuda", 0, Policy.ALL_ON_DEVICE),
        (8, SDXL, "cuda", 32, Policy.MODEL_OFFLOAD),
        (7, SDXL, "xpu", 0, Policy.MODEL_OFFLOAD),
        (6, SDXL, "cuda", 32, Policy.GROUP_OFFLOAD),
        (6, SDXL, "cuda", 3, Policy.LAYERWISE_CASTING),
        (6, SD15, "cuda", 3, Policy.ALL_ON_DEVICE),
        (4, SD15, "cuda", 3, Policy.MODEL_OFFLOAD),
        (2, SD15, "cuda", 8, Policy.GROUP_OFFLOAD),
        (2, SD15, "cuda", 1, Policy.LAYERWISE_CASTING),
    ],
)
def test_policies(free: int, weights: WeightBytes, device: str, host_free: int, policy: Policy) -> None:
    assert choose_policy(free * GIB, weights, torch.device(device), host_free * GIB) is policy


@pytest.mark.parametrize("weights", [SD15, SDXL])
def test_less_memory_never_gives_a_hungrier_policy(weights: WeightBytes) -> None:
    order = list(Policy)
    chosen = [choose_policy(free * GIB, weights, CUDA, 2 * GIB) for free in range(24, -1, -1)]
    places = [order.index(policy) for policy in chosen]
    assert places == sorted(places)


def test_what_weighs_how_much() -> None:
    unet, vae = small.sd15_unet(), small.vae().to(torch.bfloat16)
    sizes = [sum(x.numel() for x in unet.parameters()) * 4, sum(x.numel() for x in vae.parameters()) * 2]
    assert WeightBytes.of([unet, vae]) == WeightBytes(sum(sizes), max(sizes))
    assert free_bytes(CPU) > 0


# Weights in GiB in half precision, counted from the released configurations at 2 bytes a parameter. SD1.5: UNet 0.86 B
# parameters, CLIP-L 0.12 B, VAE 0.08 B, transparent decoder 0.10 B; SDXL: UNet 2.57 B, CLIP-L and -G 0.82 B, one
# ControlNet 1.25 B, the IP-Adapter's image encoder (ViT-H) 0.63 B. A card has 0.6 GiB less than its name says. The
# reserve is that of estimates.py.
_WEIGHTS = {"sd15": SD15, "sdxl": WeightBytes(int(6.7 * GIB), int(4.8 * GIB))}
_RESERVES = {
    "sd15": estimates.working(estimates.decoding(512**2, (128, 256), 2), estimates.denoising(512**2, 8, 3)),
    "sdxl": estimates.working(estimates.decoding(1024**2, (128, 256), 2), estimates.denoising(1024**2, 8)),
}
_NETS = int((2 * 2.33 + 1.17) * GIB)  # two ControlNets and an image encoder
_SMALL_NETS = int((2 * 0.67 + 1.17) * GIB)  # SD1.5's ControlNets have 0.36 B parameters
ALL, MODEL, GROUP, CASTING = Policy
TABLE = [  # card, main memory, SD1.5, SDXL, SDXL with two ControlNets and an IP-Adapter, SD1.5 with as much
    (6, 8, ALL, CASTING, CASTING, MODEL),
    (6, 16, ALL, GROUP, GROUP, MODEL),
    (6, 32, ALL, GROUP, GROUP, MODEL),
    (8, 8, ALL, MODEL, CASTING, ALL),
    (8, 16, ALL, MODEL, GROUP, ALL),
    (8, 32, ALL, MODEL, GROUP, ALL),
    (10, 8, ALL, ALL, CASTING, ALL),
    (10, 16, ALL, ALL, GROUP, ALL),
    (10, 32, ALL, ALL, GROUP, ALL),
    (12, 8, ALL, ALL, CASTING, ALL),
    (12, 16, ALL, ALL, GROUP, ALL),
    (12, 32, ALL, ALL, GROUP, ALL),
    (16, 8, ALL, ALL, ALL, ALL),
    (16, 16, ALL, ALL, ALL, ALL),
    (16, 32, ALL, ALL, ALL, ALL),
    (24, 8, ALL, ALL, ALL, ALL),
    (24, 16, ALL, ALL, ALL, ALL),
    (24, 32, ALL, ALL, ALL, ALL),
]


@pytest.mark.parametrize(("card", "host", "sd15", "sdxl", "with_nets", "small_nets"), TABLE)
def test_cards_and_main_memories(
    card: int, host: int, sd15: Policy, sdxl: Policy, with_nets: Policy, small_nets: Policy
) -> None:
    free = int((card - 0.6) * GIB)

    def policy(family: str, beside: int = 0) -> Policy:
        weights = _WEIGHTS[family]
        left = int((host - 2) * GIB) - weights.total  # beside the system, and the model that was loaded there
        return choose_policy(free, weights, CUDA, left, _RESERVES[family], beside)

    assert (policy("sd15"), policy("sdxl"), policy("sdxl", _NETS)) == (sd15, sdxl, with_nets)
    assert policy("sd15", _SMALL_NETS) is small_nets


def test_a_job_with_much_beside_it_moves_the_model_and_the_next_brings_it_back() -> None:
    unet, vae, latent = small.sd15_unet(), small.vae(), torch.randn(1, 4, 4, 4)
    plain, decoded = predict(unet), vae.decode(latent).sample
    choose = {0: Policy.ALL_ON_DEVICE, 1: Policy.MODEL_OFFLOAD, 2: Policy.GROUP_OFFLOAD}.__getitem__
    placement = Placement(choose(0), CPU, [], unet, [vae], choose=choose)
    for beside in (1, 2, 1, 0, 2, 0):
        placement.make_room(beside)
        assert placement.policy is choose(beside)
        assert hasattr(unet, "_hf_hook") == (beside == 1)
        assert (hooked(unet, "group_offloading") > 100) == (beside == 2)
        assert torch.equal(predict(unet), plain) and torch.equal(vae.decode(latent).sample, decoded)


@torch.no_grad()
def predict(unet: torch.nn.Module, batch: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    sample = torch.randn(batch, unet.config.in_channels, 8, 8, generator=generator)
    if unet.config.addition_embed_type:
        return unet(sample, **small.sdxl_arguments(batch)).sample
    return unet(sample, 300, torch.randn(batch, 5, 48, generator=generator)).sample


def place(policy: Policy, unet: torch.nn.Module, vae: torch.nn.Module | None = None) -> Placement:
    after = [vae or small.vae(), small.decoder()]
    return Placement(policy, CPU, [], unet, after, storage=torch.bfloat16)


def hooked(unet: torch.nn.Module, name: str) -> int:
    registries = [module._diffusers_hook for module in unet.modules() if hasattr(module, "_diffusers_hook")]
    return sum(registry.get_hook(name) is not None for registry in registries)


@pytest.mark.parametrize("policy", [Policy.ALL_ON_DEVICE, Policy.MODEL_OFFLOAD, Policy.GROUP_OFFLOAD])
def test_pixels_do_not_depend_on_where_weights_wait(policy: Policy) -> None:
    unet, vae, latent = small.sd15_unet(), small.vae(), torch.randn(1, 4, 4, 4)
    plain, decoded = predict(unet), vae.decode(latent).sample
    place(policy, unet, vae)
    assert torch.equal(predict(unet), plain) and torch.equal(vae.decode(latent).sample, decoded)
    assert (hooked(unet, "group_offloading") > 100) == (policy is Policy.GROUP_OFFLOAD)
    assert hasattr(unet, "_hf_hook") == (policy is Policy.MODEL_OFFLOAD)
    assert hasattr(vae, "_hf_hook") == (policy is not Policy.ALL_ON_DEVICE)


def test_parts_take_turns() -> None:
    unet, vae = small.sd15_unet(), small.vae()
    place(Policy.MODEL_OFFLOAD, unet, vae)
    assert vae._hf_hook.prev_module_hook.model is unet
    ring = unet._hf_hook.prev_module_hook.model  # of the job before
    assert ring._hf_hook.prev_module_hook.model is vae


def test_groups_follow_the_layers_that_come_and_go() -> None:
    unet = small.sd15_unet()
    layer = SharingWeights.from_state_dict(official.sharing_tensors(unet, 3))
    plain = predict(unet, 3)
    with AttentionSharing(unet, layer):
        expected = predict(unet, 3)
    placement = place(Policy.GROUP_OFFLOAD, unet)
    bare = hooked(unet, "group_offloading")
    with placement.changing():
        assert hooked(unet, "group_offloading") == 0
        sharing = AttentionSharing(unet, layer)
    assert torch.equal(predict(unet, 3), expected)
    assert hooked(unet, "group_offloading") > bare  # the layers of each frame have come
    with placement.changing():
        sharing.detach()
    assert hooked(unet, "group_offloading") == bare
    assert torch.equal(predict(unet, 3), plain)


def rounded(unet: torch.nn.Module) -> torch.nn.Module:
    """As layerwise casting keeps it: all but norms in bf16."""
    with torch.no_grad():
        for name, parameter in unet.named_parameters():
            if "norm" not in name:
                parameter.copy_(parameter.to(torch.bfloat16))
    return unet


def test_casting_computes_in_full_over_half_storage() -> None:
    unet = small.sd15_unet()
    place(Policy.LAYERWISE_CASTING, unet)
    assert unet.conv_in.weight.dtype is torch.bfloat16 and unet.dtype is torch.float32
    torch.testing.assert_close(predict(unet), predict(rounded(small.sd15_unet())), atol=1e-5, rtol=0)


def test_casting_with_shared_attention_and_a_style(tmp_path: Path) -> None:
    """Merged layers are kept in what they compute in."""
    exact, unet = rounded(small.sd15_unet()), small.sd15_unet()
    layer = SharingWeights.from_state_dict(official.sharing_tensors(unet, 3))
    file = official.save(add_ons.peft(add_ons.few_factors(unet, 0)), tmp_path / "a.safetensors")
    place(Policy.LAYERWISE_CASTING, unet)
    made = []
    for each in (exact, unet):
        styles = StyleLoras(each, [], Family.SD15, {"ink": file})
        styles.use({"ink": 0.8})
        with AttentionSharing(each, layer) as sharing:
            made.append(predict(each, 3))
        assert sharing.frames == 3
        styles.use({})
        made.append(predict(each, 3))
    torch.testing.assert_close(made[2], made[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(made[3], made[1], atol=1e-5, rtol=0)


def test_casting_with_offsets_that_grow_the_input(tmp_path: Path) -> None:
    unet = small.sdxl_unet()
    path = official.save(official.diff_tensors(unet, official.is_not_qkv, 8), tmp_path / "a.safetensors")
    place(Policy.LAYERWISE_CASTING, unet)
    plain = predict(unet)
    with UNetPatch(unet, OffsetFile(path)):
        assert predict(unet).isfinite().all()
    assert torch.equal(predict(unet), plain)


def some_components(unet: torch.nn.Module, **fields: object) -> Components:
    plain = {"scheduler": None, "encode_text": None, "transparency": None, "layer_adapters": {}, "method": None}
    sizes = {"latent_channels": 4, "vae_scale_factor": 8, "scaling_factor": 1.0}
    return Components(denoiser=unet, vae=small.vae(), **plain, **sizes, **fields)


def test_the_size_of_a_job_and_the_encoders_of_its_pictures_count() -> None:
    """And before its pictures are decoded, the UNet makes way for what these take."""
    unet = small.sd15_unet()

    def choose(beside: int) -> Policy:
        return Policy.ALL_ON_DEVICE if beside <= 9 else Policy.MODEL_OFFLOAD

    memory = SimpleNamespace(beyond=lambda pixels: max(0, pixels - 100), pictures=lambda pixels: pixels)
    placement = Placement(Policy.ALL_ON_DEVICE, CPU, [], unet, [], choose=choose, free=lambda: 32 * 32 - 1)
    encoders = SimpleNamespace(encoder_bytes=5)
    components = some_components(unet, placement=placement, memory=memory, image_prompts=encoders)
    for pixels, prompts, policy in [
        (109, [], ALL),
        (110, [], MODEL),
        (104, [1], ALL),
        (105, [1], MODEL),
        (50, [], ALL),
    ]:
        components.make_room([], prompts, pixels)
        assert placement.policy is policy, pixels
    decode_opaque(torch.zeros(1, 4, 4, 4), components, unsaid)
    assert placement.unet_is_away
    predict(unet)
    decode_opaque(torch.zeros(1, 4, 2, 4), components, unsaid)
    assert not placement.unet_is_away


def test_nets_of_earlier_jobs_leave_where_the_model_would_have_to() -> None:
    """They stay as long as there is room for all; the model moves for those of the job alone."""
    unet = small.sd15_unet()
    nets = {kind: Net(lambda: cast(HintReader, object()), 1) for kind in (ControlKind.EDGES, ControlKind.DEPTH)}
    room = 2

    def choose(beside: int) -> Policy:
        return Policy.ALL_ON_DEVICE if beside <= room else Policy.MODEL_OFFLOAD

    components = some_components(
        unet,
        controls={(ControlMethod.CONTROLNET, kind): net for kind, net in nets.items()},
        placement=Placement(Policy.ALL_ON_DEVICE, CPU, [], unet, [], choose=choose),
    )
    hints = {kind: ControlHint(kind, "0" * 64) for kind in nets}

    def job(*kinds: ControlKind) -> tuple[Policy, list[bool]]:
        components.make_room([hints[kind] for kind in kinds], [])
        for kind in kinds:
            nets[kind]()
        return components.placement.policy, [net.is_loaded for net in nets.values()]

    assert job(ControlKind.EDGES) == (Policy.ALL_ON_DEVICE, [True, False])
    assert job(ControlKind.DEPTH) == (Policy.ALL_ON_DEVICE, [True, True])
    room = 1
    assert job(ControlKind.EDGES) == (Policy.ALL_ON_DEVICE, [True, False])
    assert job(ControlKind.EDGES, ControlKind.DEPTH) == (Policy.MODEL_OFFLOAD, [True, True])
    assert job() == (Policy.ALL_ON_DEVICE, [False, False])


class TestMakingWay:
    """The UNet leaves before pictures are decoded where they would need tiles beside it, and comes back when called."""

    def placed(self, free: int, policy: Policy = Policy.ALL_ON_DEVICE) -> tuple[torch.nn.Module, Placement]:
        unet = small.sd15_unet()
        return unet, Placement(policy, CPU, [], unet, [small.vae()], storage=torch.bfloat16, free=lambda: free)

    @pytest.mark.parametrize("policy", [Policy.ALL_ON_DEVICE, Policy.LAYERWISE_CASTING])
    def test_it_goes_and_comes_back(self, policy: Policy) -> None:
        unet, placement = self.placed(99, policy)
        before = predict(unet)
        placement.clear_for(100)
        placement.clear_for(100)
        assert placement.unet_is_away and len(unet._forward_pre_hooks) == 1
        assert torch.equal(predict(unet), before)
        assert not placement.unet_is_away and not unet._forward_pre_hooks

    @pytest.mark.parametrize(("free", "policy"), [(100, Policy.ALL_ON_DEVICE), (0, Policy.GROUP_OFFLOAD)])
    def test_it_stays_where_there_is_room_or_another_way(self, free: int, policy: Policy) -> None:
        _, placement = self.placed(free, policy)
        placement.clear_for(100)
        assert not placement.unet_is_away

    def test_in_main_memory_it_would_save_nothing(self) -> None:
        placement = Placement(Policy.ALL_ON_DEVICE, CPU, [], small.sd15_unet(), [])
        placement.clear_for(1 << 60)
        assert not placement.unet_is_away

    def test_it_really_leaves_the_device(self) -> None:
        """`meta` stands for the card: what lies there has no values."""
        unet = small.sd15_unet()
        placement = Placement(Policy.ALL_ON_DEVICE, CPU, [], unet, [], free=lambda: 0)
        placement._device = torch.device("meta")
        placement.clear_for(1)
        assert {x.device.type for x in unet.parameters()} == {"cpu"}
        for hook in list(unet._forward_pre_hooks.values()):
            hook(unet, ())
        assert {x.device.type for x in unet.parameters()} == {"meta"} and not placement.unet_is_away

    def test_layer_weights_change_while_it_is_away(self) -> None:
        unet, placement = self.placed(0)
        layer = SharingWeights.from_state_dict(official.sharing_tensors(unet, 3))
        with AttentionSharing(unet, layer):
            expected = predict(unet, 3)
        placement.clear_for(1)
        with placement.changing():
            sharing = AttentionSharing(unet, layer)
        assert torch.equal(predict(unet, 3), expected)
        sharing.detach()
