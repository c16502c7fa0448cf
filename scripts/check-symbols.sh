#!/usr/bin/env bash
# check-symbols.sh LIB.so: checks that the library exports and imports exactly the names in ffi/symbols.txt and ffi/imports.txt, needs no
# library except libc, has no thread-local storage, and is never unloaded.
set -euo pipefail
ffi=$(cd "$(dirname "$0")/../ffi" && pwd)
library=${1:?usage: check-symbols.sh LIB.so}
[[ -f $library ]] || { echo "$0: no library at $library; build it with: cargo build --release -p larder-ffi" >&2; exit 2; }

archive=${library%.so}.a
passed=0
failed=0

# check NAME OFFENDERS: passes iff there are none.
check() {
    if [[ -z $2 ]]; then
        echo "ok $1"
        passed=$((passed + 1))
    else
        echo "FAILED $1: ${2//$'\n'/ }"
        failed=$((failed + 1))
    fi
}

entries() { sed -E '/^(#|$)/d' "$1" | LC_ALL=C sort; }
exported() { nm -D --defined-only --without-symbol-versions "$library" | awk '{ print $NF }' | LC_ALL=C sort; }
# Undefined names, with "weak" before those that may stay undefined.
imported() {
    nm -D --undefined-only --without-symbol-versions "$library" |
        awk '{ print ($1 == "U" ? "" : "weak ") $2 }' | LC_ALL=C sort
}
dynamic() { readelf -dW "$library" | sed -nE "$1"; }
needed() { dynamic 's/.*\(NEEDED\).*\[(.*)\]/\1/p'; }
soname() { dynamic 's/.*\(SONAME\).*\[(.*)\]/\1/p'; }
flags() { dynamic 's/.*FLAGS_1.*Flags: (.*)/\1/p'; }
# larder's own names that the program which the archive is linked into might bind to another function, or reach through the dynamic linker.
bindable() {
    readelf -sW "$archive" 2>/dev/null | awk '$5 == "GLOBAL" && $6 == "DEFAULT" && $7 != "UND" && $8 ~ /larder/ { print $8 }' | LC_ALL=C sort -u
}
# Names that the dynamic linker binds, possibly to another library's function.
bound() { readelf -rW "$library" | awk '$3 ~ /JUMP_SLO|GLOB_DAT|_64$/ { sub(/@.*/, "", $5); print $5 }' | LC_ALL=C sort -u; }

check "every name of symbols.txt is exported" "$(LC_ALL=C comm -13 <(exported) <(entries "$ffi/symbols.txt"))"
check "no other name is exported" "$(LC_ALL=C comm -23 <(exported) <(entries "$ffi/symbols.txt"))"
check "nothing is imported but the names of imports.txt" "$(LC_ALL=C comm -23 <(imported) <(entries "$ffi/imports.txt"))"
check "no exported name is used inside but by operators" \
    "$(LC_ALL=C comm -12 <(bound) <(exported) | LC_ALL=C comm -23 - <(entries "$ffi/imports.txt" | sed -n 's/^own //p'))"
check "no library is needed but libc" "$(needed | grep -vx 'libc\.so\.6' || true)"
check "the soname is liblarder.so" "$([[ $(soname) == liblarder.so ]] || echo "it is '$(soname)'")"
check "it is never unloaded" "$([[ " $(flags) " == *" NODELETE "* ]] || echo "not linked with -z nodelete")"
check "it is bound when it is loaded" "$([[ " $(flags) " == *" NOW "* ]] || echo "not linked with -z now")"
check "nothing but its own runs at load and exit" "$(dynamic 's/.*\((INIT|FINI|JMPREL)\).*/\1/p')"
[[ ! -f $archive ]] || check "no other name of $(basename "$archive") can be bound elsewhere" \
    "$(LC_ALL=C comm -23 <(bindable) <(entries "$ffi/symbols.txt"))"
check "it has no thread-local storage" "$(readelf -lW "$library" | awk '$1 == "TLS" { print "a TLS segment" }')"
check "no memory is writable and executable" "$(readelf -lW "$library" | awk '/ RWE /')"
echo "$passed passed, $failed failed"
((failed == 0))
