#!/usr/bin/env bash
# check-hit-path.sh LIB.so: checks the instructions that malloc and free execute when the window serves them, and the same code compiled into a
# Rust program.
#
# From the entry to the first `ret` there must be no call, no unconditional jump, no locked or otherwise atomic read-modify-write, no access
# of thread-local storage except two of the rseq area for each operation (the store of rseq_cs and the load of the CPU number), and no more
# instructions than the limits below. The next object must be prefetched right after the test of its address: prefetching an unmapped
# address, as at the end of a chain, walks the page tables in vain.
set -euo pipefail
cd "$(dirname "$0")/.."
library=${1:?usage: check-hit-path.sh LIB.so}
[[ -f $library ]] || { echo "$0: no library at $library; build it with: cargo build --release -p larder-ffi" >&2; exit 2; }

# The most instructions of each function. By rows: the functions that malloc and free jump to with several nodes, where malloc also looks at the
# CPU's own number.
malloc_limit=29 free_limit=33 pair_limit=67 malloc_by_row_limit=34 free_by_row_limit=40

passed=0
failed=0

# The instructions of a function from its entry to its first return, without addresses and comments.
straight() { # FILE FUNCTION
    objdump -d --no-show-raw-insn --disassemble="$2" "$1" |
        awk -F'\t' '/^ +[0-9a-f]+:/ { sub(/ *[#<].*/, "", $2); print $2; if ($2 ~ /^ret/) exit }'
}

# Checks the rules and prints the violations.
offences() { # LIMIT ACCESSES
    awk -v limit="$1" -v accesses="$2" '
        /^lock|^xadd|^cmpxchg|^xchg .*\(/   { print "atomic: " $0 }
        /^call/                             { print "a call: " $0 }
        /^prefetch/ && last !~ /^ja?[be]/   { print "a fetch untested: " $0 }
        /^jmp/                              { print "a jump: " $0 }
        /%gs:/                              { print "thread-local: " $0 }
        /%fs:/                              { seen++; if ($0 !~ /%fs:(-0x4)?\(%/) print "thread-local: " $0 }
                                            { last = $0 }
        END {
            if ($0 !~ /^ret/)      print "it does not return"
            if (NR > limit)        print NR " instructions, " limit " allowed"
            if (seen != accesses)  print seen + 0 " accesses of the rseq area, not " accesses
        }'
}

# The mangled name of a function by rows.
by_row() { # malloc or free
    nm "$library" | awk -v name="${1}_by_row" '$3 ~ name { print $3 }'
}

# check FILE FUNCTION LIMIT ACCESSES: at most LIMIT instructions, exactly ACCESSES accesses of the rseq area.
check() {
    local code broken
    code=$(straight "$1" "$2")
    broken=$(offences "$3" "$4" <<<"$code")
    if [[ -z $broken ]]; then
        echo "ok $2: $(wc -l <<<"$code") instructions"
        passed=$((passed + 1))
    else
        echo "FAILED $2 in $1: ${broken//$'\n'/; }"
        failed=$((failed + 1))
    fi
}

check "$library" malloc "$malloc_limit" 2
check "$library" free "$free_limit" 2
check "$library" "$(by_row malloc)" "$malloc_by_row_limit" 3
check "$library" "$(by_row free)" "$free_by_row_limit" 2
cargo build --quiet --locked --release -p larder-examples --example hit
check "${CARGO_TARGET_DIR:-target}/release/examples/hit" pair "$pair_limit" 4
echo "$passed passed, $failed failed"
((failed == 0))
