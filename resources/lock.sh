#!/usr/bin/env bash
# Writes resources/requirements.lock anew: the newest versions that pyproject.toml allows, with their hashes, for every
# Python and system. torch, and what belongs to a build of it, stays outside: resources/setup.sh chooses the build.
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."

LOCK=resources/requirements.lock
TORCH=$(sed -n 's/^TORCH="\(.*\)"$/\1/p' resources/setup.sh)
BUILD_OF_TORCH='^(torch|triton|nvidia-[a-z0-9-]+|cuda-[a-z]+)=='

compile() { # compile OUTPUT OPTION…
    local output=$1
    shift
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --all-extras --constraint <(echo "$TORCH") \
        --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade \
        "$@" pyproject.toml --output-file "$output"
}

compile "$LOCK.new"
mapfile -t outside < <(grep -oE "$BUILD_OF_TORCH" "$LOCK.new" | sed 's/==$//' | sort -u)
compile "$LOCK.new" "${outside[@]/#/--no-emit-package=}"
mv "$LOCK.new" "$LOCK"
printf 'lock: %s packages in %s; outside of it: %s\n' "$(grep -c '==' "$LOCK")" "$LOCK" "${outside[*]}"
