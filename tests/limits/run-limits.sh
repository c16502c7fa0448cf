#!/bin/bash
# run-limits.sh [LIB.so]: how larder behaves when resources are limited: little address space, locked memory, system calls refused by
# a sandbox, no /sys and no /proc, one processor, strict accounting. Each test must finish its work, or get NULL and ENOMEM and then
# finish its work.
. "$(dirname "$0")/../c/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
limit=60
mib=$((1 << 20))

skip() { echo "skipped $1: $2"; }

build_all() {
    local name flags=(-D_GNU_SOURCE -I"$here/../c" ${lib:+"-DLIBRARY=\"$(basename "$lib")\""})
    for name in bounded charged churn contained dense exhaust gathered hardened hollow idle_threads pool interrupted kept late_start lessened locked many_huge mappings no_open part refuse riddled self_bound strict unmapped watched zeros; do
        build "$name" "$name.c" "${flags[@]}" || return
    done
    # The library is to find a function of this one.
    build no_vdso no_vdso.c "${flags[@]}" -rdynamic
}

# exhausted NAME SIZES LEAST LIMIT… [-- HOW]: the program reaches the limit with objects of each size, and must have got LEAST MiB by then.
exhausted() {
    local name=$1 sizes=$2 least=$3 size how=()
    shift 3
    [[ ${*: -2:1} == -- ]] && how=("${@: -1}") && set -- "${@:1:$#-2}"
    for size in $sizes; do
        check "$name: to the end in objects of $size bytes" $limit "$@" "$work/exhaust" "$size" "$least" "${how[@]}"
    done
}

address_space() {
    local how name='256 MiB of address space' by=(prlimit --as=$((256 * mib)))
    check "$name: 4 threads" $limit "${by[@]}" "$work/churn" 4 12
    check "$name: python3" $limit "${by[@]}" env PYTHONMALLOC=malloc python3 "$here/full.py" 40000
    check "$name: python3 to the end" $limit "${by[@]}" env PYTHONMALLOC=malloc python3 "$here/full.py"
    exhausted "$name" '24 100 3000 40000 1000000 20000000 50000000' 128 "${by[@]}"
    check "$name: large objects of what small ones left" $limit "${by[@]}" "$work/gathered"
    name='80 MiB of address space' by=(prlimit --as=$((80 * mib)))
    exhausted "$name" '100' 40 "${by[@]}"
    # larder leaves a quarter of the address space alone.
    check "1 GiB of address space: a mapping of the program's own" $limit prlimit --as=$((1024 * mib)) \
        python3 -c 'import mmap; mmap.mmap(-1, 160 << 20)'
    name='64 MiB of address space' by=(prlimit --as=$((64 * mib)))
    check "$name: true" $limit "${by[@]}" true
    check "$name: 1 thread" $limit "${by[@]}" "$work/churn" 1 12
    exhausted "$name" '100 40000' 24 "${by[@]}"
    for how in setrlimit prlimit call; do
        needs_library "addresses bounded late" && check "addresses bounded late, by $how" $limit "$work/self_bound" $how
    done
    for how in lower:4 absurd:6; do
        needs_library "addresses bounded from the start, $how" && check "${how#*:} GiB of address space from the start, ${how%:*}" $limit \
            prlimit --as=$((${how#*:} << 30)): "$work/self_bound" "${how%:*}"
    done
    needs_library "no data at first" && check "no data at first, then some" $limit "$work/late_start"
    check "100 MiB of data: arrays" $limit prlimit --data=$((100 * mib)) "$work/kept" 100
    exhausted '64 MiB of data' '24 3000 1000000' 32 prlimit --data=$((64 * mib))
    check "64 MiB of data: 2 threads" $limit prlimit --data=$((64 * mib)) "$work/churn" 2 8
}

# larder's own limits.
own_limits() {
    local sizes='24 100 3000 40000 1000000 20000000' conf
    needs_library "limits of larder's own" || return 0
    for conf in limit_mib:64 limit_mib:64,percpu:locked limit_mib:64,soft_limit_mib:32; do
        exhausted "$conf" "$sizes" 44 env LARDER_CONF=$conf
        check "$conf: room is made" $limit env LARDER_CONF=$conf "$work/bounded" 64
        check "$conf: 4 threads" $limit env LARDER_CONF=$conf "$work/churn" 4 8
    done
    check "limit_mib:256: what was charged comes back" $limit env LARDER_CONF=limit_mib:256 "$work/charged" 256
    check "limit_mib:256: what slabs gave back" $limit env LARDER_CONF=limit_mib:256 "$work/hollow" 256
    for conf in limit_mib:64 limit_mib:64,percpu:locked; do
        check "$conf: what lies free on pages that count" $limit env LARDER_CONF=$conf "$work/dense"
    done
    check "soft_limit_mib:64: nothing much is kept" $limit env LARDER_CONF=soft_limit_mib:64 "$work/bounded" 64 soft
    for sizes in '48000000 1000' '8000000 1000' '200000 1000' '1000 96'; do
        # shellcheck disable=SC2086 # two words
        check "limit_mib:128: no memory, and an object shrinks: $sizes" $limit env LARDER_CONF=limit_mib:128 "$work/lessened" $sizes
    done
    check "limit_mib:1: true" $limit env LARDER_CONF=limit_mib:1 true
}

# spared GROUP NAME: the kernel must not have reclaimed memory in the group.
spared() {
    local times
    times=$(cat "$1/memory.failcnt" 2>/dev/null || sed -n 's/^max //p' "$1/memory.events")
    if ((times == 0)); then pass "$2"; else fail "$2" "$times times"; fi
}

# A memory group that has room for the live objects and a burst, but not also for memory that was kept of the previous burst.
memory_group() {
    local how group bound=memory.max name seen
    needs_library "a memory group" || return 0
    group=$(new_memory_group) || { skip "a memory group" "none can be made here"; return 0; }
    undo+=("rmdir $group 2>/dev/null")
    [[ -f $group/$bound ]] || bound=memory.limit_in_bytes
    # shellcheck disable=SC2016
    local within=(bash -c 'echo $(($3 << 20)) >"$1/$2"; echo $$ >"$1/cgroup.procs"; exec "${@:4}"' - "$group" "$bound")
    for how in watch start poll; do
        check "a group of 512 MiB, 300 MiB live, bursts of 100: cgroup:$how" $limit env LARDER_CONF=cgroup:$how \
            "${within[@]}" 512 "$work/contained" 300 100 4
        spared "$group" "cgroup:$how: the group's bound is never reached"
    done
    for how in off watch; do
        run $limit "${within[@]}" 512 env LARDER_CONF=cgroup:$how,stats:exit true
        if grep -q '^ceiling' "$work/err"; then seen=watch; else seen=off; fi
        name="cgroup:$how: whether the group's bound is a ceiling"
        if ((status == 0)) && [[ $seen == "$how" ]]; then pass "$name"; else fail "$name" "$(reason)"; fi
    done
    for how in full busy sparse; do
        check "a group of 256 MiB, 100 MiB free, which gets $how" $limit env LARDER_CONF=purge_delay_ms:60000 \
            "${within[@]}" 256 "$work/watched" $how "$work/large"
    done
    for how in start watch; do
        run $limit "${within[@]}" 256 env LARDER_CONF=purge_delay_ms:60000,cgroup:$how,stats:exit "$work/watched" lifted "$group/$bound"
        if grep -q '^ceiling' "$work/err"; then seen=start; else seen=watch; fi
        name="cgroup:$how: whether a bound that was lifted is a ceiling no more"
        if ((status == 0)) && [[ $seen == "$how" ]]; then pass "$name"; else fail "$name" "$(reason)"; fi
    done
    run $limit "${within[@]}" 256 "$work/watched" broken
    name="the last words of a helper thread without descriptors"
    if ((status == 134)) && grep -q 'larder: write after free' "$work/err"; then pass "$name"; else fail "$name" "$(reason)"; fi
    rmdir "$group"
}

# The limits must hold whatever the options say about huge pages, and whether or not the machine has any.
huge_pages() {
    local conf little=$((256 * mib))
    needs_library "huge pages" || return 0
    for conf in thp:never thp:madvise thp:always hugetlb:2m,thp:always hugetlb:1g; do
        check "$conf: 4 threads" $limit prlimit --as=$little env LARDER_CONF=$conf "$work/churn" 4 12
        exhausted "$conf" '100 1000000' 120 prlimit --as=$little env LARDER_CONF=$conf
        check "$conf: all memory locked" $limit env LARDER_CONF=$conf "$work/locked" before
        check "$conf: few mappings" $limit env LARDER_CONF=$conf "$work/mappings"
        check "$conf: a limit of 64 MiB" $limit env LARDER_CONF=$conf,limit_mib:64 "$work/churn" 2 16
        [[ $("$work/refuse" EPERM madvise echo yes 2>/dev/null) == yes ]] || continue
        check "$conf: madvise: EPERM" $limit "$work/refuse" EPERM madvise env LARDER_CONF=$conf "$work/churn" 2 16
        check "$conf: no others after the start" $limit env LARDER_CONF=$conf "$work/strict"
    done
    hugetlb
    idle_threads
    collected
}

# Sets up a pool of 160 MiB of huge pages for a second or two.
hugetlb() {
    local pool=/proc/sys/vm/nr_hugepages name='huge objects from the pool of huge pages' was
    was=$(cat $pool)
    if ! echo $((was + 80)) 2>/dev/null >$pool || (($(cat $pool) < was + 80)); then
        skip "$name" "the pool cannot be filled"
        [[ ! -w $pool ]] || echo "$was" >$pool
        return 0
    fi
    undo+=("echo $was >$pool")
    check "$name" $limit env LARDER_CONF=hugetlb:2m "$work/pool" 100
    echo "$was" >$pool
    check "$name, which is empty" $limit env LARDER_CONF=hugetlb:2m "$work/pool" 0
}

# Changes the machine's setting of transparent huge pages for a second or two.
idle_threads() {
    local setting=/sys/kernel/mm/transparent_hugepage/enabled name='1,000 idle threads, 37 KiB each' was
    was=$(grep -oE '\[.*\]' $setting 2>/dev/null | tr -d '[]')
    check "$name" $limit "$work/idle_threads" 62
    if ! echo always 2>/dev/null >$setting; then
        skip "$name, huge pages for all" "the setting cannot be written"
        return 0
    fi
    undo+=("echo $was >$setting")
    check "$name, huge pages for all" $limit "$work/idle_threads" 62
    echo "$was" >$setting
}

# Makes the collector of huge pages (khugepaged) scan everything within a second instead of minutes.
collected() {
    local pace=/sys/kernel/mm/transparent_hugepage/khugepaged name='pages given back stay so, whoever collects huge ones' pages pause
    if ! pages=$(cat $pace/pages_to_scan 2>/dev/null) || ! echo 65536 2>/dev/null >$pace/pages_to_scan; then
        skip "$name" "the collector's pace cannot be changed"
        return 0
    fi
    pause=$(cat $pace/scan_sleep_millisecs)
    undo+=("echo $pages >$pace/pages_to_scan" "echo $pause >$pace/scan_sleep_millisecs")
    echo 100 >$pace/scan_sleep_millisecs
    check "$name" $limit "$work/riddled"
    echo "$pages" >$pace/pages_to_scan
    echo "$pause" >$pace/scan_sleep_millisecs
}

# Makes a group below the root, in the cgroup version that controls memory, and prints its directory.
new_memory_group() {
    local root
    for root in /sys/fs/cgroup/memory /sys/fs/cgroup; do
        local group=$root/larder-limits-$$
        mkdir "$group" 2>/dev/null || continue
        if [[ -f $group/memory.max || -f $group/memory.limit_in_bytes ]]; then
            echo "$group"
            return
        fi
        rmdir "$group"
    done
    return 1
}

locked() {
    local how most
    most=$(lockable)
    check "objects locked by the program" $limit "$work/part"
    for how in before after; do
        check "all memory locked $how the first allocation" $limit "$work/locked" $how
        if ((most >= 8)) && setpriv --bounding-set -ipc_lock true 2>/dev/null; then
            exhausted "$most MiB may be locked, all are, $how the first allocation" '100 40000 1000000' $((most / 4)) \
                prlimit --memlock=$((most * mib)) --as=$((512 * mib)) setpriv --bounding-set -ipc_lock -- lock-$how
        else
            skip "a bound on locked memory" "cannot give up CAP_IPC_LOCK, or too little may be locked"
        fi
    done
}

# Prints how many MiB a program without privileges may lock here, at most 64.
lockable() {
    local hard
    hard=$(ulimit -Hl)
    [[ $hard != unlimited ]] && ((hard / 1024 < 64)) && echo $((hard / 1024)) || echo 64
}

sandbox() {
    local calls='mbind get_mempolicy set_mempolicy membarrier getcpu sched_getaffinity rseq getrandom gettid getdents64 mremap madvise'
    local all=${calls// /,} call error
    if ! "$work/refuse" EPERM mbind /bin/true; then
        skip "refused system calls" "seccomp filters cannot be installed here"
        return
    fi
    for error in EPERM ENOSYS; do
        for call in $calls; do check "$call: $error" $limit "$work/refuse" $error "$call" "$work/churn" 2 16; done
        check "all of these: $error" $limit "$work/refuse" $error "$all" "$work/churn" 2 16
        check "nothing can be opened: $error" $limit "$work/no_open" $error
    done
    check "madvise: EINVAL" $limit "$work/refuse" EINVAL madvise "$work/churn" 2 16
    needs_library "madvise: done, and not" && check "madvise: done, and not" $limit "$work/refuse" OK madvise "$work/zeros"
    needs_library "a hardened service" && check "a service without privileges, whose sandbox kills" $limit "$work/hardened"
    needs_library "few system calls" && check "nothing but memory and futex calls after the start" $limit "$work/strict"
}

# Runs the program in a root directory that has the program, its libraries and nothing else.
no_sys_no_proc() {
    local root=$work/root file
    if ! chroot / true 2>/dev/null; then
        skip "no /sys and no /proc" "chroot is not permitted"
        return
    fi
    for file in "$work/churn" ${lib:+"$lib"} $({ ldd "$work/churn"; ldd "$lib"; } 2>/dev/null | grep -o '/[^ ]*' | sort -u); do
        mkdir -p "$root$(dirname "$file")" && cp -L "$file" "$root$file"
    done
    check "no /sys and no /proc" $limit chroot "$root" "$work/churn" 2 16
}

placement() {
    local how
    check "one processor" $limit taskset -c "$(last_processor)" "$work/churn" 4 16
    check "a signal every few microseconds" $limit "$work/interrupted"
    check "an unlimited stack, mappings from below" $limit prlimit --stack=unlimited "$work/churn" 1 16
    if setarch -R true 2>/dev/null; then check "addresses not random" $limit setarch -R "$work/churn" 4 16; fi
    needs_library "no vDSO" && for how in '' EMULATED=yes; do check "no vDSO $how" $limit env $how "$work/no_vdso"; done
    needs_library "few mappings" || return 0
    check "few mappings for many runs" $limit "$work/mappings"
    check "more huge objects than there are places" $limit "$work/many_huge"
    check "no more mappings: memory goes back" $limit "$work/unmapped"
}

last_processor() { taskset -cp $$ | grep -oE '[0-9]+$'; }

# Changes the machine's setting for a second or two, with a ratio so high that no other program is affected.
strict_accounting() {
    local vm=/proc/sys/vm name='strict accounting of memory (vm.overcommit_memory=2)' mode ratio
    mode=$(cat $vm/overcommit_memory) ratio=$(cat $vm/overcommit_ratio)
    if ((mode == 2)) || ! echo "$mode" 2>/dev/null >$vm/overcommit_memory; then
        skip "$name" "the setting cannot be written, or is so already"
        return
    fi
    undo+=("echo $mode >$vm/overcommit_memory" "echo $ratio >$vm/overcommit_ratio")
    echo 800 >$vm/overcommit_ratio && echo 2 >$vm/overcommit_memory
    check "$name: 4 threads" $limit "$work/churn" 4 16
    check "$name: to the end" $limit prlimit --as=$((512 * mib)) "$work/exhaust" 5000 256
    echo "$mode" >$vm/overcommit_memory
    echo "$ratio" >$vm/overcommit_ratio
}

# Each group runs, whether or not those before it passed.
build_all && for group in address_space own_limits memory_group huge_pages locked sandbox no_sys_no_proc placement strict_accounting; do $group; done
finish
