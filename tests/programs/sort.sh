#!/usr/bin/env bash
# sort with threads and temporary files, and related programs that join, count and page through the result.
source "$(dirname "$0")/lib.sh"
need sort awk

lines() {
    awk -v n="$1" 'BEGIN { for (x = 1; n > 0; n--) { x = (x * 69069 + 1) % 4294967296; printf "%x %d key-%d\n", x, x % 9973, n % 97 } }'
}

workload() {
    mkdir scratch
    lines "$(scale 600000)" >scratch/lines
    $run sort --parallel=4 -S 256M scratch/lines | md5sum >in-memory
    $run sort --parallel=4 -S 2M --batch-size=4 -T scratch -k3,3V -k2,2n scratch/lines | md5sum >with-files
    $run sort -u -k2,2n -S 64M --parallel=2 scratch/lines >unique
    $run awk '{ count[$3] += $2; last[$2] = $1 } END { for (k in count) print k, count[k]; print length(last) }' scratch/lines |
        sort >counted
    $run join -1 2 -2 1 <(sort -k2,2 unique) <(cut -d' ' -f2 unique | sort) >joined
}

both workload
seq 9 >few
on_larder sort sort few
