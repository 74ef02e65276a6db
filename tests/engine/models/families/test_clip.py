"""Prompts as painters write them, through tiny encoders with the real tokenizer."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from acetate.protocol.geometry import Extent
from acetate_engine.models.checkpoints.base import BaseModel, load_base
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.families.add_ons import AddOns
from acetate_engine.models.families.clip import Tables, encode_by_clip
from acetate_engine.models.families.components import Text
from acetate_engine.models.networks.clip_text import ClipEncoder
from tests.engine.models import official, single_file

CPU = torch.device("cpu")
LONG = ", ".join(f"thing number {n}" for n in range(60))


@pytest.fixture(scope="module", params=[Family.SD15, Family.SDXL], ids=["SD1.5", "SDXL"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> BaseModel:
    family: Family = request.param
    return load_base(single_file.write_folder(tmp_path_factory.mktemp("base") / "model", family), family)


def encoded(base: BaseModel, *prompts: str, files: dict[str, Path] | None = None, **bundled: Tables) -> Text:
    add_ons = AddOns({}, {}, (), {}, files or {}, {"older": "older.safetensors is a textual inversion (SD2)"})
    with torch.no_grad():
        return encode_by_clip(base, CPU, add_ons, lambda: bundled)(list(prompts), 0, Extent(64, 64))


def moved(a: Tensor, b: Tensor) -> list[int]:
    """Tokens whose states differ."""
    return [int(index) for index in ((a - b).abs().amax(-1)[0] > 1e-6).nonzero()]


def test_a_plain_prompt_is_read_as_diffusers_reads_it(base: BaseModel) -> None:
    tokens = [
        tokenizer("a red apple", padding="max_length", max_length=77, return_tensors="pt")
        for tokenizer in base.tokenizers
    ]
    with torch.no_grad():
        outputs = [m(t.input_ids, output_hidden_states=True) for m, t in zip(base.text_encoders, tokens, strict=True)]
    text = encoded(base, "a red apple")
    if len(outputs) == 1:
        assert torch.equal(text.prompt_embeds, outputs[0].last_hidden_state)
    else:
        assert torch.equal(text.prompt_embeds, torch.cat([output.hidden_states[-2] for output in outputs], -1))
        assert torch.equal(text.pooled_prompt_embeds, outputs[1].text_embeds)
    assert text.notes == ()


def test_a_weight_moves_its_own_word_by_its_size(base: BaseModel) -> None:
    plain, empty = encoded(base, "a red apple").prompt_embeds, encoded(base, " ").prompt_embeds
    if empty.abs().sum() == 0:  # SDXL's zeros for an empty prompt are not what its encoders make of it
        empty = encoded(base, "(:1)").prompt_embeds
    for prompt, weight in (("a (red:1.5) apple", 1.5), ("a ((red)) apple", 1.21), ("a [red] apple", 1 / 1.1)):
        changed = encoded(base, prompt).prompt_embeds
        assert moved(changed, plain) == [2]
        torch.testing.assert_close(
            changed[:, 2], empty[:, 2] + weight * (plain[:, 2] - empty[:, 2]), atol=1e-5, rtol=1e-4
        )


def test_brackets_with_weight_one_and_escapes_change_nothing(base: BaseModel) -> None:
    assert torch.equal(encoded(base, "a (red:1) apple").prompt_embeds, encoded(base, "a red apple").prompt_embeds)
    clip = ClipEncoder(base.tokenizers[0], base.text_encoders[0])
    assert clip.chunks(r"a \(red\) apple")[0].ids == clip.tokenizer("a (red) apple", add_special_tokens=False).input_ids


def test_no_word_of_a_long_prompt_is_lost(base: BaseModel) -> None:
    text = encoded(base, LONG, "short")
    assert text.prompt_embeds.shape[:2] == (2, 4 * 77)
    other = encoded(base, LONG + " changed", "short")
    assert (
        moved(text.prompt_embeds, other.prompt_embeds) and min(moved(text.prompt_embeds, other.prompt_embeds)) > 3 * 77
    )
    alone = encoded(base, "short").prompt_embeds
    torch.testing.assert_close(text.prompt_embeds[1:, :77], alone)


def test_break_begins_a_chunk(base: BaseModel) -> None:
    text = encoded(base, "a fox BREAK in snow")
    parts = [encoded(base, part).prompt_embeds for part in ("a fox", "in snow")]
    torch.testing.assert_close(text.prompt_embeds, torch.cat(parts, dim=1))


def test_words_of_ones_own(base: BaseModel, tmp_path: Path) -> None:
    widths = [model.config.hidden_size for model in base.text_encoders]
    names = ("clip_l", "clip_g") if len(widths) > 1 else ("emb_params",)
    tables = {name: torch.randn(3, width) for name, width in zip(names, widths, strict=True)}
    file = official.save(tables, tmp_path / "zyx.safetensors")
    plain = encoded(base, "a , , , apple").prompt_embeds
    own = encoded(base, "a zyx apple", files={"zyx": file}).prompt_embeds
    assert min(moved(own, plain)) == 2
    assert torch.equal(own, encoded(base, "a embedding:ZYX apple", files={"zyx": file}).prompt_embeds)
    assert torch.equal(own, encoded(base, "a zyx apple", zyx=tables).prompt_embeds)
    assert torch.equal(
        encoded(base, "a zyxw apple", files={"zyx": file}).prompt_embeds, encoded(base, "a zyxw apple").prompt_embeds
    )


def test_vectors_that_are_written_as_several_words_are_one(base: BaseModel, tmp_path: Path) -> None:
    """As diffusers writes them: <cat>, <cat>_1, …; for a model with one text encoder."""
    if len(base.text_encoders) != 1:
        pytest.skip("two tables of such words are two files")
    vectors = torch.randn(3, base.text_encoders[0].config.hidden_size)
    words = {f"<cat>_{index}" if index else "<cat>": vector.clone() for index, vector in enumerate(vectors)}
    file = official.save(words, tmp_path / "cat.safetensors")
    own = encoded(base, "a cat apple", files={"cat": file}).prompt_embeds
    torch.testing.assert_close(own, encoded(base, "a cat apple", cat={"clip_l": vectors}).prompt_embeds)


def test_the_tables_own_vectors_are_the_words(base: BaseModel) -> None:
    """A word of the vectors that another word has is that word."""
    tables = {}
    for name, tokenizer, model in zip(("clip_l", "clip_g"), base.tokenizers, base.text_encoders, strict=False):
        (token,) = tokenizer("apple", add_special_tokens=False).input_ids
        tables[name] = model.get_input_embeddings().weight[[token]].detach()
    found = encoded(base, "a red zyx", zyx=tables)
    torch.testing.assert_close(found.prompt_embeds, encoded(base, "a red apple").prompt_embeds)


def test_what_is_no_word_of_this_model_is_said(base: BaseModel) -> None:
    notes = encoded(base, "a embedding:gone fox, older").notes
    assert any("gone" in note for note in notes) and any("SD2" in note for note in notes)
