"""`make test-kritas`: the tests of tests/krita in every Krita that Debian has, each in a root folder of its own.

    .venv/bin/python -m tests.krita.kritas [SUITE…] [FILE…]

Wants root (chroot) and debootstrap. Root folders are made once, and kept in ACETATE_ROOTS (~/.cache/acetate-tests/roots
where that is not set); delete one to have it made anew. What each file came to is kept in out/kritas: a run that was
broken off goes on where it was, one after a whole run begins anew, and files that are named are always run. The table
goes to the screen and, after every file, into tests/krita/README.md.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Self
from xml.etree import ElementTree

import platformdirs

from acetate_engine.paths import models_dir
from tests.krita.harness.home import PROCESSOR, REPOSITORY

MIRROR = os.environ.get("ACETATE_MIRROR", "http://deb.debian.org/debian")
OUT = REPOSITORY / "out" / "kritas"
README = REPOSITORY / "tests" / "krita" / "README.md"
TOOLS = ("xvfb", "xdotool", "imagemagick")
QT5, QT6 = ("python3-pyqt5", "python3-pyqt5.sip"), ("python3-pyqt6", "qt6-svg-plugins")
TABLE = re.compile(r"(?<=<!-- kritas -->\n).*?(?=<!-- /kritas -->)", re.DOTALL)
HEAD = "| Krita | Debian | Python | files | tests | skipped | run | |\n|---|---|---|---|---|---|---|---|\n"
AT_ONCE = 2  # files: one alone waits more than it computes
NO_TESTS = 5  # what pytest ends with where the marks leave none of a file

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

    def report(self, file: str) -> Path:
        return OUT / self.name / f"{file}.xml"


SUITES = (
    Suite("bookworm", QT5),
    Suite("trixie", QT5),
    Suite("sid", QT5),
    Suite("experimental", QT6, base="sid"),
)


@dataclass(frozen=True)
class Outcome:
    """What became of one file's tests in one Krita."""

    tests: int
    failed: tuple[str, ...]
    again: tuple[str, ...]  # failed, and passed when run once more
    skipped: int
    day: str
    commit: str  # with a + where something was changed since

    @classmethod
    def read(cls, report: Path) -> Self:
        run = ElementTree.parse(report).getroot()
        cases = {named(case): case for case in run.iter("testcase")}  # of one that ran twice, the second
        failed = tuple(name for name, case in cases.items() if {"failure", "error"} & {found.tag for found in case})
        skipped = sum(case.find("skipped") is not None for case in cases.values())
        again = tuple(name for one in run.iter("again") if (name := one.text or "") not in failed)
        return cls(len(cases), failed, again, skipped, run.get("day", ""), run.get("commit", ""))


def named(case: ElementTree.Element) -> str:
    return f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"


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


def enter(suite: Suite, *command: str, folders: list[str] | None = None, check: bool = True) -> int:
    """Runs it in the root folder, with these folders at the same places as here: this checkout and this Python."""
    isolated = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", ENTER, "enter", str(suite.root)]
    kept = {
        name: text
        for name, text in os.environ.items()
        if name in PROCESSOR or name.startswith(("PIP_", "SSL_")) or name.endswith("_proxy")
    }
    environment = {**kept, "HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    return subprocess.run(
        [*isolated, *command],
        env={**environment, "BOUND": " ".join(bound_folders() if folders is None else folders)},
        check=check,
    ).returncode


def bound_folders() -> list[str]:
    """What a Python of this environment and the tests read, without those that lie in another."""
    read = [REPOSITORY, Path(sys.base_prefix), Path(sys.prefix), *map(Path, sys.path), models_dir() / "parts"]
    folders = sorted({folder.resolve() for folder in read if folder.is_dir() and folder != Path("/usr")})
    return [str(folder) for folder in folders if not any(other in folder.parents for other in folders)]


def test(suite: Suite, file: str) -> None:
    """Leaves a report only where pytest came to its end."""
    report = suite.report(file)
    raw, log = report.with_suffix(".running"), report.with_suffix(".log")
    report.parent.mkdir(parents=True, exist_ok=True)
    for before in (report, raw, log):
        before.unlink(missing_ok=True)
    marked = ["-m", "krita and not timed and not long", f"--junitxml={raw}", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *marked, "--reruns", "1", "-rR", f"tests/krita/{file}.py"]
    inside = 'cd "$1" && shift && exec "$@" >"$0" 2>&1'
    ended = enter(suite, "sh", "-c", inside, str(log), str(REPOSITORY), *command, check=False)
    if not raw.exists() or ended not in (0, 1, NO_TESTS):
        print(log.read_text(errors="replace")[-2000:] if log.exists() else "", flush=True)
        return
    keep(raw, report, log.read_text(errors="replace"))


def tested(todo: Sequence[tuple[Suite, str]]) -> Iterator[tuple[Suite, str]]:
    """Each as soon as it has run."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {pool.submit(test, *one): one for one in todo}
        try:
            for ended in as_completed(running):
                ended.result()
                yield running[ended]
        finally:
            pool.shutdown(cancel_futures=True)


def keep(raw: Path, report: Path, log: str) -> None:
    """pytest's report, with the day, the commit, and what was run again: of that it says nothing itself."""
    run = ElementTree.parse(raw)
    for parts in re.findall(r"^RERUN \S*?(\w+)\.py(::.*?)(?: - .*)?$", log, re.MULTILINE):
        ElementTree.SubElement(run.getroot(), "again").text = "".join(parts)
    run.getroot().set("day", datetime.now(timezone.utc).date().isoformat())
    run.getroot().set("commit", commit())
    run.write(report)
    raw.unlink()


def commit() -> str:
    """The table itself is no change."""
    table = README.relative_to(REPOSITORY).as_posix()
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", f":!{table}")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def git(*words: str) -> str:
    command = ["git", "-C", str(REPOSITORY), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def version(suite: Suite, package: str) -> str:
    """Of a package in the root folder, without Debian's additions."""
    query = ["dpkg-query", f"--admindir={suite.root}/var/lib/dpkg", "--show", "--showformat=${Version}", package]
    found = subprocess.run(query, capture_output=True, text=True, check=True).stdout
    return re.sub(r"^\d+:|[-+].*$", "", found)


def row(suite: Suite) -> str:
    """What its reports say together."""
    done = {file: Outcome.read(suite.report(file)) for file in files() if suite.report(file).exists()}
    tests, skipped = (sum(getattr(one, name) for one in done.values()) for name in ("tests", "skipped"))
    python = version(suite, "python3").rpartition(".")[0] + (", PyQt6" if suite.binding is QT6 else ", PyQt5")
    count = f"{len(done)} of {len(files())}"
    when = ", ".join(sorted({one.day for one in done.values()}) + sorted({one.commit for one in done.values()}))
    cells = (version(suite, "krita"), suite.name, python, count, str(tests), str(skipped), when, verdict(done))
    return f"| {' | '.join(cells)} |"


def verdict(done: dict[str, Outcome]) -> str:
    lists = {
        "failed": [name for one in done.values() for name in one.failed],
        "passed when run again": [name for one in done.values() for name in one.again],
        "not run": [file for file in files() if file not in done],
    }
    said = [f"{what}: {', '.join(names)}" for what, names in lists.items() if names]
    return "; ".join(said if lists["failed"] else ["all passed", *said])


def files() -> list[str]:
    return sorted(path.stem for path in (REPOSITORY / "tests" / "krita").glob("test_*.py"))


def write_table() -> None:
    """New rows in the place of those of the same suite; those of suites without a report stay."""
    text = README.read_text(encoding="utf-8")
    rows = {}
    for line in TABLE.search(text).group().splitlines():  # type: ignore[union-attr]  # the page has the marks
        if len(cells := line.split("|")) > 3:
            rows[cells[2].strip()] = line
    rows |= {suite.name: row(suite) for suite in SUITES if any(suite.report(file).exists() for file in files())}
    body = "\n".join(rows[suite.name] for suite in SUITES if suite.name in rows)
    README.write_text(TABLE.sub(lambda _: f"{HEAD}{body}\n", text), encoding="utf-8")


def waiting(suites: Sequence[Suite], named: Sequence[str]) -> list[tuple[Suite, str]]:
    """What is to be run: what is named, or what a broken-off run left; everything where nothing is left."""
    everything = [(suite, file) for suite in suites for file in named or files()]
    left = [(suite, file) for suite, file in everything if named or not suite.report(file).exists()]
    return left or everything


def main() -> None:
    chosen = [suite for suite in SUITES if suite.name in sys.argv] or list(SUITES)
    named = [Path(word).stem for word in sys.argv[1:] if word not in {suite.name for suite in SUITES}]
    if unknown := set(named) - set(files()):
        sys.exit(f"There is no suite and no file in tests/krita called {', '.join(sorted(unknown))}.")
    todo = waiting(chosen, named)
    for suite in dict.fromkeys(suite for suite, _ in todo):
        make(suite)
    failed = False
    for suite, file in tested(todo):
        outcome = Outcome.read(suite.report(file)) if suite.report(file).exists() else None
        failed = failed or outcome is None or bool(outcome.failed)
        print(f"{suite.name} {file}: {outcome or 'broke off'}", flush=True)
        write_table()
    print("".join((HEAD, *(f"{row(suite)}\n" for suite in chosen))))
    sys.exit(failed)


if __name__ == "__main__":
    main()
