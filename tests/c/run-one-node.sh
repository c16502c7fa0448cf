#!/bin/bash
# run-one-node.sh [LIB.so]: on a machine with one memory node, larder makes the same system calls and takes the same memory as when it is told to
# ignore nodes (numa:off), except that it looks once how many nodes there are.
. "$(dirname "$0")/lib.sh"

limit=60
look='openat /sys/devices/system/node/online read close'
# Options that exclude everything that depends on the time or on the CPUs that the program is moved to.
steady=purge_delay_ms:3600000,cgroup:off
cpu=$(taskset -pc $$ | sed 's/.*: //; s/[,-].*//')

skip() { echo "skipped $1: $2"; }

# traced NAME POLICY: leaves $work/NAME.{calls,json,faults}. The first has the program's system calls, one name per line, with the path if a file is
# opened.
traced() {
    run $limit env -u LD_PRELOAD taskset -c "$cpu" setarch -R strace -f -qq -e signal=none -o "$work/trace" \
        -E LARDER_CONF="numa:$2,$steady" -E LD_PRELOAD="$lib" "$work/work"
    [ "$status" -eq 0 ] || return 1
    sed -E 's/^[0-9]+ +//; s/^openat\([^"]*"([^"]*)".*/openat \1/; s/^([a-z0-9_]+)\(.*/\1/' "$work/trace" >"$work/$1.calls"
    mv "$work/out" "$work/$1.json"
    tail -n 1 "$work/err" >"$work/$1.faults"
}

# surplus ONE OTHER: prints the calls that ONE made in addition to those of OTHER, in one line.
surplus() { diff "$work/$1.calls" "$work/$2.calls" | sed -n 's/^< //p' | tr '\n' ' ' | sed 's/ $//'; }

# Prints the figures of memory in one line.
memory() {
    python3 -c 'import json, sys; stats = json.load(open(sys.argv[1])); print(*(stats[key] for key in ("reserved", "committed", "metadata")))' \
        "$work/$1.json"
}

same() {
    if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "'$2', not '$3'"; fi
}

compare() {
    local more less
    more=$(surplus on off) less=$(surplus off on)
    same "system calls beyond numa:off" "$more" "$look"
    same "system calls that numa:off has more" "$less" ""
    same "address space, committed memory, metadata" "$(memory on)" "$(memory off)"
    more=$(($(cat "$work/on.faults") - $(cat "$work/off.faults")))
    # How many pages of the libraries one fault maps depends on the page cache.
    if [ "${more#-}" -le 4 ]; then pass "page faults"; else fail "page faults" "$more more"; fi
}

if needs_library "one node"; then
    build work one_node/work.c -I"$here/../../ffi/include" "$lib"
    if grep -q '[-,]' /sys/devices/system/node/online 2>/dev/null; then
        skip "one node" "this machine has several"
    elif ! setarch -R strace -qq -o "$work/trace" true 2>/dev/null; then
        skip "one node" "strace or setarch is missing, or may not trace"
    elif traced on local && traced off off; then
        compare
    else
        fail "the program, traced" "$(reason)"
    fi
fi
finish
