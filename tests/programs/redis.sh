#!/usr/bin/env bash
# Redis: many clients write while the server forks to save in the background. The data must survive a restart, and must equal that of a server
# without the preload. (Debian's redis-server is linked to jemalloc: mallctl remains jemalloc's, everything else is larder's.)
source "$(dirname "$0")/lib.sh"
need redis-server redis-cli redis-benchmark

socket=$work/redis.sock
cli() { timeout -k 5 60 redis-cli -e -s "$socket" "$@"; } # -e: an error it is told is its own

start() { # serve or serve_plain
    "$1" redis-server --port 0 --unixsocket "$socket" --dir "$work/data" --save '' --appendonly no --enable-debug-command yes \
        --io-threads 2 --loglevel warning
    eventually loaded
}

# The server answers before it has read its whole file, even to DEBUG DIGEST.
loaded() { [[ $(cli info persistence) == *$'\n'loading:0* ]]; }

serve_plain() {
    "$@" >>server.log 2>&1 &
    server=$!
}

stop() {
    cli shutdown "$1" || true # the connection ends with the server
    stopped "$server"
}

# Makes the data set by a script inside the server: strings, lists, hashes, sorted sets, streams; overwritten, shortened and expired.
fill() {
    cli eval "$(cat "$here/redis.lua")" 0 "$(scale 40000)" >/dev/null || fail "the script did not run"
    (($(cli dbsize) > 0)) || fail "the data set is empty"
    cli debug digest
}

saved_in_background() { [[ $(cli info persistence) == *rdb_bgsave_in_progress:0*rdb_last_bgsave_status:ok* ]]; }

# Clients write random keys while snapshots are taken, one after the other.
write_while_saving() {
    redis-benchmark -s "$socket" -q -c 20 -n "$(scale 60000)" -r 5000 -d 300 -P 8 -t set,lpush,hset,zadd,lpop >benchmark.log 2>&1 &
    local writers=$!
    while kill -0 "$writers" 2>/dev/null; do
        cli bgsave >/dev/null || fail "BGSAVE was refused: $(tail -n 5 server.log)"
        mapped "$server"
        eventually saved_in_background
    done
    wait "$writers" || fail "redis-benchmark: $(tail -n 3 benchmark.log)"
}

mkdir data
start serve_plain
expected=$(fill)
stop nosave

start serve
mapped "$server"
[[ $(fill) == "$expected" ]] || fail "the data set differs from the one under the system's malloc"
write_while_saving
before=$(cli debug digest)
stop save

start serve
[[ $(cli debug digest) == "$before" ]] || fail "the data set did not survive the restart"
cli memory doctor >/dev/null && cli memory purge >/dev/null && cli flushall >/dev/null
[[ $(fill) == "$expected" ]] || fail "the data set differs after a flush"
stop nosave
on_larder redis-server redis-server --version
