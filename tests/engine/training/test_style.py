"""A look is learnt in weak noise; in strong noise, where shapes are decided, a style keeps to what was taught."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from acetate_engine.training.config import read_config
from acetate_engine.training.stages import STAGES
from acetate_engine.training.style import StyleConfig


def test_the_look_is_learnt_below_a_time_and_what_was_taught_is_kept_above(workshop, data):
    _, stage = STAGES["style"].build(workshop / "style.yaml", data)
    seen = []
    stage.unet.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[:2]))
    for seed in range(5):
        stage.batch_loss(np.random.default_rng(seed), torch.device("cpu"))
    looks, kept = seen[::2], seen[1::2]
    assert len(looks) == len(kept) == 5
    assert max(time.max() for _, time in looks) < 600 <= min(time.min() for _, time in kept)


def test_what_is_kept_has_its_own_captions(workshop, data):
    _, stage = STAGES["style"].build(workshop / "style.yaml", data)
    kept = stage.texts.states[stage.taught.text[0]]
    assert torch.equal(kept, stage.texts.states[stage.texts.row("disc number 1, 3d emoji")])
    assert torch.equal(
        stage.texts.states[stage.plain.text[0]], stage.texts.states[stage.texts.row("disc number 1, photo")]
    )


def test_what_is_to_be_kept_must_be_named(workshop):
    config = workshop / "style_forgetful.yaml"
    config.write_text((workshop / "style.yaml").read_text().replace("taught: {}", ""))
    with pytest.raises(ValidationError, match="say in `taught` which cut-outs the base was taught"):
        read_config(config, StyleConfig)
