#!/usr/bin/env bash
# Runs real programs on larder and compares their results with those on the system's malloc.
#
#   tests/programs/run-programs.sh LIB.so [NAME…]      all the programs beside this file, or those named
#
# Each runs once normally, and again, on a smaller scale, with rseq switched off in glibc (larder's fallback). Two run at a time.
# The log of a failure is kept, and its path is printed. The last line is `N passed, N failed`.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=/dev/null
source "$here/../children.sh"
declare -A settings=(
    [rseq]='LARDER_TEST_SMALL=0'
    [no-rseq]='LARDER_TEST_SMALL=1 GLIBC_TUNABLES=glibc.pthread.rseq=0'
)

names() { (cd "$here" && printf '%s\n' *.sh) | sed 's/\.sh$//' | grep -vxE 'lib|run-programs'; }

# check MODE NAME: runs one program and reports on it.
check() {
    local log=$logs/$2.$1.log started=$EPOCHREALTIME status=0 word=ok tenths
    # shellcheck disable=SC2086
    env ${settings[$1]} LARDER_LIB="$library" timeout -k 30 300 "$here/$2.sh" >"$log" 2>&1 || status=$?
    ((status == 0)) || word=FAILED
    tenths=$(((${EPOCHREALTIME/./} - ${started/./}) / 100000))
    printf '%-6s  %-10s %-8s %4d.%d s\n' "$word" "$2" "$1" $((tenths / 10)) $((tenths % 10))
    ((status == 0)) || explain "$status" "$log"
}

explain() {
    tail -n 15 "$2" | cut -c1-300 | sed 's/^/        | /'
    echo "        exit status $1; the whole log: $2"
}

check_all() {
    local mode name
    for mode in rseq no-rseq; do
        for name; do
            while (($(jobs -pr | wc -l) >= 2)); do wait -n; done
            report=$(check $mode "$name") && echo "$report" & # in one piece
        done
    done
    wait
}

[[ -r ${1:-} ]] || { echo "usage: run-programs.sh LIB.so [NAME…]" >&2; exit 2; }
logs=$(mktemp -d /tmp/larder-programs.XXXXXX)
trap 'end_children; rm -r "$logs"; exit 143' TERM INT
chmod 755 "$logs"
library=$logs/$(basename "$1") # where programs that drop root can read it
install -m 755 "$1" "$library"
shift
(($#)) || mapfile -t all < <(names)
check_all "${@:-${all[@]}}" | tee "$logs/report" &
wait $! # which a signal ends
passed=$(grep -c '^ok ' "$logs/report" || true)
failed=$(grep -c '^FAILED ' "$logs/report" || true)
((failed)) || rm -r "$logs"
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
