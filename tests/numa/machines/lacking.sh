# A node without memory and a node without CPUs, as accelerators and memory expanders make them.
linux 6.12
node 224 0
node - 1
node 224 2
node 224 -

checks() {
    everywhere
    check "on a node, on all in turn, moved" nodes 0 3
    check "beyond the nodes with CPUs" place 460 5000 beyond 0,2
}
