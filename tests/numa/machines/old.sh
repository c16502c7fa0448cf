# A kernel without mm_cid and without the node's number in the rseq area.
linux 6.1
node 512 0-1
node 512 2-3

checks() {
    everywhere
    check "one thread that is moved about a node" taskset 3 moved
    policies 0 1
    programs
}
