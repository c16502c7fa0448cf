# Four nodes in a ring: the opposite node is farther than the neighbours.
linux 6.12
node 256 0
node 256 1
node 256 2
node 256 3
apart 0 2 30
apart 1 3 30

checks() {
    everywhere
    check "a program of one thread that is moved about" alone moved 72
    check "a program of one thread that goes on elsewhere" sparse left
    peers
}
