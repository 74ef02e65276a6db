from __future__ import annotations

from pathlib import Path

import pytest

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import MAX_SEED, GenerateRequest, StackLayer, Style, Task
from acetate_engine.prompts.understanding import pictures_apart, understood
from acetate_engine.prompts.wildcards import drawn

STYLES = ("ink", "sub/Oil Paint", "wash")


def read(
    prompt: str, folder: Path = Path("/nowhere"), seed: int = 7, **fields: object
) -> tuple[GenerateRequest, list[str]]:
    request = GenerateRequest(Task.FOREGROUND, Bounds(0, 0, 8, 8), seed, prompt, **fields)
    return understood(request, lambda: STYLES, folder)


@pytest.mark.parametrize(
    ("mark", "style"),
    [
        ("<lora:ink:0.8>", Style("ink", 0.8)),
        ("<lora:INK>", Style("ink", 1.0)),
        ("<lyco:ink:-0.5>", Style("ink", -0.5)),
        ("<lora:oil paint:0.3:0.9>", Style("sub/Oil Paint", 0.3)),
        ("<lora:ink:9>", Style("ink", 2.0)),
    ],
)
def test_a_style_in_the_prompt(mark: str, style: Style) -> None:
    request, notes = read(f"a fox {mark} in snow")
    assert request.prompt == "a fox in snow" and request.styles == (style,)
    assert bool(notes) == (abs(style.weight) == 2)


def test_what_is_no_style_is_said() -> None:
    request, notes = read("a fox <lora:gone:1> <hypernet:x:1> <lora:ink:much>")
    assert request.prompt == "a fox" and request.styles == (Style("ink", 1.0),)
    assert [note.split(">")[0] for note in notes] == ["<lora:gone:1", "<hypernet:x:1", "<lora:ink:much"]


def test_the_request_names_a_style_first() -> None:
    request, _ = read("a fox <lora:ink:0.8>", styles=(Style("ink", 0.1),))
    assert request.styles == (Style("ink", 0.1),)


def test_plain_prompts_are_as_they_were() -> None:
    asked = GenerateRequest(Task.STACK, Bounds(0, 0, 8, 8), 1, "  a  (fox)  ", layers=(StackLayer("b  c"),))
    assert understood(asked, lambda: pytest.fail("not asked"), Path("/nowhere")) == (asked, [])


def test_wildcards_repeat_with_the_seed_and_are_said(tmp_path: Path) -> None:
    (tmp_path / "animals").mkdir()
    (tmp_path / "animals" / "cats.txt").write_text("lion\n# none\n\ntiger\nlynx\n", encoding="utf-8")
    prompt = "a {red|blue|green|grey} __animals/cats__"
    made = {read(prompt, tmp_path, seed)[0].prompt for seed in range(40)}
    assert len(made) > 6 and all(words.split()[2] in ("lion", "tiger", "lynx") for words in made)
    request, notes = read(prompt, tmp_path, 3)
    assert request == read(prompt, tmp_path, 3)[0]
    assert any(request.prompt in note for note in notes)


def test_wildcards_within_wildcards_and_weights() -> None:
    words = {drawn("{a {b|c}|d}", seed, Path("/nowhere"))[0] for seed in range(40)}
    assert words == {"a b", "a c", "d"}
    assert {drawn("{0::a|b}", seed, Path("/nowhere"))[0] for seed in range(20)} == {"b"}


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("{2$$a|b}", {"a, b", "b, a"}),
        ("{2$$ and $$a|b}", {"a and b", "b and a"}),
        ("{1-2$$a|b}", {"a", "b", "a, b", "b, a"}),
        ("{5$$a|b}", {"a, b", "b, a"}),
        ("{0$$a|b}", {""}),
        ("{3::a|0::b}", {"a"}),
    ],
)
def test_several_of_a_choice(prompt: str, words: set[str]) -> None:
    assert {drawn(prompt, seed, Path("/nowhere"))[0] for seed in range(60)} == words


@pytest.mark.parametrize("name", ["gone", "../secret"])
def test_a_wildcard_file_that_is_not_there(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("told", encoding="utf-8")
    request, notes = read(f"a __{name}__", tmp_path / "wildcards")
    assert request.prompt == f"a __{name}__"
    assert bool(notes) == (name == "gone")


def test_layers_of_a_stack_draw_for_themselves() -> None:
    layers = (StackLayer("{a|b|c|d|e|f|g|h}"), StackLayer("{a|b|c|d|e|f|g|h}"))
    drawn_layers = [read("x", seed=seed, layers=layers)[0].layers for seed in range(8)]
    assert any(first.prompt != second.prompt for first, second in drawn_layers)


def test_each_picture_is_what_it_is_by_itself() -> None:
    layers = (StackLayer("{a|b}", seed=3), StackLayer("c"))
    asked = GenerateRequest(Task.STACK, Bounds(0, 0, 8, 8), MAX_SEED, "x", layers=layers, images=2)
    first, second = pictures_apart(asked)
    assert (first.seed, second.seed, first.images) == (MAX_SEED, 0, 1)
    assert [layer.seed for layer in second.layers] == [4, None]
    plain = GenerateRequest(Task.FOREGROUND, Bounds(0, 0, 8, 8), 1, "a __ b {c", images=3)
    assert pictures_apart(plain) == [plain]


def test_marks_that_mean_nothing_here_are_said() -> None:
    assert "[cat:dog:0.5]" in read("a [cat:dog:0.5]")[1][0]
    assert "AND" in read("a cat AND a dog")[1][0]
    assert not read("A CAT AND A DOG")[1] and not read("a cat and a dog")[1]


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        b"lion\r\ntiger\r\n",
        b"\xef\xbb\xbflion\ntiger",
        b"\n\n# cats\n  lion  \n\ttiger",
        b"lion\rtiger",
        "lion\r\ntiger".encode("utf-16"),
        b"\xfe\xff" + "lion\ntiger".encode("utf-16-be"),
    ],
    ids=["CRLF", "BOM", "blanks", "CR", "UTF-16", "UTF-16 the other way"],
)
def test_wildcard_files_as_editors_write_them(content: bytes, tmp_path: Path) -> None:
    write(tmp_path / "cats.txt", content)
    assert {read("a __cats__", tmp_path, seed)[0].prompt for seed in range(20)} == {"a lion", "a tiger"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no lines"),
        (b"# none\r\n", "has no lines"),
        (b"L\xf6we", "UTF-8"),
        ("lion".encode("utf-16-le"), "UTF-8"),
        ("lion".encode("utf-32"), "UTF-8"),
        ("獅子".encode("cp932"), "UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0", "UTF-8"),
    ],
)
def test_a_wildcard_file_without_words_says_why(content: bytes, words: str, tmp_path: Path) -> None:
    write(tmp_path / "cats.txt", content)
    request, (note,) = read("a __cats__", tmp_path)
    assert request.prompt == "a __cats__" and words in note and "cats.txt" in note


def test_wildcards_of_a_whole_folder(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        write(tmp_path / "animals" / f"{name}.txt", name.encode())
    assert {read("__animals/*__", tmp_path, seed)[0].prompt for seed in range(20)} == {"cats", "dogs"}
    assert "no wildcard file" in read("__plants/*__", tmp_path)[1][0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("**", {"cats", "lions", "v1"}),
        ("animals/**", {"cats", "lions"}),
        ("**/big", {"lions"}),
        ("***", {"v1"}),
        ("animals/c**", {"cats"}),
        ("v1.5", {"v1"}),
        ("*/*", {"cats"}),
    ],
)
def test_stars_as_people_write_them(name: str, words: set[str], tmp_path: Path) -> None:
    for path, word in (("animals/cats", b"cats"), ("animals/wild/big", b"lions"), ("v1.5", b"v1")):
        write(tmp_path / f"{path}.txt", word)
    assert {read(f"__{name}__", tmp_path, seed)[0].prompt for seed in range(30)} == words


def test_a_file_of_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    write(tmp_path / "animals" / "cats.txt", b"cats")
    write(tmp_path / "animals" / "dogs.txt", b"L\xf6we")
    request, notes = read("__animals/*__ {a|b}", tmp_path)
    assert request.prompt.startswith("cats")
    assert any("dogs.txt cannot be read" in note and "nothing of it was drawn" in note for note in notes)
    assert any(request.prompt in note for note in notes)


def test_files_that_name_each_other_without_end(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", b"__b__")
    write(tmp_path / "b.txt", b"x __a__")
    assert any("without end" in note for note in read("__a__", tmp_path)[1])


@pytest.mark.parametrize(
    ("prompt", "words", "note"),
    [
        ("a {red|blue fox", "a {red|blue fox", "{ has no partner"),
        ("a red|blue} fox", "a red|blue} fox", "} has no partner"),
        (r"a \{red\} fox", "a {red} fox", ""),
        (r"{a \{b\}}", "a {b}", ""),
        ("{}", "", ""),
        ("{|}", "", ""),
        ("{{{a}}}", "a", ""),
    ],
)
def test_curly_brackets_of_every_kind(prompt: str, words: str, note: str) -> None:
    request, notes = read(prompt)
    assert request.prompt == words
    assert any(note in told for told in notes if "drawn by" not in told) == bool(note)


def test_a_style_that_a_wildcard_draws(tmp_path: Path) -> None:
    write(tmp_path / "looks.txt", b"<lora:ink:0.4>")
    assert read("a fox __looks__", tmp_path)[0].styles == (Style("ink", 0.4),)


@pytest.mark.parametrize(
    ("mark", "weight", "note"),
    [
        ("<lora:ink:nan>", 1.0, "is no weight"),
        ("<lora:ink:inf>", 1.0, "is no weight"),
        ("<lora:ink:0,8>", 1.0, "is no weight"),
        ("<lora:ink:-3>", -2.0, "the most there is"),
        ("<lora:ink:0>", 0.0, ""),
        ("<lora:ink.safetensors:0.5>", 0.5, ""),
        ("<lora:ink:0.5><lora:INK:0.7>", 0.7, "more than once"),
    ],
)
def test_weights_of_a_style_as_people_write_them(mark: str, weight: float, note: str) -> None:
    request, notes = read(f"a fox {mark}")
    assert request.styles == (Style("ink", weight),) and request.prompt == "a fox"
    assert [note in told for told in notes] == ([True] if note else [])


def test_marks_of_programs_that_are_not_known_are_read_as_words() -> None:
    request, (note,) = read("a fox <segment:face> eats")
    assert request.prompt == "a fox <segment:face> eats" and "<segment:face>" in note
    assert not read("a <3 b, x <y> z")[1]
