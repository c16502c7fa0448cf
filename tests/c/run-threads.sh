#!/bin/bash
# run-threads.sh [LIB.so]: objects that cross threads; threads that start, end, move and are cancelled.
. "$(dirname "$0")/lib.sh"

limit=60
for name in producer_consumer handover churn thousand short_lived pyramid migrate pushed cancel cancel_first \
    cancel_stdio teardown many_keys; do
    build "$name" "threads/$name.c" -D_GNU_SOURCE && check "threads/$name" $limit "$work/$name"
done
if [ "$(nproc)" = 1 ]; then
    echo "skipped threads/moved: one CPU"
elif needs_library "threads/moved" && build moved threads/moved.c -D_GNU_SOURCE -I"$here"; then
    check "threads/moved" $limit "$work/moved"
    check "threads/moved, by CPU numbers" $limit env LARDER_CONF=percpu:cpu "$work/moved"
fi
build unregistered threads/unregistered.c -D_GNU_SOURCE &&
    check "threads/unregistered" $limit env LARDER_CONF=percpu:cpu "$work/unregistered"
if needs_library "threads/unregistered is told" && [ -x "$work/unregistered" ]; then
    run $limit "$work/unregistered" alone
    told=$(grep -c '^larder: a thread that unregistered its rseq area' "$work/err")
    if [ "$status" -eq 77 ]; then echo "skipped threads/unregistered is told: no mm_cid here"
    elif [ "$status" -eq 0 ] && [ "$told" -eq 1 ]; then pass "threads/unregistered is told"
    else fail "threads/unregistered is told" "$(reason), told $told times"; fi
fi

libraries=()
for i in 1 2 3 4 5 6 7 8; do
    build "tls_module$i.so" threads/tls_module.c -shared -fPIC && libraries+=("$work/tls_module$i.so")
done
build tls_modules threads/tls_modules.c -D_GNU_SOURCE && check threads/tls_modules $limit "$work/tls_modules" "${libraries[@]}"
finish
