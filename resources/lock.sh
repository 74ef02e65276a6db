#!/usr/bin/env bash
# Writes the locks anew: the newest versions that pyproject.toml allows, with their hashes, for every Python and system.
# requirements.lock is what a checkout wants; engine.lock the part of it that the docker installs for the engine, with uv.
# torch, and what belongs to a build of it, stays outside: resources/setup.sh, or the docker, chooses the build.
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."

LOCK=resources/requirements.lock
ENGINE_LOCK=resources/engine.lock
TORCH=$(sed -n 's/^TORCH="\(.*\)"$/\1/p' resources/setup.sh)
BUILD_OF_TORCH='^(torch|triton|nvidia-[a-z0-9-]+|cuda-[a-z]+)=='

compile() { # compile OUTPUT OPTION…
    local output=$1
    shift
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --constraint <(echo "$TORCH") \
        --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade \
        "$@" pyproject.toml --output-file "$output"
}

compile "$LOCK.new" --all-extras
mapfile -t outside < <(grep -oE "$BUILD_OF_TORCH" "$LOCK.new" | sed 's/==$//' | sort -u)
compile "$LOCK.new" --all-extras "${outside[@]/#/--no-emit-package=}"
compile "$ENGINE_LOCK.new" --extra installer "${outside[@]/#/--no-emit-package=}"
mv "$LOCK.new" "$LOCK"
mv "$ENGINE_LOCK.new" "$ENGINE_LOCK"
printf 'lock: %s packages in %s; outside of it: %s\n' "$(grep -c '==' "$LOCK")" "$LOCK" "${outside[*]}"
