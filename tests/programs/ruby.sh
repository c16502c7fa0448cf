#!/usr/bin/env bash
# Ruby: strings, hashes, JSON, Marshal, compression, threads, forks.
source "$(dirname "$0")/lib.sh"
need ruby

workload() { $run ruby "$here/ruby.rb" "$(scale 20000)" >out 2>&1; }

both workload
on_larder ruby ruby -e '[1] * 99'
