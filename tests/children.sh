# shellcheck shell=bash
# Sourced by the runners and by scripts/test.sh: ensures that the processes they start end with them, although `timeout` gives these process groups
# of their own.

# Terminates all descendants of this shell, and waits for its own children.
end_children() {
    local left
    left=$(descendants $$) # the process that looks for them is one of them, and gone by now
    # shellcheck disable=SC2086
    kill $left 2>/dev/null || true
    wait || true
}

# Prints the descendants of PID, children before their parents.
descendants() {
    local child
    for child in $(pgrep -P "$1"); do
        descendants "$child"
        echo "$child"
    done
}
