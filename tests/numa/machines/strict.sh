# Strict accounting of memory: what is committed cannot exceed what there is.
linux 6.12
node 512 0-1

checks() {
    echo 2 >/proc/sys/vm/overcommit_memory
    check "strict accounting" churn 2 4
    check "strict accounting, to the end" exhaust 5000 128
}
