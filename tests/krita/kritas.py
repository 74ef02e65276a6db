"""`make test-kritas`: the tests of tests/krita in every Krita that Debian has, each in a root folder of its own.

    .venv/bin/python -m tests.krita.kritas [SUITE…] [-- PYTEST-ARGUMENT…]

Wants root (chroot) and debootstrap. Root folders are made once, and kept in ACETATE_ROOTS (~/.cache/acetate-tests/roots
where that is not set); delete one to have it made anew. The table goes to the screen and into tests/krita/README.md.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import platformdirs

from tests.krita.harness.home import PROCESSOR, REPOSITORY

MIRROR = os.environ.get("ACETATE_MIRROR", "http://deb.debian.org/debian")
OUT = REPOSITORY / "out" / "kritas"
README = REPOSITORY / "tests" / "krita" / "README.md"
TOOLS = ("xvfb", "xdotool", "imagemagick")
QT5, QT6 = ("python3-pyqt5", "python3-pyqt5.sip"), ("python3-pyqt6", "qt6-svg-plugins")
TABLE = re.compile(r"(?<=<!-- kritas -->\n).*?(?=<!-- /kritas -->)", re.DOTALL)

# Everything that is mounted goes with the process: nothing is left behind in the root folder.
ENTER = """
root=$1; shift
mount --make-rprivate /
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t sysfs sys "$root/sys"
for folder in $BOUND; do mkdir -p "$root$folder"; mount --rbind "$folder" "$root$folder"; done
cp /etc/resolv.conf "$root/etc/resolv.conf"
exec chroot "$root" "$@"
"""


@dataclass(frozen=True)
class Suite:
    """One Debian, with the Krita in it."""

    name: str
    binding: tuple[str, ...]
    base: str = ""  # the suite below, where `name` holds only some packages

    @property
    def root(self) -> Path:
        named = os.environ.get("ACETATE_ROOTS")
        roots = Path(named) if named else Path(platformdirs.user_cache_dir("acetate-tests", appauthor=False)) / "roots"
        return roots / self.name


SUITES = (
    Suite("bookworm", QT5),
    Suite("trixie", QT5),
    Suite("sid", QT5),
    Suite("experimental", QT6, base="sid"),
)


@dataclass(frozen=True)
class Outcome:
    """What became of the tests in one Krita."""

    krita: str
    python: str
    tests: int
    failed: tuple[str, ...]
    skipped: int
    minutes: float

    def row(self, suite: str) -> str:
        bad = f"{len(self.failed)} failed: {', '.join(self.failed)}" if self.failed else "all passed"
        verdict = bad if self.tests else "did not run"
        return f"| {self.krita} | {suite} | {self.python} | {self.tests} | {self.skipped} | {verdict} |"


def make(suite: Suite) -> None:
    """The root folder with Krita in it; leaves one alone that is whole."""
    whole = suite.root / "etc" / "acetate-root"
    if whole.exists():
        return
    if not shutil.which("debootstrap"):
        sys.exit("debootstrap is not there: as root, run apt-get install debootstrap debian-archive-keyring")
    shutil.rmtree(suite.root, ignore_errors=True)
    suite.root.parent.mkdir(parents=True, exist_ok=True)
    included = "--include=ca-certificates,git,make,python3,python3-venv"
    command = ["debootstrap", "--variant=minbase", included, suite.base or suite.name, str(suite.root), MIRROR]
    subprocess.run(command, check=True)
    target = []
    if suite.base:
        sources = suite.root / "etc/apt/sources.list.d" / f"{suite.name}.list"
        sources.write_text(f"deb {MIRROR} {suite.name} main\n")
        target = ["-t", suite.name]
    enter(suite, "apt-get", "-o", "Acquire::Check-Valid-Until=false", "update")
    packages = ("krita", *suite.binding, *TOOLS)
    enter(suite, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends",
          *target, *packages)  # fmt: skip
    enter(suite, "apt-get", "clean")
    whole.touch()


def enter(suite: Suite, *command: str, folders: list[str] | None = None, check: bool = True) -> None:
    """Runs it in the root folder, with these folders at the same places as here: this checkout and this Python."""
    isolated = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", ENTER, "enter", str(suite.root)]
    kept = {
        name: text
        for name, text in os.environ.items()
        if name in PROCESSOR or name.startswith(("PIP_", "SSL_")) or name.endswith("_proxy")
    }
    environment = {**kept, "HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    subprocess.run(
        [*isolated, *command],
        env={**environment, "BOUND": " ".join(bound_folders() if folders is None else folders)},
        check=check,
    )


def bound_folders() -> list[str]:
    """What a Python of this environment reads, without those that lie in another."""
    read = [REPOSITORY, Path(sys.base_prefix), Path(sys.prefix), *map(Path, sys.path)]
    folders = sorted({folder.resolve() for folder in read if folder.is_dir() and folder != Path("/usr")})
    return [str(folder) for folder in folders if not any(other in folder.parents for other in folders)]


def test(suite: Suite, arguments: list[str]) -> Outcome:
    report = OUT / f"{suite.name}.xml"
    OUT.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    began = time.monotonic()
    marked = ["-m", "krita and not timed and not long", f"--junitxml={report}", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *marked, *(arguments or ["tests/krita"])]
    enter(suite, "sh", "-c", 'cd "$0" && exec "$@"', str(REPOSITORY), *command, check=False)
    return read(suite, report, (time.monotonic() - began) / 60)


def read(suite: Suite, report: Path, minutes: float) -> Outcome:
    cases = list(ElementTree.parse(report).iter("testcase")) if report.exists() else []
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    names = tuple(f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}" for case in failed)
    skipped = sum(case.find("skipped") is not None for case in cases)
    python = version(suite, "python3").rpartition(".")[0] + (", PyQt6" if suite.binding is QT6 else ", PyQt5")
    return Outcome(version(suite, "krita"), python, len(cases), names, skipped, minutes)


def version(suite: Suite, package: str) -> str:
    """Of a package in the root folder, without Debian's additions."""
    query = ["dpkg-query", f"--admindir={suite.root}/var/lib/dpkg", "--show", "--showformat=${Version}", package]
    found = subprocess.run(query, capture_output=True, text=True, check=True).stdout
    return re.sub(r"^\d+:|[-+].*$", "", found)


def write_table(rows: dict[str, str]) -> None:
    """New rows in the place of those of the same suite; those of others stay."""
    text = README.read_text(encoding="utf-8")
    for line in TABLE.search(text).group().splitlines():  # type: ignore[union-attr]  # the page has the marks
        if len(cells := line.split("|")) > 3:
            rows.setdefault(cells[2].strip(), line)
    body = "\n".join(rows[suite.name] for suite in SUITES if suite.name in rows)
    head = "| Krita | Debian | Python | tests | skipped | |\n|---|---|---|---|---|---|\n"
    README.write_text(TABLE.sub(lambda _: f"{head}{body}\n", text), encoding="utf-8")


def main() -> None:
    names, _, arguments = " ".join(sys.argv[1:]).partition("-- ")
    chosen = [suite for suite in SUITES if not names or suite.name in names.split()]
    rows = {}
    for suite in chosen:
        make(suite)
        outcome = test(suite, arguments.split())
        rows[suite.name] = outcome.row(suite.name)
        print(rows[suite.name], f"{outcome.minutes:.0f} min", flush=True)
    if not arguments:
        write_table(rows)
    print("\n".join(rows.values()))
    sys.exit(any("all passed" not in row for row in rows.values()))


if __name__ == "__main__":
    main()
