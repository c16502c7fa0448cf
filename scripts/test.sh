#!/usr/bin/env bash
# The one test command, which checks everything. Needs Debian 12, Rust 1.95 and root (to install missing Debian packages).
#
#   scripts/test.sh            everything
#   scripts/test.sh --quick    without the real programs
#
# If a step fails, the others still run; the exceptions are the packages and the build, without which no other step could run.
# The last line is `N passed, N failed`, over all checks of all steps. Before it come the titles of the steps that failed and the number of skipped
# ones, if any.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
source tests/children.sh
library=$target/release/liblarder.so
no_rseq=GLIBC_TUNABLES=glibc.pthread.rseq=0
quick=
[[ ${1:-} == --quick ]] && quick=yes && shift
(($# == 0)) || { echo "usage: scripts/test.sh [--quick]" >&2; exit 2; }

passed=0
failed=0
skipped=0
failures=()
log=$(mktemp /tmp/larder-test.XXXXXX)
trap 'rm -f "$log"' EXIT
trap 'end_children; exit 130' INT
trap 'end_children; exit 143' TERM

# step TITLE CMD…: runs one step, for at most 15 minutes, and adds up its checks; a step that does not count its checks counts as one.
step() {
    local title=$1 status=0 started=$SECONDS
    shift
    printf '\n== %s\n' "$title"
    # In the background, because a signal ends the wait but would not end a step in the foreground; pipefail gives its status. In background
    # processes bash ignores SIGINT, so it is reset for the programs under test.
    env --default-signal=INT,QUIT timeout -k 10 900 "$@" 2>&1 | tee "$log" &
    wait $! || status=$?
    count "$status" || ((status > 0)) || status=1 # a runner may report a failure and exit with 0
    printf -- '-- %s: %d s\n' "$title" $((SECONDS - started))
    ((status == 0)) || fail "$title" "$status"
}

# must TITLE CMD…: a step without which the others could not run.
must() {
    local before=${#failures[@]}
    step "$@"
    ((${#failures[@]} == before)) || finish
}

# count STATUS: adds up the result lines of cargo and of our own tests (`3 passed, 0 failed`), and the lines that say that something was skipped.
# Fails if a check failed.
count() {
    local good bad left
    left=$(grep -c '^skipped' "$log" || true)
    read -r good bad < <(sed -nE 's/^(test result: [a-zA-Z]+\. )?([0-9]+) passed[;,] ([0-9]+) failed.*/\2 \3/p' "$log" |
        awk '{ good += $1; bad += $2 } END { print good + 0, bad + 0 }')
    ((good + bad + left > 0 || $1 != 0)) || good=1
    ((bad > 0 || $1 == 0)) || bad=1
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + left))
    ((bad == 0))
}

fail() {
    local what=$1
    (($2 != 124)) || what+=" did not end in 15 minutes"
    printf 'FAILED: %s\n' "$what"
    failures+=("$what")
}

finish() {
    local title word="all is well"
    ((${#failures[@]} == 0)) || word="not all is well"
    printf '\n%s after %d min %d s\n' "$word" $((SECONDS / 60)) $((SECONDS % 60))
    for title in "${failures[@]}"; do echo "FAILED: $title"; done
    ((skipped == 0)) || echo "$skipped skipped"
    echo "$passed passed, $failed failed"
    exit $((${#failures[@]} > 0))
}

skip() {
    printf '\n== %s: skipped, %s\n' "$1" "$2"
    skipped=$((skipped + 1))
}

both_modes() { # TITLE CMD…
    step "$1" "${@:2}"
    step "$1, without rseq" env $no_rseq "${@:2}"
}

style() {
    if cargo fmt --version >/dev/null 2>&1; then step "cargo fmt" cargo fmt --all --check; else skip "cargo fmt" "not installed"; fi
    if cargo clippy --version >/dev/null 2>&1; then
        # The C library separately: it is built without std, but in one build with the others its libc crate would have the feature `std`.
        step "cargo clippy" cargo clippy --locked --workspace --exclude larder-ffi --all-targets -- -D warnings
        step "cargo clippy, the C library" cargo clippy --locked -p larder-ffi -- -D warnings
    else
        skip "cargo clippy" "not installed"
    fi
}

build() {
    must "cargo build --release" cargo build --locked --release
    step "what it left" ls -l "$target"/release/{larder,liblarder.so,liblarder.a}
    # With a second program among the default members, `cargo run` would not know which one to run.
    step "the README's first command" bash -c \
        '[[ $(cargo run --release -- run -- python3 -c "print(sum(range(10**6)))") == 499999500000 ]]'
}

# Tests the locks and the lock-free structures under loom, which replaces the atomics and is therefore a workspace of its own.
loom() {
    step "loom" env RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR="$target/loom" \
        cargo test --locked --release --manifest-path tests/loom/Cargo.toml
}

c_tests() {
    local runner
    for runner in tests/*/run-*.sh; do
        case $runner in
            tests/programs/*) ;; # a step of their own
            tests/numa/* | tests/glibc/*) step "$runner" "$runner" "$library" ;; # both modes in one run, or have had both
            *) both_modes "$runner" "$runner" "$library" ;;
        esac
    done
}

checks() {
    local script
    for script in scripts/check-*.sh; do
        step "$script" "$script" "$library"
    done
}

must "Debian packages" scripts/install-test-packages.sh
style
build
both_modes "cargo test" cargo test --locked --release --no-fail-fast --workspace --exclude larder-ffi
loom
checks
c_tests
if [[ $quick ]]; then skip "real programs" "--quick"; else step "real programs" tests/programs/run-programs.sh "$library"; fi
finish
