# A memory cgroup as containers have it.
linux 6.12
node 512 0-1

checks() {
    mount -t cgroup2 cgroup /sys/fs/cgroup
    mkdir -p /sys/fs/cgroup/small
    echo +memory >/sys/fs/cgroup/cgroup.subtree_control
    mkdir /sys/fs/cgroup/small
    echo 64M >/sys/fs/cgroup/small/memory.max
    check "64 MiB of cgroup" sh /lab/within.sh small churn 2 4
}
