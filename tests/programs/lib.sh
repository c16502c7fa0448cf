# shellcheck shell=bash
# Shared by the program tests. A test sources this file, defines its work as a function, and has it run twice:
#
#   workload() { $run python3 "$here/python.py" >out; }
#   both workload                 # once under the system's malloc, once under larder: the files that they leave must be equal
#   on_larder python3 python3 -V  # and the program must really take its memory from larder
#
# LARDER_LIB is the path of the library. LARDER_TEST_SMALL=1 asks for a quarter of the work.
# shellcheck disable=SC2034 # `here`, `run` and `server` are for those who source this
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH # Debian's own programs, not the shims of a version manager
export PATH LC_ALL=C.UTF-8 TZ=UTC PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 PYTHONMALLOC=malloc
unset LD_PRELOAD

# shellcheck source=/dev/null
source "$here/../children.sh"

LARDER_LIB=$(readlink -f "${LARDER_LIB:?set it to the path of liblarder.so}")
work=$(mktemp -d /tmp/larder-program.XXXXXX)
chmod 755 "$work" # servers that drop root must still reach it
export TMPDIR=$work
trap cleanup EXIT
trap 'exit 143' TERM INT
cd "$work"

cleanup() {
    local status=$? left
    ((status == 0)) || last_words >&2 || true
    left=$(descendants $$)
    # shellcheck disable=SC2086
    kill -KILL $left 2>/dev/null || true
    cd / && rm -rf "$work"
}

# Prints the end of the file that was written last under larder, in which a program may say why it stopped.
last_words() {
    find "$work/larder" -type f -size +0 -printf '%T@ %p\n' 2>/dev/null | sort -n | tail -n 1 | cut -d' ' -f2- |
        xargs -r tail -n 5 | tr -cd '[:print:]\n' | cut -c1-300
}

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

need() {
    local program
    for program; do
        command -v "$program" >/dev/null || fail "$program is not installed: run scripts/install-test-packages.sh"
    done
}

# scale N: prints how much of N to do.
scale() { echo $((${LARDER_TEST_SMALL:-0} ? $1 / 4 : $1)); }

under_system() { timeout -k 5 120 "$@"; }
under_larder() { timeout -k 5 120 env LD_PRELOAD="$LARDER_LIB" "$@"; }

# both FUNCTION: runs the function in the directory system/ with run=under_system, then in larder/ with run=under_larder. Everything that it leaves
# there must be equal, except for the contents of directories named scratch.
both() {
    local run side
    for side in system larder; do
        run=under_$side
        mkdir "$work/$side"
        cd "$work/$side"
        "$1"
        cd "$work"
    done
    [[ -n $(find larder -type f -size +0 -not -path '*/scratch/*') ]] || fail "$1 left nothing to compare"
    diff -r --exclude=scratch system larder >difference ||
        fail "not the same under larder as under the system's malloc: $(head -c 2000 difference)"
    rm -rf system larder
}

# on_larder PROGRAM CMD…: while CMD runs, ld.so itself must report that a process of PROGRAM was bound to larder's malloc.
on_larder() {
    local program=$1
    shift
    under_larder env LD_DEBUG=files,bindings LD_DEBUG_OUTPUT="$work/ld" "$@" >ld-out 2>&1 || fail "$*: $(tail -c 500 ld-out)"
    bound_to_larder "$program" || fail "$program did not take its malloc from $LARDER_LIB"
    rm -f ld.* ld-out
}

bound_to_larder() {
    local file
    grep -lE "initialize program: (.*[/-])?${1//+/\\+}\$" ld.* | while read -r file; do
        grep -F "to $LARDER_LIB [0]: normal symbol \`malloc'" "$file" && break
    done | grep -q .
}

# serve CMD…: starts a server on larder in the background and sets $server to its process.
serve() {
    env LD_PRELOAD="$LARDER_LIB" "$@" >>server.log 2>&1 &
    server=$!
}

# mapped PID…: each of the running processes must have larder in its address space.
mapped() {
    local pid
    for pid; do
        grep -qF "$LARDER_LIB" "/proc/$pid/maps" || fail "process $pid ($(tr '\0' ' ' <"/proc/$pid/cmdline")) runs without larder"
    done
}

# eventually CMD…: waits until CMD succeeds, for at most 30 s.
eventually() {
    local tries=300
    until "$@" >/dev/null 2>&1; do
        ((tries-- > 0)) || fail "gave up waiting for: $*; $(tail -n 20 server.log 2>/dev/null)"
        sleep 0.1
    done
}

# stopped PID: waits until the server has ended; it must end with status 0.
stopped() {
    local status=0
    eventually gone "$1"
    wait "$1" || status=$?
    [[ $status == 0 ]] || fail "the server ended with status $status: $(tail -n 20 server.log)"
}

gone() { ! kill -0 "$1"; }
