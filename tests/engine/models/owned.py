"""A folder of model files as people have them: more than sixty, good and bad, each with what must be said of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from acetate_engine.models.checkpoints.info import Family
from tests.engine.models import official, single_file, small

Tensors = dict[str, Tensor]
KEY = "mid_block_attentions_0_transformer_blocks_0_attn2_to_k"
DOTTED = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k"


@dataclass(frozen=True)
class Owned:
    """One file: where it lies, what makes it, and words that the listing says of it.

    `loads`: whose picture a checkpoint makes: "SD1.5" or "SDXL" of the plain one, "own"; empty: it says so instead.
    """

    path: str
    make: Callable[[Path], object]
    says: tuple[str, ...]
    loads: str = ""


def tensors(made: Callable[[], Tensors], **metadata: str) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        save_file({name: x.contiguous().clone() for name, x in made().items()}, path, metadata or None)

    return make


def raw(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def header(rows: object, data: int = 0) -> bytes:
    text = json.dumps(rows).encode()
    return len(text).to_bytes(8, "little") + text + bytes(data)


def row(begin: int, end: int, shape: list[int], dtype: str = "U8") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def zeros(**shapes: tuple[int, ...]) -> Callable[[Path], object]:
    return tensors(lambda: {name: torch.zeros(shape) for name, shape in shapes.items()})


def named(*names: str, shape: tuple[int, ...] = (2, 2)) -> Callable[[Path], object]:
    return tensors(lambda: {name: torch.zeros(shape) for name in names})


def sd15() -> Tensors:
    return single_file.tensors(Family.SD15)


def sdxl() -> Tensors:
    return single_file.tensors(Family.SDXL)


def without(made: Callable[[], Tensors], *prefixes: str) -> Callable[[], Tensors]:
    return lambda: {name: x for name, x in made().items() if not name.startswith(prefixes)}


def only(made: Callable[[], Tensors], prefix: str) -> Tensors:
    return {name.removeprefix(prefix): x for name, x in made().items() if name.startswith(prefix)}


def plus(made: Callable[[], Tensors], **extra: Tensor) -> Callable[[], Tensors]:
    return lambda: {**made(), **extra}


def lora(width: int, stem: str = f"lora_unet_{KEY}", rank: int = 2) -> Callable[[Path], object]:
    return tensors(
        lambda: {f"{stem}.lora_down.weight": torch.zeros(rank, width), f"{stem}.lora_up.weight": torch.zeros(8, rank)}
    )


def linked(target: str) -> Callable[[Path], object]:
    return lambda path: path.symlink_to(target)


def folder(**stated: object) -> Callable[[Path], object]:
    """In diffusers' layout, whose scheduler states this."""

    def make(path: Path) -> None:
        config = single_file.write_folder(path, Family.SD15) / "scheduler" / "scheduler_config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), **stated}))

    return make


def wide() -> Tensors:
    return {"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(32, 9, 3, 3)}


def eight_bits(scale: bool) -> Tensors:
    """The UNet's weights in fp8, plain or scaled."""
    made = sd15()
    prefix, factor = "model.diffusion_model.", torch.tensor(0.002)
    small_ones = [name for name, x in made.items() if name.startswith(prefix) and name.endswith("to_q.weight")]
    for name in small_ones:
        made[name] = (made[name] / (factor if scale else 1)).to(torch.float8_e4m3fn)
        made |= {name.removesuffix("weight") + "scale_weight": factor} if scale else {}
    return made


def four_bits() -> Tensors:
    """As bitsandbytes packs them."""
    made, name = sd15(), "model.diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_q.weight"
    packed = torch.zeros(made[name].numel() // 2, 1, dtype=torch.uint8)
    return {**made, name: packed, f"{name}.absmax": torch.zeros(4), f"{name}.quant_map": torch.zeros(16)}


def older_names() -> Tensors:
    return {name.replace(".transformer.text_model.", ".transformer."): x for name, x in sd15().items()}


NONE = torch.zeros(0)
CHECKPOINTS = [
    Owned("checkpoints/plain.safetensors", tensors(sd15), ("base checkpoint (SD1.5)",), "SD1.5"),
    Owned("checkpoints/big.safetensors", tensors(sdxl), ("base checkpoint (SDXL)",), "SDXL"),
    Owned("checkpoints/sub/deep/LOUD.SAFETENSORS", tensors(sd15), ("base checkpoint (SD1.5)",), "SD1.5"),
    Owned("checkpoints/sub/plain.safetensors", tensors(sd15), ("base checkpoint (SD1.5)",), "SD1.5"),
    Owned("checkpoints/mini.safetensors", tensors(sd15), ("base checkpoint (SD1.5)",), "SD1.5"),
    Owned("checkpoints/short.sft", tensors(sd15), ("base checkpoint (SD1.5)",), "SD1.5"),
    Owned("checkpoints/link.safetensors", linked("plain.safetensors"), ("base checkpoint (SD1.5)",), "SD1.5"),
    Owned("checkpoints/dangling.safetensors", linked("gone.safetensors"), ("link whose target is gone",)),
    Owned(
        "checkpoints/vpred.safetensors",
        tensors(plus(sdxl, v_pred=NONE, ztsnr=NONE)),
        ("SDXL", "v-prediction", "zero terminal SNR"),
        "own",
    ),
    Owned(
        "checkpoints/meta_v.safetensors",
        tensors(sd15, **{"modelspec.prediction_type": "v"}),
        ("SD1.5", "v-prediction"),
        "own",
    ),
    Owned("checkpoints/edm.safetensors", tensors(plus(sdxl, edm_mean=NONE, edm_std=NONE)), ("EDM", "Choose")),
    Owned(
        "checkpoints/novae.safetensors",
        tensors(without(sd15, "first_stage_model")),
        ("base checkpoint (SD1.5)",),
        "SD1.5",
    ),
    Owned("checkpoints/notext.safetensors", tensors(without(sdxl, "conditioner")), ("base checkpoint (SDXL)",)),
    Owned(
        "checkpoints/unet_only.safetensors",
        tensors(lambda: small.sd15_unet().state_dict()),
        ("base checkpoint (SD1.5)",),
        "SD1.5",
    ),
    Owned(
        "checkpoints/ssd.safetensors",
        tensors(without(sdxl, "model.diffusion_model.middle_block.1.")),
        ("SSD-1B", "Choose"),
    ),
    Owned("checkpoints/paint_lightning_4step.safetensors", tensors(sdxl), ("SDXL", "Lightning: 4 steps"), "own"),
    Owned(
        "checkpoints/dmd.safetensors",
        tensors(sdxl, **{"modelspec.title": "my dmd2 8 steps"}),
        ("SDXL", "DMD2: 8 steps"),
        "own",
    ),
    Owned(
        "checkpoints/junk.safetensors", tensors(plus(sd15, betas=torch.full((4,), float("nan")))), ("SD1.5",), "SD1.5"
    ),
    Owned(
        "checkpoints/inpaint.safetensors",
        tensors(lambda: {**sd15(), **wide()}),
        ("inpainting or editing model with 9",),
    ),
    Owned(
        "checkpoints/flux.safetensors",
        named("model.diffusion_model.double_blocks.0.img_attn.norm.weight"),
        ("FLUX", "Choose"),
    ),
    Owned("checkpoints/sd3.safetensors", named("model.diffusion_model.joint_blocks.0.x"), ("SD3", "Choose")),
    Owned("checkpoints/wan.safetensors", named("blocks.0.cross_attn.k.weight"), ("Wan", "Choose")),
    Owned(
        "checkpoints/qwen.safetensors",
        named("transformer_blocks.0.img_mlp.net.0.proj.weight"),
        ("Qwen-Image", "Choose"),
    ),
    Owned(
        "checkpoints/folder",
        lambda path: single_file.write_folder(path, Family.SD15),
        ("base model folder (SD1.5)",),
        "SD1.5",
    ),
    Owned("checkpoints/leading", folder(timestep_spacing="leading"), ("base model folder (SD1.5)",), "own"),
    Owned(
        "checkpoints/flow",
        folder(_class_name="FlowMatchEulerDiscreteScheduler"),
        ("base model folder (SD1.5)", "predicts flow", "Choose"),
    ),
    Owned("checkpoints/old.ckpt", raw(b"\x80\x02}q\x00."), ("pickle", ".safetensors version")),
    Owned("checkpoints/zipped.safetensors", raw(b"PK\x03\x04" + bytes(60)), ("pickle",)),
    Owned("checkpoints/small.gguf", raw(b"GGUF" + bytes(60)), ("GGUF", "not read")),
    Owned("checkpoints/liar.ckpt", tensors(sd15), ("base checkpoint (SD1.5)",), "SD1.5"),
    Owned("checkpoints/page.safetensors", raw(b"<!DOCTYPE html><html>Sign in</html>"), ("web page", "Sign in")),
    Owned(
        "checkpoints/pointer.safetensors",
        raw(b"version https://git-lfs.github.com/spec/v1\n"),
        ("Git LFS", "git lfs pull"),
    ),
    Owned("checkpoints/empty.safetensors", raw(b""), ("empty",)),
    Owned("checkpoints/cut.safetensors", raw(header({"a": row(0, 100, [100])}, 40)), ("cut short: 60 bytes",)),
    Owned(
        "checkpoints/overlap.safetensors", raw(header({"a": row(0, 8, [8]), "b": row(4, 12, [8])}, 12)), ("overlap",)
    ),
    Owned("checkpoints/gap.safetensors", raw(header({"a": row(0, 4, [4]), "b": row(6, 10, [4])}, 10)), ("gap",)),
    Owned("checkpoints/shape.safetensors", raw(header({"a": row(0, 4, [5])}, 4)), ("other bytes than its shape",)),
    Owned("checkpoints/dtype.safetensors", raw(header({"a": row(0, 4, [4], "Q4_K")}, 4)), ("unknown type, Q4_K",)),
    Owned(
        "checkpoints/deep.safetensors",
        raw(len(b"[" * 90000).to_bytes(8, "little") + b"{" + b'"a":' + b"[" * 89995),
        ("header",),
    ),
    Owned("checkpoints/plain8.safetensors", tensors(lambda: eight_bits(False)), ("base checkpoint (SD1.5)",), "own"),
    Owned("checkpoints/scaled8.safetensors", tensors(lambda: eight_bits(True)), ("base checkpoint (SD1.5)",), "own"),
    Owned("checkpoints/nf4.safetensors", tensors(four_bits), ("packed into 4 or 8 bits", "16 bits")),
    Owned("checkpoints/older.safetensors", tensors(older_names), ("base checkpoint (SD1.5)",), "SD1.5"),
    Owned("checkpoints/no_suffix_that_is_known.model", tensors(sd15), ("base checkpoint (SD1.5)",), "SD1.5"),
    Owned("checkpoints/half.safetensors.part", raw(header({"a": row(0, 9, [9])}, 2)), ("cut short: 7 bytes",)),
    Owned("checkpoints/notes.safetensors", zeros(odd=(2, 2), other=(3,)), ("unknown model",)),
]
ADD_ONS = [
    Owned("loras/ink15.safetensors", lora(768), ("style LoRA (SD1.5)",)),
    Owned("loras/inkxl.safetensors", lora(2048), ("style LoRA (SDXL)",)),
    Owned("loras/a/twin.safetensors", lora(768), ("style LoRA (SD1.5)",)),
    Owned("loras/b/twin.safetensors", lora(768), ("style LoRA (SD1.5)",)),
    Owned("loras/sd2.safetensors", lora(1024), ("SD2", "choose one that was made")),
    Owned(
        "loras/flux.safetensors",
        lora(8, "lora_unet_double_blocks_0_img_attn_proj"),
        ("FLUX", "choose one that was made"),
    ),
    Owned("loras/flux_d.safetensors", lora(8, "transformer.single_transformer_blocks.0.attn.to_q"), ("FLUX", "choose")),
    Owned("loras/wan.safetensors", lora(8, "diffusion_model.blocks.0.self_attn.q"), ("Wan", "choose")),
    Owned(
        "loras/sd3.safetensors", lora(8, "lora_unet_joint_blocks_0_x_block_attn_proj"), ("Stable Diffusion 3", "choose")
    ),
    Owned(
        "loras/loha.safetensors",
        named(f"lora_unet_{KEY}.hada_w1_a", f"lora_unet_{KEY}.hada_w1_b", shape=(8, 768)),
        ("SD1.5",),
    ),
    Owned("loras/peft.safetensors", named(f"base_model.model.{DOTTED}.lora_A.weight", shape=(2, 768)), ("SD1.5",)),
    Owned(
        "loras/words.safetensors",
        lora(768, "lora_te_text_model_encoder_layers_0_self_attn_q_proj"),
        ("style LoRA (SD1.5)",),
    ),
    Owned("loras/oft.safetensors", named(f"lora_unet_{KEY}.oft_blocks"), ("kind that is not read here",)),
    Owned("loras/glora.safetensors", named(f"lora_unet_{KEY}.a1.weight"), ("kind that is not read here (GLoRA: ",)),
    Owned("loras/ia3.safetensors", named(f"lora_unet_{KEY}.on_input"), ("kind that is not read here (IA³: ",)),
    Owned(
        "loras/dora.safetensors",
        named(f"unet.{DOTTED}.lora_A.weight", f"unet.{DOTTED}.lora_magnitude_vector", shape=(2, 768)),
        ("style LoRA (SD1.5)",),
    ),
    Owned(
        "loras/lokr.safetensors",
        zeros(**{f"lycoris_{KEY}.lokr_w1": (2, 2), f"lycoris_{KEY}.lokr_w2": (4, 384)}),
        ("style LoRA (SD1.5)",),
    ),
    Owned("loras/norms.safetensors", named("lora_unet_conv_norm_out.w_norm", shape=(8,)), ("style LoRA",)),
    Owned("loras/lightning_bolts.safetensors", lora(768), ("style LoRA (SD1.5)",)),
    Owned("loras/hyper_8steps.safetensors", lora(2048), ("SDXL", "Hyper: 8 steps")),
    Owned("vae/plain_vae.safetensors", tensors(lambda: small.vae().state_dict()), ("VAE",)),
    Owned(
        "text_encoders/clip.safetensors",
        tensors(lambda: only(sd15, "cond_stage_model.transformer.")),
        ("text encoder",),
    ),
    Owned("embeddings/worse.safetensors", zeros(emb_params=(3, 768)), ("textual inversion (SD1.5)",)),
    Owned("embeddings/better.safetensors", zeros(clip_l=(2, 768), clip_g=(2, 1280)), ("textual inversion (SDXL)",)),
    Owned("embeddings/old.pt", raw(b"PK\x03\x04" + bytes(60)), ("pickle",)),
    Owned(
        "controlnet/control_v11p_sd15_canny.safetensors",
        named("control_model.middle_block.1.transformer_blocks.0.attn2.to_k.weight", shape=(2, 768)),
        ("ControlNet (SD1.5)",),
    ),
    Owned(
        "ip_adapter/look.safetensors",
        named("ip_adapter.1.to_k_ip.weight", "image_proj.proj.weight", shape=(2, 768)),
        ("IP-Adapter (SD1.5)",),
    ),
    Owned(
        "layerdiffuse/layer_sd15_transparent_attn.safetensors",
        tensors(lambda: official.sharing_tensors(small.sd15_unet(), 1)),
        ("attention sharing",),
    ),
]
ALL = CHECKPOINTS + ADD_ONS


def write(models: Path) -> None:
    for owned in ALL:
        path = models / owned.path
        path.parent.mkdir(parents=True, exist_ok=True)
        owned.make(path)
