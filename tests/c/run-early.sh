#!/bin/bash
# run-early.sh [LIB.so]: calls before the program begins and after it ends, and unusual ways to start a program.
. "$(dirname "$0")/lib.sh"

limit=30
archive=${lib%.so}.a

for name in first first_stack no_environ thread_in_constructor; do
    build "$name" "early/$name.c" -D_GNU_SOURCE && check "early/$name" $limit "$work/$name"
done
build ifunc early/ifunc.c -Wl,-z,now && check early/ifunc $limit "$work/ifunc"
build ifunc_fixed early/ifunc.c -Wl,-z,now -no-pie && check "early/ifunc without pie" $limit "$work/ifunc_fixed"

# Without any environment LD_PRELOAD cannot be set, so the loader gets the library on its command line.
loader=$(readelf -lW "$work/first" | sed -n 's/.*interpreter: \(.*\)\]/\1/p')
build exec_bare early/exec_bare.c &&
    check "early/no environment" $limit "$work/exec_bare" "$loader" ${lib:+--preload "$lib"} "$work/first"

# check_beside NAME PRELOAD: another preloaded library allocates in its constructor.
check_beside() {
    check "early/$1" $limit env LD_PRELOAD="$2" "$work/first"
}
if build neighbour.so early/neighbour.c -shared -fPIC; then
    check_beside "neighbour after" "${lib:+$lib:}$work/neighbour.so"
    check_beside "neighbour before" "$work/neighbour.so${lib:+:$lib}"
fi

build inner.so threads/tls_module.c -shared -fPIC && build dlmopen early/dlmopen.c -D_GNU_SOURCE &&
    check early/dlmopen $limit "$work/dlmopen" "$work/inner.so"
needs_library exit_stats && build exit_stats early/exit_stats.c && check early/exit_stats $limit "$work/exit_stats"
build own_names early/own_names.c -rdynamic && check "early/own names" $limit env LARDER_CONF=stats:exit "$work/own_names"
build closed early/closed.c && check early/closed $limit sh -c "exec '$work/closed' <&- >&- 2>&-"
needs_library "early/closed, talking" && build closed early/closed.c -Wno-free-nonheap-object &&
    check "early/closed, talking" $limit env LARDER_CONF=nonsense:1,foreign_free:ignore sh -c "exec '$work/closed' talk <&- >&- 2>&-"

for kind in -pie -no-pie -static -static-pie; do
    build plain early/plain.c "$kind" && check "early/plain $kind" $limit "$work/plain"
done
if [ -n "$lib" ] && [ -f "$archive" ]; then
    for kind in -static -static-pie; do
        build plain early/plain.c "$kind" "$archive" && check "early/plain $kind archive" $limit "$work/plain"
    done
fi

# Each program that prints statistics at exit has its own copy of standard error, and not also those of the programs before it.
if needs_library "a copy of standard error"; then
    run $limit env LARDER_CONF=stats:exit sh -c 'exec ls /proc/self/fd'
    if [ "$status" -eq 0 ] && [ "$(awk '$1 >= 500' "$work/out")" = 500 ]; then pass "early/a copy of standard error"
    else fail "early/a copy of standard error" "descriptors $(tr '\n' ' ' <"$work/out")"
    fi
fi

# LARDER_CONF comes from whoever starts the program, so a setuid program must ignore it. The program is linked to a copy
# of the library that any user can read, because nothing is preloaded into a setuid program.
if [ -n "$lib" ] && [ "$(id -u)" -eq 0 ]; then
    soname=$(readelf -dW "$lib" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
    copy=$work/${soname:-libcopy.so}
    cp "$lib" "$copy"
    build secure early/secure.c "$copy" "-Wl,-rpath,$work"
    chmod 4755 "$work/secure" && chmod 755 "$work" "$copy"
    run $limit env -u LD_PRELOAD LARDER_CONF=nonsense:1 setpriv --reuid=65534 --clear-groups "$work/secure"
    if [ "$status" -eq 4 ]; then echo "skipped early/secure: setuid has no effect in $work"
    elif [ "$status" -eq 0 ] && [ ! -s "$work/err" ]; then pass early/secure
    else fail early/secure "$(reason)"
    fi
fi
finish
