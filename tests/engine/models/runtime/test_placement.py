"""Choosing a policy, and the hooks that carry it out.

There is no accelerator here: the hooks of diffusers and accelerate are real, but move weights from the CPU to the CPU.
What that can show is that they are there, that they survive changes of the layers, and that the pixels stay the same.
"""

import pytest
import torch
from torch import Tensor

from acetate_engine.models.adapters.attention_sharing import AttentionSharing
from acetate_engine.models.adapters.sharing_weights import SharingWeights
from acetate_engine.models.adapters.styles import StyleLoras
from acetate_engine.models.adapters.unet_patch import UNetPatch
from acetate_engine.models.checkpoints.kinds import Family
from acetate_engine.models.checkpoints.offsets import OffsetFile
from acetate_engine.models.runtime.placement import Placement, Policy, WeightBytes, choose_policy, free_bytes
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


def test_casting_with_shared_attention_and_a_style(tmp_path) -> None:
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


def test_casting_with_offsets_that_grow_the_input(tmp_path) -> None:
    unet = small.sdxl_unet()
    path = official.save(official.diff_tensors(unet, official.is_not_qkv, 8), tmp_path / "a.safetensors")
    place(Policy.LAYERWISE_CASTING, unet)
    plain = predict(unet)
    with UNetPatch(unet, OffsetFile(path)):
        assert predict(unet).isfinite().all()
    assert torch.equal(predict(unet), plain)
