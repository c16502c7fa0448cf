# A node that is full at once: its threads get further memory from the other node.
linux 6.12
node 512 0
node 96 1

checks() {
    local size
    for size in 100 5000 300000 40000000; do
        check "beyond the node, objects of $size" taskset -c 1 place 130 $size beyond 1
    done
    check "a soft limit, and a node that was left" env LARDER_CONF=soft_limit_mib:200 vacated 200
    check "pages moved to a node that is too small" migrate 0 1 some
    check "work on a full machine" churn 2 4
}
