# A node without memory and a node without CPUs, as with accelerators and memory expanders.
linux 6.12
node 224 0
node - 1
node 224 2
node 224 -

checks() {
    everywhere
    check "asked of the node without CPUs" place 40 9000 only 3 3
    check "pages moved to the node without CPUs" migrate 0 3
    check "beyond the nodes with CPUs" place 440 5000 beyond 0,2
}
