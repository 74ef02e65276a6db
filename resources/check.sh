#!/usr/bin/env bash
# Everything that a change must pass. Every part runs, whatever became of those before it; one summary ends it.
#   resources/check.sh [PART…]      some of: format lint types imports tests krita (all of these where none is named), long kritas fuzz variants wheel fresh
set -uo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."

BIN=${VENV:-.venv}/bin
SLOWEST=(--durations=10 --durations-min=1)
parts=("$@")
((${#parts[@]} > 0)) || parts=(format lint types imports tests krita)

check() { # check PART
    case $1 in
    format) "$BIN/ruff" format --check . ;;
    lint) "$BIN/ruff" check . ;;
    types) "$BIN/mypy" ;;
    imports) "$BIN/lint-imports" ;;
    tests) "$BIN/pytest" -m "not krita and not timed and not long" -n auto --maxprocesses 4 --dist loadfile "${SLOWEST[@]}" ;;
    # Krita has races of its own: what fails is run once more, and named in the summary (-rR) whatever comes of it
    # Two side by side, each with a home, a screen and an engine of its own: one alone waits more than it computes.
    krita) "$BIN/pytest" tests/krita -m "krita and not timed and not long" -n auto --maxprocesses 2 --dist loadfile \
        --reruns 1 -rR "${SLOWEST[@]}" ;;
    long) "$BIN/pytest" -m long "${SLOWEST[@]}" ;;
    kritas) "$BIN/python" -m tests.krita.kritas ;;
    fuzz) SEED=${SEED:-$(date +%s)} && echo "The same again: SEED=$SEED resources/check.sh fuzz"
        ACETATE_FUZZ=10000 "$BIN/pytest" --hypothesis-seed="$SEED" tests/fuzz tests/engine/api/test_hostile.py tests/engine/api/test_schema.py \
        tests/engine/models/checkpoints/test_mutated.py ;;
    variants) variants ;;
    wheel) "$BIN/python" -m tests.krita.empty_root ;;
    fresh) "$BIN/python" -m tests.krita.fresh_clone ;; # Debian 13
    *) echo "check: no part is called $1" >&2 && return 2 ;;
    esac
}

# Other processors, numbers of threads, time zones and languages: none of them may make a difference. The first is what
# every 64-bit PC has: each library is told by a name of its own. TESTS names the files, where not all are wanted.
variants() {
    local variant result=0 avx512="from numpy._core._multiarray_umath import __cpu_dispatch__ as known
print(*(name for name in known if name == 'X86_V4' or name.startswith('AVX512')))"
    avx512=$("$BIN/python" -c "$avx512") # numpy's names for it differ from one version to the next
    local oldest="ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 MKL_ENABLE_INSTRUCTIONS=SSE4_2 \
        OPENBLAS_CORETYPE=Nehalem NUMBA_CPU_NAME=generic"
    local usual="ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_ENABLE_INSTRUCTIONS=AVX2 OPENBLAS_CORETYPE=Haswell"
    for variant in "$oldest ACETATE_TEST_THREADS=1 TZ=Asia/Kolkata LC_ALL=C" \
        "$usual ACETATE_TEST_THREADS=2 TZ=Pacific/Apia LC_ALL=C.UTF-8"; do
        printf '== variant: %s, numpy without AVX-512\n' "$variant"
        # shellcheck disable=SC2086 # one assignment, and one file, a word
        env $variant NPY_DISABLE_CPU_FEATURES="$avx512" \
            "$BIN/pytest" -m "not krita and not timed and not long" -n auto --maxprocesses 4 --dist loadfile ${TESTS:-} || result=1
    done
    return "$result"
}

summary=() failed=0
for part in "${parts[@]}"; do
    printf '\n== %s\n' "$part"
    started=$SECONDS
    if check "$part"; then verdict=passed; else verdict=FAILED failed=1; fi
    summary+=("$(printf '%-8s %s in %d s' "$part" "$verdict" $((SECONDS - started)))")
done
printf '\n== summary\n'
printf '%s\n' "${summary[@]}"
exit "$failed"
