# A memory cgroup as containers have it: jemalloc and mimalloc are killed at this.
linux 6.12
node 512 0-1

checks() {
    mount -t cgroup2 cgroup /sys/fs/cgroup
    echo +memory >/sys/fs/cgroup/cgroup.subtree_control
    mkdir /sys/fs/cgroup/small
    echo 64M >/sys/fs/cgroup/small/memory.max
    in_mode rseq "in a cgroup of 64 MiB" sh /lab/within.sh small contained 31 12 2
}
