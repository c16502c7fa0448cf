# Sourced by the runners beside it: builds small C programs, runs each on the library under test, and counts the results.
# Without a library the programs run on the system malloc, which shows whether the tests themselves are right.
set -u
ulimit -c 0

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lib=${1:+$(realpath "$1")}
work=$(mktemp -d)
undo=() # what else is to be done at the end, as commands; each may be done twice
trap clean_up EXIT
trap 'exit 143' TERM INT
read -ra link <<<"${LARDER_TEST_LINK:-}"
passed=0
failed=0
status=0

if [ -n "$lib" ] && [ ! -f "$lib" ]; then
    echo "$0: no library at $lib; build it with: cargo build --release -p larder-ffi" >&2
    exit 2
fi

# shellcheck source=/dev/null
. "$here/../children.sh"

clean_up() {
    local command
    end_children
    for command in "${undo[@]}"; do eval "$command"; done
    rm -rf "$work"
}

pass() {
    echo "ok $1"
    passed=$((passed + 1))
}

fail() {
    echo "FAILED $1: $2"
    failed=$((failed + 1))
}

# Succeeds if a library was named; otherwise reports a test as skipped that the system malloc need not pass.
needs_library() {
    [ -n "$lib" ] && return 0
    echo "skipped $1: the system malloc does not promise this"
    return 1
}

# build NAME SOURCE [FLAG...]: compiles to $work/NAME. LARDER_TEST_LINK has flags that choose another libc.
build() {
    local name=$1 source=$2 chosen=("${link[@]}")
    shift 2
    [[ " $* " != *" -static"* ]] || chosen=() # has the machine's in it
    cc -O1 -g -fno-builtin -pthread -Wall -Wextra -I"$here" -o "$work/$name" "$here/$source" "$@" "${chosen[@]}" 2>"$work/cc.err" && return
    fail "$name" "does not compile: $(head -n 1 "$work/cc.err")"
    return 1
}

# run SECONDS COMMAND...: runs the command on the library; leaves $status, $work/out and $work/err.
# `timeout` leads a process group of its own: processes that are left in it when the command has ended are killed.
run() {
    local limit=$1 leader
    shift
    {
        (cd "$work" && exec timeout -k 5 "$limit" env ${lib:+"LD_PRELOAD=$lib"} "$@" >out 2>err </dev/null) &
        leader=$!
        wait "$leader"
        status=$?
        kill -KILL -- "-$leader"
    } 2>/dev/null
}

# Prints in one line what went wrong in the last run.
reason() {
    case $status in
        124 | 137) echo "hung" ;;
        *) echo "status $status $(tail -n 1 "$work/err")" ;;
    esac
}

# check NAME SECONDS COMMAND...: the command must end with status 0 in time.
check() {
    local name=$1 limit=$2
    shift 2
    run "$limit" "$@"
    if [ "$status" -eq 0 ]; then pass "$name"; else fail "$name" "$(reason)"; fi
}

# Prints the last line of a runner, and returns its status.
finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
