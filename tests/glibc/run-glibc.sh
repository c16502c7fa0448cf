#!/usr/bin/env bash
# Runs the C tests on another glibc than the machine's: that of a newer Debian, which is unpacked and not installed. The programs are compiled as usual
# but linked to use its dynamic linker, so that larder, built on this machine, runs on it.
#
#   tests/glibc/run-glibc.sh LIB.so [SUITE…]      trixie (glibc 2.41), or the suites named; sid has the newest
#
# Skipped if no Debian mirror can be reached. The last line is `N passed, N failed`.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=/dev/null
source "$here/../children.sh"
# shellcheck source=/dev/null
source "$here/../debian.sh"

runners=(early fork threads idle semantics misuse)
passed=0 failed=0

# libraries_of SUITE: sets $libraries to the folder of the suite's libc.
libraries_of() {
    apt_with apt-get -o Acquire::Check-Valid-Until=false update && unpack "$work/$1" libc6 || return
    libraries=$work/$1/usr/lib/x86_64-linux-gnu
    [[ -x $libraries/ld-linux-x86-64.so.2 ]] || { echo "E: its libc6 has no dynamic linker"; return 1; }
}

# Runs a runner, and prints its lines with the version in front.
run() { # VERSION RUNNER
    local line good=0 bad=1 # if it ends without its sums
    rm -f "$work/counted"
    LARDER_TEST_LINK="-Wl,--dynamic-linker=$libraries/ld-linux-x86-64.so.2 -Wl,--disable-new-dtags,-rpath,$libraries" \
        "$here/../c/run-$2.sh" "$library" 2>&1 | while read -r line; do
        [[ $line == *' passed, '*' failed' ]] && echo "$line" >"$work/counted" || echo "glibc $1: $line"
    done || true
    [[ ! -e $work/counted ]] || read -r good _ bad _ <"$work/counted"
    passed=$((passed + good)) failed=$((failed + bad))
}

[[ -r ${1:-} ]] || { echo "usage: run-glibc.sh LIB.so [SUITE…]" >&2; exit 2; }
library=$(realpath "$1")
shift
work=$(mktemp -d /tmp/larder-glibc.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'end_children; exit 143' TERM INT
for suite in "${@:-trixie}"; do
    begin_apt "$work/apt-$suite" "$suite"
    if ! libraries_of "$suite" >"$work/log" 2>&1; then
        echo "skipped $suite: $(grep '^E:' "$work/log" | tail -n 1)"
        continue
    fi
    version=$("$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" --version | sed -nE '1s/.* ([0-9.]+)\.$/\1/p')
    for runner in "${runners[@]}"; do run "$version" "$runner"; done
done
echo "$passed passed, $failed failed"
((failed == 0))
