"""The docker speaks Krita's language, or the one chosen in its settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.krita.harness.display import Display
from tests.krita.harness.engine import Engine
from tests.krita.harness.home import Home, install_plugin, new_home
from tests.krita.harness.painter import Painter
from tests.krita.harness.process import KritaProcess, warm_up

Start = Callable[[str, str], Painter]


@pytest.fixture
def start(display: Display) -> Iterator[Start]:
    """A Krita that is set to the first language, with Acetate set to the second."""
    home = new_home(lambda each: warm_up(each, display))
    install_plugin(home)
    running: list[KritaProcess] = []

    def begin(of_krita: str, of_acetate: str) -> Painter:
        speak(home, of_krita, of_acetate)
        running.append(KritaProcess(home, display))
        painter = Painter(running[0])
        painter.show_docker()
        return painter

    yield begin
    running[0].quit()
    Engine(home).stop()
    home.remove()


def speak(home: Home, of_krita: str, of_acetate: str) -> None:
    (home.config / "klanguageoverridesrc").write_text(f"[Language]\nkrita={of_krita}\n")
    (home.config / "acetate").mkdir(exist_ok=True)
    (home.config / "acetate" / "docker.json").write_text(json.dumps({"language": of_acetate}))


def test_the_docker_speaks_the_language_of_krita(start: Start) -> None:
    painter = start("zh_CN:en", "")
    assert painter.krita.run("text('acetate_generate')").startswith("生成")
    painter.new_document(128, 128)
    painter.press_generate()
    painter.wait_for_message("提示词为空", "请输入图层上应出现的内容")


def test_the_language_of_the_settings_comes_first(start: Start) -> None:
    painter = start("zh_CN", "de")
    assert "rzeugen" in painter.krita.run("text('acetate_generate')").replace("&", "")
