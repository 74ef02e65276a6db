from __future__ import annotations

import pytest
import torch

from acetate_engine.models.adapters.concat_condition import encode_condition, grow_conv_in, on_grey
from tests.engine.models import small


@torch.no_grad()
def test_new_channels_are_ignored_until_trained() -> None:
    unet = small.sdxl_unet()
    sample, arguments = torch.randn(2, 4, 8, 8), small.sdxl_arguments(2)
    before, plain = unet.conv_in, unet(sample, **arguments).sample
    undo = grow_conv_in(unet, 8)
    torch.testing.assert_close(unet(torch.cat([sample, torch.randn(2, 4, 8, 8)], 1), **arguments).sample, plain)
    assert unet.config.in_channels == 8
    with pytest.raises(ValueError, match="8 input channels already"):
        grow_conv_in(unet, 8)
    undo()
    assert unet.conv_in is before
    assert unet.config.in_channels == 4
    assert torch.equal(unet(sample, **arguments).sample, plain)


def test_conditions_stand_on_grey() -> None:
    rgba = torch.tensor([[1.0, 0, 0.25, 0], [1, 0, 0.25, 1], [1, 0, 0.25, 0.5]])[:, :, None, None]
    expected = torch.tensor([[0.5, 0.5, 0.5], [1, 0, 0.25], [0.75, 0.25, 0.375]])[:, :, None, None]
    torch.testing.assert_close(on_grey(rgba), expected)


def test_condition_latents() -> None:
    vae = small.vae()
    rgba = torch.rand(1, 4, 70, 33)
    latent = encode_condition(rgba, vae, scaling_factor=0.5)
    assert latent.shape == (1, 4, 16, 8)
    assert torch.equal(latent, encode_condition(rgba, vae, scaling_factor=0.5))
    torch.testing.assert_close(encode_condition(rgba, vae, scaling_factor=1.0), latent * 2)
    with pytest.raises(ValueError, match="fp16"):
        encode_condition(rgba, vae.to(torch.float16), scaling_factor=0.5)
