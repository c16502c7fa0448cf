#!/usr/bin/env bash
# PostgreSQL: initdb, a server whose processes all run on larder, pgbench with many clients, a restart, and queries (sorts, hash
# joins, parallel workers) whose answers must equal those of a server under the system's malloc.
source "$(dirname "$0")/lib.sh"
need runuser pgbench
bin=$(find /usr/lib/postgresql -name postgres -path '*/bin/*' -printf '%h\n' | sort -V | tail -n 1)
[[ -n $bin ]] || fail "postgres is not installed: run scripts/install-test-packages.sh"
PATH=$bin:$PATH

export PGHOST=$work PGUSER=postgres PGDATABASE=postgres
as_postgres=(runuser -u postgres --) # the server refuses to run as root
sql() { timeout -k 5 60 psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

settings=(-c shared_buffers=32MB -c fsync=off -c work_mem=8MB
    -c max_parallel_workers_per_gather=2 -c parallel_setup_cost=0 -c min_parallel_table_scan_size=0)

start() { # DIRECTORY [VARIABLE=VALUE…]
    "${as_postgres[@]}" env "${@:2}" "$bin/postgres" -D "$work/$1" -k "$work" -h '' "${settings[@]}" >>server.log 2>&1 &
    server=$!
    eventually sql -c 'select 1'
}

postmaster() { pgrep -P "$server" -x postgres; } # a child of runuser
backends() { pgrep -P "$(postmaster)"; }

stop() {
    kill -INT "$(postmaster)"
    stopped "$server"
}

make_cluster() { # under_system or under_larder, directory
    "$1" "${as_postgres[@]}" initdb -D "$work/$2" -A trust -N --no-locale -E UTF8 >initdb.log 2>&1 ||
        fail "initdb: $(tail -n 5 initdb.log)"
}

# Deterministic: one client with a fixed seed, then the queries.
answers() {
    pgbench -i -q -s "$(scale 4)" >bench.log 2>&1 || fail "pgbench -i: $(tail -n 3 bench.log)"
    pgbench -c 1 -t "$(scale 800)" --random-seed=7 -n >bench.log 2>&1 || fail "pgbench: $(tail -n 3 bench.log)"
    sql -f "$here/postgres.sql"
}

# Many clients at once: no transaction may be lost, and the accounts must balance.
balances() {
    pgbench -c 12 -j 2 -t "$(scale 400)" -n -M prepared >bench.log 2>&1 || fail "pgbench with 12 clients: $(tail -n 3 bench.log)"
    sql -c 'select count(*) - (select count(*) from history_before),
                   sum(delta) = all (select sum(abalance) from pgbench_accounts union all select sum(tbalance) from pgbench_tellers
                                     union all select sum(bbalance) from pgbench_branches)
            from pgbench_history'
}

chown postgres "$work"
make_cluster under_system plain
start plain
answers >expected
stop

make_cluster under_larder larder
start larder "LD_PRELOAD=$LARDER_LIB"
# shellcheck disable=SC2046
mapped "$(postmaster)" $(backends)
answers >actual
cmp expected actual || fail "other answers than under the system's malloc: $(diff expected actual | head -n 10)"
sql -c 'create table history_before as select * from pgbench_history'
[[ $(balances) == "$(($(scale 400) * 12))|t" ]] || fail "the books do not balance"
stop

start larder "LD_PRELOAD=$LARDER_LIB" # what was written is there after a restart
kept=$(sql -c 'select count(*) from pgbench_history')
[[ $kept == "$(($(scale 400) * 12 + $(scale 800)))" ]] || fail "transactions were lost by the restart"
stop
if grep -E 'PANIC|FATAL|terminated by signal' server.log | grep -vE 'starting up|administrator command'; then fail "the server complained"; fi
on_larder postgres "${as_postgres[@]}" "$bin/postgres" --version
