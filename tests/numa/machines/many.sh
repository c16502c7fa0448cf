# More CPUs than a word has bits, to test masks and the memory in that many windows.
linux 6.12
node 1024 0-47
node 1024 48-95

checks() {
    in_mode rseq "runs on larder" mode rseq
    in_mode rseq "small objects" cross small 99
    in_mode rseq "one thread that is moved about" env LARDER_CONF=percpu:cpu hop 16
    check "what all windows hold goes back" wide 192 16
}
