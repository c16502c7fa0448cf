#!/bin/bash
# run-idle.sh [LIB.so]: memory goes back while the program does nothing; which programs get a helper thread and which do not.
. "$(dirname "$0")/lib.sh"

limit=60

# handled WHO STATUS: the helper thread aborts; WHO handles the signal, and the program ends with STATUS.
handled() {
    run $limit "$work/handled" "$1"
    if [ "$status" -eq "$2" ] && grep -q '^larder: write after free' "$work/err"; then pass "idle/handled by $1"
    else fail "idle/handled by $1" "$(reason)"
    fi
}

for name in shrinks large cut alone arrays addresses child pinned sparse drifting regrown storm none handled forked; do
    build "$name" "idle/$name.c" -D_GNU_SOURCE -I"$here/.."
done
if needs_library "idle programs shrink"; then
    check "idle/shrinks" $limit "$work/shrinks"
    if chrt -f 1 true 2>/dev/null; then check "idle/shrinks, a real-time program" $limit chrt -f 1 "$work/shrinks"; fi
    if [ "$(nproc)" -gt 1 ]; then check "idle/pinned" $limit "$work/pinned"; else echo "skipped idle/pinned: one CPU"; fi
    check "idle/large" $limit "$work/large"
    check "idle/cut" $limit "$work/cut"
    check "idle/cut, a helper" $limit env LARDER_CONF=idle:always "$work/cut" helper
    check "idle/addresses" $limit "$work/addresses"
    check "idle/alone" $limit "$work/alone"
    check "idle/alone, always a helper" $limit env LARDER_CONF=idle:always "$work/alone" helper
    check "idle/alone, freed at random" $limit "$work/alone" random
    check "idle/alone, moved about without rseq" $limit env GLIBC_TUNABLES=glibc.pthread.rseq=0 "$work/alone" moved
    check "idle/arrays, one thread" $limit "$work/arrays"
    check "idle/arrays, threads" $limit "$work/arrays" threads
    check "idle/arrays, threads, a limit" $limit env LARDER_CONF=limit_mib:200 "$work/arrays" threads 180
    check "idle/child" $limit "$work/child"
    check "idle/sparse, one thread" $limit "$work/sparse" alone
    check "idle/sparse, one thread that goes on elsewhere" $limit "$work/sparse" left
    check "idle/sparse, threads" $limit "$work/sparse" threads
    check "idle/drifting" $limit "$work/drifting"
    check "idle/regrown" $limit "$work/regrown"
    build interposed idle/interposed.c -rdynamic && check "idle/interposed clock" $limit "$work/interposed"
    for when in before mapping; do
        check "idle/forked, $when" $limit env LARDER_CONF=double_free:at_once "$work/forked" "$when"
    done
    handled main 7
    handled other 7
    handled nobody 134
    check "idle/none, switched off" $limit env LARDER_CONF=idle:off "$work/none"
    check "idle/none, refused" $limit "$work/none" refused
fi
for delay in 20 200 1000; do
    check "idle/storm, $delay ms" $limit env LARDER_CONF=purge_delay_ms:$delay "$work/storm"
done
finish
