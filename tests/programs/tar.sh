#!/usr/bin/env bash
# tar, gzip, find, diff and sed over a tree of small files.
source "$(dirname "$0")/lib.sh"
need tar gzip find diff

tree() {
    local n
    for n in $(seq 1 "$1"); do
        mkdir -p "tree/$((n % 40))"
        seq "$n" $((n * 3)) >"tree/$((n % 40))/a-rather-long-file-name-to-allocate-$n.txt"
    done
    find tree -exec touch -d @1700000000 {} +
}

workload() {
    mkdir scratch && cd scratch
    tree "$(scale 800)"
    $run tar --sort=name --owner=0 --group=0 --numeric-owner -cf ../plain.tar tree
    $run tar --sort=name --owner=0 --group=0 --numeric-owner -czf packed.tar.gz tree
    $run gzip -9nc ../plain.tar >../plain.tar.gz
    mkdir unpacked && $run tar -xzf packed.tar.gz -C unpacked
    $run diff -r tree unpacked/tree >../no-difference
    $run find unpacked -type f -size +2 -printf '%P %s\n' | $run sort >../found
    $run sed -nE 's/^([0-9]+)5$/\1 five/p' unpacked/tree/*/*1.txt >../seen
    cd ..
}

both workload
on_larder tar tar -cf /dev/null "$here"
