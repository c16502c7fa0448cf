#!/bin/bash
# run-semantics.sh [LIB.so]: what the C and C++ standards, glibc and jemalloc say about each function. With a library, each
# program runs with the library preloaded and linked statically with the archive beside it, and (unless GLIBC_TUNABLES is
# set already) once more without rseq.
. "$(dirname "$0")/lib.sh"

limit=120
archive=${lib:+${lib%.so}.a}
flags=(-O0 "-I$here/semantics" "-I$here/../../ffi/include")
# Flags that keep the C++ runtime's part of operator new in a static program (see larder.h).
cxx_static=(-u _ZSt17__throw_bad_allocv -u _ZSt15get_new_handlerv)

# ways NAME FUNCTION [ARGUMENT...]: calls FUNCTION, which checks, for each way to run the program $work/NAME.
ways() {
    local name=$1 function=$2
    shift 2
    "$function" "$name" env "$work/$name" "$@"
    [ -n "$lib" ] && [ -z "${GLIBC_TUNABLES:-}" ] && "$function" "$name, no rseq" env GLIBC_TUNABLES=glibc.pthread.rseq=0 "$work/$name" "$@"
}

check_runs() {
    local name=$1
    shift
    check "$name" $limit "$@"
}

# Standard output and standard error are checked by the Python program beside the C program.
check_document() {
    local name=$1
    shift
    run $limit "$@"
    if [ "$status" -ne 0 ]; then
        fail "$name" "$(reason)"
    elif python3 "$here/semantics/${name%%,*}.py" "$work/out" "$work/err" 2>"$work/verdict"; then
        pass "$name"
    else
        fail "$name" "$(tail -n 1 "$work/verdict")"
    fi
}

# Standard error must be this one line, and the program must abort.
check_gives_up() {
    local name=$1
    shift
    run $limit "$@"
    local line="larder: operator new: out of memory, and no C++ runtime to throw std::bad_alloc with, aborting"
    if [ "$status" -eq 134 ] && [ "$(cat "$work/err")" = "$line" ]; then pass "$name"; else fail "$name" "$(reason)"; fi
}

# program NAME SOURCE FUNCTION [FLAG...]: links the program dynamically and statically, and runs it in each way.
program() {
    local name=$1 source=$2 function=$3
    shift 3
    build "$name" "$source" "${flags[@]}" ${linked:+"$linked"} "$@" && ways "$name" "$function"
    [ -n "$archive" ] || return
    build "$name, static" "$source" "${flags[@]}" -static "$archive" "$@" && ways "$name, static" "$function"
}

# These programs are not linked with the library: in the dynamic case it is preloaded.
linked=
for name in alignment zero too_large overflow calloc realloc posix_memalign aligned_alloc errno usable_size libc_users \
    mallopt mallinfo stats trim; do
    program "$name" "semantics/$name.c" check_runs
done
program info semantics/info.c check_document
needs_library "info, limits" && check_document "info, limits" env LARDER_CONF=limit_mib:8192,soft_limit_mib:4096 "$work/info"
# backtrace needs a shared library of its own.
build unwind semantics/unwind.c "${flags[@]}" && ways unwind check_runs
for name in forms bad_alloc new_handler reserve containers; do
    program "$name" "cxx/$name.cc" check_runs -std=c++17 "${cxx_static[@]}" -lstdc++
done
# Functions that the program replaces must not also be strong symbols of the archive, so that is weakened (c-api.md).
[ -n "$archive" ] && objcopy --weaken-symbols="$here/../../ffi/symbols.txt" "$archive" "$work/weak.a"
for name in replaced own_malloc; do
    build "$name" "cxx/$name.cc" "${flags[@]}" -std=c++17 -lstdc++ && ways "$name" check_runs
    [ -n "$archive" ] && build "$name, static" "cxx/$name.cc" "${flags[@]}" -std=c++17 -static "$work/weak.a" "${cxx_static[@]}" -lstdc++ &&
        ways "$name, static" check_runs
done
build replaced_arrays cxx/replaced.cc "${flags[@]}" -std=c++17 -DARRAYS -lstdc++ && ways replaced_arrays check_runs
if build plugin.so cxx/plugin.cc -O0 -std=c++17 -shared -fPIC -lstdc++ && build late cxx/late.c "${flags[@]}"; then
    ways late check_runs "$work/plugin.so"
fi

# The debugger itself also runs on the library.
if build called semantics/called.c "${flags[@]}"; then
    check "called by a debugger" $limit gdb -q -nx -batch -ex 'break here' -ex run -ex 'call (void)free((void*)calloc(3, 4))' \
        -ex 'set variable kept = (void*)realloc(kept, (unsigned long)malloc_usable_size(kept) + 5000)' -ex continue -ex 'quit $_exitcode' ./called
fi

if build deepbind.so semantics/deepbind_plugin.c -shared -fPIC; then
    build deepbind semantics/deepbind.c -rdynamic -Wl,-rpath,\$ORIGIN && ways deepbind check_runs ${lib:+dropped} &&
        needs_library "deepbind, kept" && check_runs "deepbind, kept" env LARDER_CONF=deepbind:keep "$work/deepbind" kept
    [ -n "$archive" ] && build "deepbind, archive" semantics/deepbind.c -rdynamic -Wl,-rpath,\$ORIGIN "$archive" &&
        check_runs "deepbind, archive" "$work/deepbind, archive" dropped
fi

# Names that glibc lacks or does not let programs link to: the program is linked with the library.
linked=$lib
for name in aliases mallocx free_sized larder numa broken_pipe small_stack; do
    needs_library "$name" && program "$name" "semantics/$name.c" check_runs
done
needs_library "mallocx, hugetlb:2m" && check_runs "mallocx, hugetlb:2m" env LARDER_CONF=hugetlb:2m "$work/mallocx"
needs_library stats_json && program stats_json semantics/stats_json.c check_document
needs_library "stats_json, limits" && check_document "stats_json, limits" env LARDER_CONF=limit_mib:8192 "$work/stats_json"
needs_library no_runtime && program no_runtime cxx/no_runtime.c check_gives_up
finish
