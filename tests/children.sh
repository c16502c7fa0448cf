# shellcheck shell=bash
# Sourced by the runners and by scripts/test.sh: what they started ends with them, though `timeout` puts it into groups of its own.

# Asks all that descend from this shell to end, and waits for its own children.
end_children() {
    local left
    left=$(descendants $$) # the process that looks for them is one of them, and gone by now
    # shellcheck disable=SC2086
    kill $left 2>/dev/null || true
    wait || true
}

# The processes below PID, the lowest first.
descendants() {
    local child
    for child in $(pgrep -P "$1"); do
        descendants "$child"
        echo "$child"
    done
}
