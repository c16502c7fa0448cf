# Memory groups of version 2 with little room. First 300 MiB of live objects and a burst of 100 MiB in 512 MiB: with one more burst jemalloc is killed,
# with four also glibc, mimalloc and gperftools. Then free memory must go back when a neighbour takes the rest, up to the bound at which the kernel kills
# or up to the one at which it throttles.
linux 6.12
node 1024 0-1
setting psi=1
setting transparent_hugepage=never

checks() {
    local bound
    mount -t cgroup2 cgroup /sys/fs/cgroup
    echo +memory >/sys/fs/cgroup/cgroup.subtree_control
    mkdir /sys/fs/cgroup/box /sys/fs/cgroup/max /sys/fs/cgroup/high
    echo 512M >/sys/fs/cgroup/box/memory.max
    in_mode rseq "300 MiB live, a burst of 100, in 512 MiB" sh /lab/within.sh box contained 300 100 4 1
    for bound in max high; do
        echo 256M >/sys/fs/cgroup/$bound/memory.$bound
        in_mode rseq "a neighbour fills memory.$bound" \
            env LARDER_CONF=purge_delay_ms:60000 sh /lab/within.sh $bound watched full none
    done
}
