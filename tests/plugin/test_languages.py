"""Every text is there in every language, and arrives whole."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from acetate import language
from acetate.language import best, tr, translated, trn
from acetate.protocol.errors import DocumentError, EngineUnreachable, InvalidRequest
from acetate.session.messages import done_otherwise, headline
from tests.plugin.texts import (
    ENGINE,
    OF_A_JOB,
    PLUGIN,
    missing,
    names_of_errors,
    places,
    texts,
    texts_of_engine,
    words_of,
)

CATALOGUES = ("zh_CN", "de")
SHOWN_BY = {  # calls of Qt and of ours that show their texts: nothing may come into them untranslated
    *("setText", "setToolTip", "setPlaceholderText", "setWindowTitle", "setTitle", "setAccessibleName", "addAction"),
    *(
        "PushButton",
        "NarrowButton",
        "CheckBox",
        "QLabel",
        "ElidedLabel",
        "Fold",
        "small_button",
        "percent",
        "setFormat",
    ),
    *("addRow", "addItem", "addTab", "setSuffix", "setPrefix", "setSpecialValueText", "setFormat", "QGroupBox"),
}
NEVER_TRANSLATED = {"Acetate", "PNG", "MB", "GB", "px"}


@pytest.fixture
def chinese() -> Iterator[None]:
    language.use("zh_CN")
    yield
    language.use("en")


@pytest.fixture
def german() -> Iterator[None]:
    language.use("de")
    yield
    language.use("en")


def test_chinese_is_complete() -> None:
    lacking = missing("zh_CN", texts())
    assert not lacking, "zh_CN.json lacks " + "; ".join(lacking)


def test_what_german_lacks_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        for text in missing("de", texts()):
            print(f"\nde.json lacks {text!r}", end="")


def test_what_is_counted_has_a_form_for_one_and_for_many_in_english() -> None:
    """The first two arguments of trn; all other English is what stands in the sources."""
    for file in PLUGIN.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "trn":
                one, other = node.args[:2]
                assert isinstance(one, ast.Constant) and isinstance(other, ast.Constant), f"{file}:{node.lineno}"
                assert places(one.value) == places(other.value), f"{file}:{node.lineno}"


@pytest.mark.parametrize("code", CATALOGUES)
def test_a_translation_has_the_places_of_its_text_and_nobody_is_without_one(code: str) -> None:
    known = texts() | texts_of_engine()
    for text, word in words_of(code).items():
        assert text in known, f"{code}: nothing asks for {text!r}"
        for form in word if isinstance(word, list) else [word]:
            assert form.strip() and places(form) == places(text), f"{code}: {text!r} → {form!r}"


@pytest.mark.parametrize("code", CATALOGUES)
def test_a_catalogue_is_in_order_as_it_is_merged_by_many(code: str) -> None:
    words = list(words_of(code))
    assert words == sorted(words)


def test_nothing_is_shown_that_was_not_offered_for_translation() -> None:
    found = []
    for file in (PLUGIN / "ui").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node) in SHOWN_BY:
                found += [f"{file.name}:{node.lineno}: {text!r}" for text in _raw_texts(node)]
    assert not found, "\n".join(found)


VALUES_ARE_WORDS = {"components.placement.policy.value"}  # of enums that say so: models/runtime/placement.py


def test_no_error_or_note_has_a_name_in_it_that_only_programs_know() -> None:
    """Values of enums are such names (background_behind_foreground): `label_of` says what a person calls them."""
    files = [file for folder in OF_A_JOB for file in (ENGINE / folder).rglob("*.py") if "checkpoints" not in file.parts]
    found = []
    for file in (*files, *(PLUGIN / "protocol").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node) in {*names_of_errors(), "note", "append"}:
                for value in (part for part in ast.walk(node) if isinstance(part, ast.FormattedValue)):
                    said = ast.unparse(value.value)
                    if said.endswith(".value") and said not in VALUES_ARE_WORDS:
                        found.append(f"{file.name}:{value.lineno}: {said}")
    assert not found, "\n".join(found)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _raw_texts(call: ast.Call) -> Iterator[str]:
    for argument in call.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            text = argument.value
        elif isinstance(argument, ast.JoinedStr):
            text = "".join(str(part.value) for part in argument.values if isinstance(part, ast.Constant))
        else:
            continue
        words = set(re.findall(r"[^\W\d_]+", text)) - NEVER_TRANSLATED
        if words and not text.startswith(("acetate_", "<")):
            yield text


@pytest.mark.usefixtures("chinese")
def test_a_text_an_error_and_a_note_in_chinese() -> None:
    assert tr("&Generate") == "生成(&G)"
    assert headline(DocumentError("“树” was not generated here", "")) == ("“树”不是在这里生成的", "")
    assert headline(EngineUnreachable("no answer", "")) == ("引擎没有响应", "No answer。")
    assert headline(InvalidRequest("the seed is -1", "")) == ("种子为 -1", "")
    notice = done_otherwise(("The canvas was scaled meanwhile, and the layer with it.",))
    assert notice is not None and notice.detail == "画布在此期间被缩放，图层也随之缩放。"


@pytest.mark.usefixtures("german")
def test_a_reason_within_a_reason_is_translated_too() -> None:
    told = translated(
        "the canvas was rotated by 180°, then scaled meanwhile, and where the result belongs now cannot be told"
    )
    assert told.startswith("die Leinwand wurde inzwischen um 180° gedreht, dann skaliert,")


@pytest.mark.usefixtures("german")
def test_one_and_many() -> None:
    told = [trn("{count} layer: {names}", "{count} layers: {names}", count, names="a") for count in (1, 2, 5)]
    assert told == ["1 Ebene: a", "2 Ebenen: a", "5 Ebenen: a"]


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize("name", ["{name}", "a{0}b", "C:\\x\\1", "50 %", "is not known"])
def test_a_name_with_signs_of_its_own_comes_through(name: str) -> None:
    assert translated(f"“{name}” was not generated here") == f"„{name}“ wurde nicht hier erzeugt"
    assert tr("Seed {seed}", seed=name) == f"Startwert {name}"


def test_english_stays_as_it_is() -> None:
    assert tr("&Generate") == "&Generate" and translated("anything at all") == "anything at all"
    assert trn("{count} more", "{count} more", 3) == "3 more"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (["zh_CN"], "zh_CN"),
        (["zh-Hans-CN", "en"], "zh_CN"),
        (["zh-TW", "zh"], "zh_CN"),
        (["zh-Hant-TW", "de"], "de"),
        (["de-AT"], "de"),
        (["de_DE.UTF-8"], "de"),
        (["en_GB", "de"], "en"),
        (["fr", "C"], "en"),
        ([], "en"),
    ],
)
def test_the_first_language_that_is_there_is_taken(wanted: list[str], code: str) -> None:
    assert best(wanted) == code


def test_each_language_names_itself() -> None:
    assert language.known() == {"en": "English", "de": "Deutsch", "zh_CN": "简体中文"}


@pytest.mark.parametrize("code", CATALOGUES)
def test_a_catalogue_says_the_same_key_once(code: str) -> None:
    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    json.loads((PLUGIN / "languages" / f"{code}.json").read_text("utf-8"), object_pairs_hook=once)


def test_the_engine_speaks_english_whatever_the_docker_speaks() -> None:
    """It imports the same protocol; its command line and its log are for reports."""
    code = "from acetate.protocol.errors import InvalidRequest; print(InvalidRequest('the prompt is empty', ''))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.startswith("This cannot be made as it is set: the prompt is empty")
