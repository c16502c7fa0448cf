# One node with a bound: first a memory cgroup as containers have it (in which jemalloc and mimalloc are killed), then strict accounting, under which
# committed memory cannot exceed the memory of the machine.
linux 6.12
node 512 0-1

checks() {
    mount -t cgroup2 cgroup /sys/fs/cgroup
    echo +memory >/sys/fs/cgroup/cgroup.subtree_control
    mkdir /sys/fs/cgroup/small
    echo 64M >/sys/fs/cgroup/small/memory.max
    in_mode rseq "in a cgroup of 64 MiB" sh /lab/within.sh small contained 31 12 2
    echo 2 >/proc/sys/vm/overcommit_memory
    check "strict accounting" churn 2 4
    check "strict accounting, to the end" exhaust 5000 128
}
