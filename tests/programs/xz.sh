#!/usr/bin/env bash
# xz with threads, and one long stream without: the compressed data must be the same, and must decompress to the original.
source "$(dirname "$0")/lib.sh"
need xz

input() {
    seq 1 "$1" | awk '{ x = ($1 * 69069) % 65536; printf "%d %s %o\n", x, substr("the quick brown fox jumps over", x % 19, 11), x * x }'
}

workload() {
    mkdir scratch
    input "$(scale 120000)" >scratch/input
    $run xz -T4 -3 --block-size=1MiB -k -c scratch/input >packed.xz
    $run xz -T4 -dc packed.xz | cmp - scratch/input
    $run xz -4 --format=lzma -k -c scratch/input | md5sum >packed.lzma
    $run xz -lv packed.xz >listing
}

both workload
on_larder xz xz -T2 -c "$here/lib.sh"
