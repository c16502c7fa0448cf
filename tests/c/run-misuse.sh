#!/bin/bash
# run-misuse.sh LIB.so: every misuse must end with its exact message and status (default: SIGABRT).
# The comments at the head of each program say what is expected:
#   expect: LINE         all of stderr; $name stands for what the program printed as name=value
#   expect-one: LINE     one of several such lines
#   expect-start: LINE   one line that begins so
#   expect-words: WORDS  as many lines as `lines:` says (1), which together hold all these words
#   runs: ARGS           run once with each argument     conf: OPTIONS   LARDER_CONF
#   status: N            exit status                     may survive     status 3 (nothing seen) is right too
. "$(dirname "$0")/lib.sh"
needs_library misuse || exit 0

# head_of SOURCE KEY: prints the values of KEY in the head of a program.
head_of() {
    sed -n "s|^// $2: ||p" "$here/misuse/$1"
}

# Prints an expected line with the values that the program printed filled in.
filled_in() {
    local line=${1//\$call/$call} name value
    while IFS='=' read -r name value; do line=${line//\$$name/$value}; done <"$work/out"
    echo "$line"
}

# Succeeds if stderr of the last run is what the head of the program expects.
said_right() {
    local source=$1 line word
    while read -r line; do [ "$(filled_in "$line")" = "$(cat "$work/err")" ] && return 0; done \
        < <(head_of "$source" expect; head_of "$source" expect-one)
    line=$(head_of "$source" expect-start)
    [ -n "$line" ] && [ "$(wc -l <"$work/err")" -eq 1 ] && [[ "$(cat "$work/err")" = "$(filled_in "$line")"* ]] && return 0
    line=$(head_of "$source" expect-words)
    [ -n "$line" ] || return 1
    for word in $line; do grep -qF -- "$word" "$work/err" || return 1; done
    word=$(head_of "$source" lines)
    [ "$(wc -l <"$work/err")" -eq "${word:-1}" ]
}

survived_rightly() {
    [ "$status" -eq 3 ] && [ ! -s "$work/err" ] && grep -qx '// may survive' "$here/misuse/$1"
}

# try_one LABEL PROGRAM SOURCE [ARGUMENT]
try_one() {
    local label=$1 program=$2 source=$3 conf wanted
    shift 3
    conf=$(head_of "$source" conf)
    wanted=$(head_of "$source" status)
    run 20 env ${conf:+"LARDER_CONF=$conf"} "$work/$program" "$@"
    if survived_rightly "$source"; then pass "$label"
    elif [ "$status" -ne "${wanted:-134}" ]; then fail "$label" "$(reason)"
    elif said_right "$source"; then pass "$label"
    else fail "$label" "said: $(cat "$work/err")"
    fi
}

# try SOURCE CALL [FLAG...]: builds a program and does all its runs.
try() {
    local source=$1 argument label
    call=$2
    label=${source%.c}${3:+ $call}
    build program "misuse/$source" "${@:3}" -Wno-use-after-free -Wno-free-nonheap-object || return
    [ -n "$(head_of "$source" runs)" ] || try_one "$label" program "$source"
    for argument in $(head_of "$source" runs); do try_one "$label $argument" program "$source" "$argument"; done
}

for source in "$here"/misuse/pointer/*.c; do
    source=${source#"$here/misuse/"}
    try "$source" free -DCALL_FREE
    try "$source" realloc -DCALL_REALLOC
    try "$source" usable_size -DCALL_USABLE_SIZE
done
for source in "$here"/misuse/freed/*.c; do
    source=${source#"$here/misuse/"}
    try "$source" realloc -DCALL_REALLOC
    try "$source" usable_size -DCALL_USABLE_SIZE
done
for source in "$here"/misuse/{double,write,conf}/*.c; do
    try "${source#"$here/misuse/"}" free
done
finish
