"""Where Kritas keep their resources: the table, with homes and systems that are not those of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from acetate_engine.commands.krita_places import kritas

FLATPAK, SNAP = ".var/app/org.kde.krita/data/krita", "snap/krita/current/.local/share/krita"
STORE = "AppData/Local/Packages/49800Krita_abc123/LocalCache/Roaming/krita"


@pytest.mark.parametrize(
    ("system", "there", "variables", "expected"),
    [
        ("linux", [], {}, [(".local/share/krita", False)]),
        ("linux", [], {"XDG_DATA_HOME": "{home}/elsewhere"}, [("elsewhere/krita", False)]),
        ("linux", [], {"XDG_DATA_HOME": "relative"}, [(".local/share/krita", False)]),
        ("linux", [], {"XDG_DATA_HOME": " "}, [(".local/share/krita", False)]),
        ("linux", [FLATPAK], {}, [(".local/share/krita", False), (FLATPAK, True)]),
        ("linux", [SNAP], {}, [(".local/share/krita", False), (SNAP, True)]),
        ("linux", [FLATPAK, SNAP], {}, [(".local/share/krita", False), (FLATPAK, True), (SNAP, True)]),
        ("linux", [".var/app/org.gimp.GIMP", "snap/gimp"], {}, [(".local/share/krita", False)]),
        ("win32", [], {}, [("AppData/Roaming/krita", False)]),
        ("win32", [], {"APPDATA": "{home}/Roaming"}, [("Roaming/krita", False)]),
        ("win32", [STORE], {}, [("AppData/Roaming/krita", False), (STORE, False)]),
        ("win32", [FLATPAK], {"XDG_DATA_HOME": "{home}/elsewhere"}, [("AppData/Roaming/krita", False)]),
        ("darwin", [], {"XDG_DATA_HOME": "{home}/elsewhere"}, [("Library/Application Support/krita", False)]),
        ("freebsd14", [], {}, []),
    ],
)
def test_every_way_to_install_krita(
    tmp_path: Path, system: str, there: list[str], variables: dict[str, str], expected: list[tuple[str, bool]]
) -> None:
    for folder in there:
        (tmp_path / folder).mkdir(parents=True)
    environment = {name: value.format(home=tmp_path) for name, value in variables.items()}
    found = kritas(system, tmp_path, environment)
    assert [(str(each.resources.relative_to(tmp_path)), each.packaging.is_sandboxed) for each in found] == expected


def test_a_file_in_the_place_of_a_folder_is_no_krita(tmp_path: Path) -> None:
    (tmp_path / "snap").mkdir()
    (tmp_path / "snap/krita").write_text("")
    assert len(kritas("linux", tmp_path, {})) == 1
