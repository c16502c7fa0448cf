#!/bin/bash
# run-fork.sh [LIB.so]: forks of every kind while threads allocate, and signal handlers that interrupt malloc.
. "$(dirname "$0")/lib.sh"

limit=60
for name in storm crowd stdio grandchildren spawn child_threads inherit chain; do
    build "$name" "fork/$name.c" -D_GNU_SOURCE && check "fork/$name" $limit "$work/$name"
done
if build handler fork/handler.c -D_GNU_SOURCE; then
    check fork/handler $limit "$work/handler"
    needs_library "fork/handler malloc" && check "fork/handler malloc" $limit "$work/handler" malloc
fi
if build raw fork/raw.c -D_GNU_SOURCE; then
    check "fork/raw alone" $limit "$work/raw" 0
    needs_library "fork/raw under load" && check "fork/raw under load" $limit "$work/raw" 4
fi
for name in signals thread_signals cross_signals; do
    needs_library "fork/$name" && build "$name" "fork/$name.c" -D_GNU_SOURCE && check "fork/$name" $limit "$work/$name"
done
if needs_library fork/in_between && build in_between fork/in_between.c -D_GNU_SOURCE; then
    check fork/in_between $limit "$work/in_between"
fi
if needs_library fork/starting && build starting fork/starting.c -D_GNU_SOURCE; then
    check fork/starting $limit env -u LD_PRELOAD -u LARDER_CONF "$work/starting" "$lib"
fi
if build unwiped fork/unwiped.c -D_GNU_SOURCE -rdynamic && build early.so fork/early.c -D_GNU_SOURCE -shared -fPIC &&
    build unwiped_early fork/unwiped.c -D_GNU_SOURCE -rdynamic -Wl,--no-as-needed "$work/early.so" &&
    build unwiped_alone fork/unwiped.c -D_GNU_SOURCE -rdynamic -DALONE &&
    build unwiped_early_alone fork/unwiped.c -D_GNU_SOURCE -rdynamic -DALONE -Wl,--no-as-needed "$work/early.so"; then
    check "fork/unwiped refused" $limit "$work/unwiped" 22
    check "fork/unwiped refused, and another handler first" $limit "$work/unwiped_early" 22
    check "fork/unwiped not done" $limit "$work/unwiped" 0
    check "fork/unwiped refused, without handlers" $limit "$work/unwiped_alone" 22
    check "fork/unwiped refused, without handlers, and another's first" $limit "$work/unwiped_early_alone" 22
    check "fork/unwiped not done, without handlers" $limit "$work/unwiped_alone" 0
    check "fork/unwiped refused for a page" $limit "$work/unwiped" 1000
fi
if needs_library fork/kept_signals && build kept_signals fork/kept_signals.c -D_GNU_SOURCE; then
    check fork/kept_signals $limit env LARDER_CONF=idle:off "$work/kept_signals"
fi
finish
