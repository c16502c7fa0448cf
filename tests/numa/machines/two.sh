# Two nodes of two CPUs: the ordinary machine.
linux 6.12
node 512 0-1
node 512 2-3

checks() {
    everywhere
    policies 0 1
    sandbox
    peers
}
