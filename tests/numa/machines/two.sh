# Two nodes of two CPUs: the common machine.
linux 6.12
node 512 0-1
node 512 2-3

checks() {
    everywhere
    policies 0 1
    check "a large object that grows" grown
    check "a cpuset that is narrowed for a while" narrowed "$(group_of_nodes)" 0 0-1
    sandbox
    peers
}
