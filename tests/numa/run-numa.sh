#!/usr/bin/env bash
# Runs larder on machines with many nodes, which qemu emulates. The kernels are real, and the kernel itself reports where every page lies.
#
#   tests/numa/run-numa.sh LIB.so [MACHINE…]      all of machines/, or those named
#
# A machine is one file of machines/: its hardware (machine.sh has the words) and its checks (guest/lib.sh has the words), each of which runs
# with and without rseq. Nothing is installed and no KVM is needed: fetch.sh gets qemu and Debian's kernels once. At most as many machines run
# at the same time as there are cores and GiB of memory; the slowest start first. The console of a machine that failed is kept, and its path is
# printed. The last line is `N passed, N failed`.
# shellcheck disable=SC2154 # series: read_machine leaves it
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=/dev/null
source "$here/fetch.sh"
source "$here/image.sh"
source "$here/machine.sh"
# shellcheck source=/dev/null
source "$here/../children.sh"

limit=400 # seconds for a machine: many times what it takes, because emulated CPUs that wait for each other crawl where the host is busy
longest=(sparse old many two eight)

# run NAME: runs one machine, and reports on its checks and on the machine itself as one more check.
run() {
    local console=$work/$1.console status=0 started=$SECONDS word=ok
    read_machine "$1"
    [[ -n $(kernel_of "$series") ]] || { echo "skipped $1: Debian had no kernel $series"; return; }
    boot_until_it_ticks "$1" "$console" || status=$?
    sed 's/\r$//' "$console" | grep -E '^(ok|FAILED|\||        )' || true
    ! grep -q '^json: ' "$console" || read_figures "$1" "$console"
    # 2 * 0 + 1: all checks passed; 2 * 1 + 1: some failed and were reported.
    ((status == 1 || status == 3)) || word=FAILED
    printf '%-6s  %-44s %-8s %5d s\n' $word "$1: Linux $series, to its end" "" $((SECONDS - started))
    [[ $word == ok ]] || explain "$status" "$console"
}

# The emulator occasionally loses a CPU's timer, mostly while a machine starts, and the kernel reports that. Then the machine is started again, at most
# twice.
boot_until_it_ticks() {
    local starts pid status
    for starts in 1 2 3; do
        boot "$1" >"$2" &
        pid=$! status=0
        while kill -0 "$pid" 2>/dev/null; do
            ((starts == 3)) || ! has_lost_timer "$2" || kill "$(cat "$work/$1.pid")" 2>/dev/null || true
            sleep 0.3
        done
        wait "$pid" || status=$?
        ((starts < 3)) && has_lost_timer "$2" || return "$status"
        echo "        | $1: the emulator lost a timer, started again"
    done
}

has_lost_timer() { grep -q "kthread timer wakeup didn't happen" "$1"; }

# read_figures NAME CONSOLE: compares the machine's statistics as JSON and as tables, which must agree.
read_figures() {
    local form word=ok said
    for form in json table; do sed 's/\r$//' "$2" | sed -n "s/^$form: //p" >"$work/$1.$form"; done
    said=$(python3 "$here/../c/semantics/stats_json.py" "$work/$1.json" "$work/$1.table" 2>&1) || word=FAILED
    printf '%-6s  %-44s\n' $word "$1: statistics in both forms"
    [[ $word == ok ]] || tail -n 1 <<<"$said" | cut -c1-400 | sed 's/^/        | /'
}

explain() {
    tail -n 15 "$2" | cut -c1-200 | sed 's/^/        | /'
    (($1 != 124)) && echo "        qemu ended with status $1" || echo "        hung: it was stopped after $limit s"
}

# Prints how many machines may run at the same time. A machine uses one core and at most one GiB, most of them far less.
at_once() {
    local cores room
    cores=$(nproc) room=$(awk '/^MemAvailable:/ { print int($2 / 1024 / 1024) }' /proc/meminfo)
    echo $((room < 1 ? 1 : room < cores ? room : cores))
}

# Runs the machines, and prints each machine's report in one piece.
run_all() {
    local name report most
    most=$(at_once)
    for name; do
        while (($(jobs -pr | wc -l) >= most)); do wait -n; done
        report=$(run "$name") && echo "$report" &
    done
    wait
}

skip() {
    echo "skipped: $1"
    echo "0 passed, 0 failed"
    exit 0
}

[[ -r ${1:-} ]] || { echo "usage: run-numa.sh LIB.so [MACHINE…]" >&2; exit 2; }
library=$(realpath "$1")
shift
(($#)) || mapfile -t all < <(cd "$here/machines" && printf '%s.sh\n' "${longest[@]}" | cat - <(printf '%s\n' *.sh) | awk '!seen[$0]++' | sed 's/\.sh$//')
work=$(mktemp -d /tmp/larder-numa.XXXXXX)
trap 'end_children; rm -r "$work"; exit 143' TERM INT
why=$(fetch_lab) || { rm -r "$work"; skip "no qemu: $why"; }
build_image "$library"
run_all "${@:-${all[@]}}" | tee "$work/report" | grep -v '^|' &
wait $! # which a signal ends
sed -n 's/^| /  /p' "$work/report"
passed=$(grep -c '^ok ' "$work/report" || true)
failed=$(grep -c '^FAILED ' "$work/report" || true)
if ((failed)); then echo "the machines' consoles: $work"; else rm -r "$work"; fi
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
