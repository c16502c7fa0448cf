#!/usr/bin/env bash
# The sqlite3 shell: tables, indexes, joins, windows, JSON, full-text search, vacuum; on disk and in memory.
source "$(dirname "$0")/lib.sh"
need sqlite3

workload() {
    sed "s/@ROWS@/$(scale 100000)/" "$here/sqlite.sql" >work.sql
    mkdir scratch
    $run sqlite3 -batch scratch/on-disk.db <work.sql >on-disk 2>&1
    $run sqlite3 -batch :memory: <work.sql >in-memory 2>&1
    $run sqlite3 scratch/on-disk.db .dump >dump
}

both workload
on_larder sqlite3 sqlite3 :memory: 'select hex(zeroblob(9))'
