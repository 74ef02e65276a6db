"""What a worker imports for its first layer, and that nothing is missing later: in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_NAMES = """
import json, sys
def names():
    return {name: sorted(vars(module)) for name, module in list(sys.modules.items())
            if name.partition(".")[0] == "diffusers" and hasattr(module, "__dict__")}
"""
_LEAN = "from acetate_engine.models.runtime.lean import lean_diffusers, whole_diffusers\n"
_WITHOUT = ("torch._dynamo", "torch._refs", "peft", "transformers", "scipy.stats", "scipy.integrate")


def run(code: str, *arguments: str) -> Any:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_first_layer_imports_neither_compiler_nor_peft_nor_transformers() -> None:
    found = run(
        _LEAN
        + """
import json, sys
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, Task
from acetate_engine.jobs.worker import warm_up
from acetate_engine.pipelines.contract import Silent
from acetate_engine.pipelines.tasks import TaskGenerator
generator = TaskGenerator()
warm_up(generator)
request = GenerateRequest(Task.FOREGROUND, Bounds(0, 0, 64, 64), 1, prompt="a fox", steps=1)
layer, = generator.generate(request, {}, Silent()).layers
print(json.dumps({"shape": layer.pixels.shape, "there": [name for name in sys.argv[1:] if name in sys.modules]}))
""",
        *_WITHOUT,
    )
    assert found == {"shape": [64, 64, 4], "there": []}


def test_whole_diffusers_has_every_name_that_it_has_without_this() -> None:
    """Also where its networks came first, and of the modules that are imported on the way."""
    whole = run(
        _NAMES + _LEAN + "lean_diffusers()\nwhole_diffusers()\nimport diffusers.loaders.lora_base\n"
        "print(json.dumps(names()))"
    )
    usual = run(
        _NAMES + "import importlib, json\nfor name in json.loads(sys.argv[1]):\n    importlib.import_module(name)\n"
        "print(json.dumps(names()))",
        json.dumps(sorted(whole)),
    )
    missing = {
        name: sorted(set(usual[name]) - set(whole[name])) for name in whole if set(usual[name]) - set(whole[name])
    }
    assert missing == {}


def test_tensors_without_values_are_known_to_a_worker_that_has_become_whole() -> None:
    """These operators have what they do there in Python alone."""
    shapes = run(
        _LEAN
        + """
import json
lean_diffusers()
whole_diffusers()
import torch
from torch.utils.flop_counter import FlopCounterMode
x = torch.empty(2, 4, 8, 8, device="meta")
with FlopCounterMode(display=False) as counter:
    y = torch.nn.functional.conv2d(x, torch.empty(3, 4, 3, 3, device="meta"), padding=1)
print(json.dumps([list(y.shape), list(torch.linalg.vector_norm(x, dim=1).shape), counter.get_total_flops()]))
"""
    )
    assert shapes == [[2, 3, 8, 8], [2, 8, 8], 2 * 2 * 3 * 8 * 8 * 4 * 9]


def test_a_style_of_the_embedded_model_finds_what_it_imports() -> None:
    """peft, which imports parts of torch that want to come after what was left out."""
    shape = run(
        _LEAN
        + """
import json
lean_diffusers()
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, Style, Task
from acetate_engine.pipelines.contract import Silent
from acetate_engine.pipelines.tasks import TaskGenerator
style = Style("fantasy_painting", 1.0)
request = GenerateRequest(Task.FOREGROUND, Bounds(0, 0, 64, 64), 1, prompt="a fox", steps=1, styles=(style,))
layer, = TaskGenerator().generate(request, {}, Silent()).layers
print(json.dumps(layer.pixels.shape))
"""
    )
    assert shape == [64, 64, 4]


def test_schedulers_find_the_parts_of_scipy_when_they_want_them() -> None:
    sigmas = run(
        _LEAN
        + """
import json
lean_diffusers()
from diffusers import EulerDiscreteScheduler, LMSDiscreteScheduler
euler = EulerDiscreteScheduler(use_beta_sigmas=True)
euler.set_timesteps(4)
lms = LMSDiscreteScheduler()
lms.set_timesteps(4)
print(json.dumps([*euler.sigmas.tolist(), lms.get_lms_coefficient(2, 1, 0)]))
"""
    )
    assert len(sigmas) == 6 and sigmas[0] > sigmas[3] > 0


def test_styles_and_weights_in_8_bits_go_together_in_a_worker_that_began_lean(tmp_path: Path) -> None:
    """diffusers' hook for weights in 8 bits has to know peft's layers, which came later."""
    found = run(
        _LEAN
        + """
import json
lean_diffusers()
whole_diffusers()
import torch
from diffusers import UNet2DConditionModel
from peft import LoraConfig, inject_adapter_in_model
unet = UNet2DConditionModel(block_out_channels=(32, 32), down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=8, attention_head_dim=8, norm_num_groups=8)
inject_adapter_in_model(LoraConfig(target_modules=["to_q"]), unet)
unet.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float32)
from diffusers.hooks.layerwise_casting import PeftInputAutocastDisableHook
hooked = [m for m in unet.modules() if any(isinstance(h, PeftInputAutocastDisableHook)
          for h in getattr(getattr(m, "_diffusers_hook", None), "hooks", {}).values())]
out = unet(torch.zeros(1, 4, 8, 8), 1, torch.zeros(1, 2, 8)).sample
print(json.dumps([len(hooked), bool(torch.isfinite(out).all())]))
"""
    )
    assert found[0] > 0 and found[1]
