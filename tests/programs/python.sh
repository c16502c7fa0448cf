#!/usr/bin/env bash
# Python, with every object from malloc (PYTHONMALLOC=malloc): json, regular expressions, sqlite3, threads and forked workers.
source "$(dirname "$0")/lib.sh"
need python3

workload() { $run python3 "$here/python.py" "$(scale 20000)" >out 2>&1; }

both workload
on_larder python3 python3 -c 'import json'
