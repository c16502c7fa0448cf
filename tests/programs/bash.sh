#!/usr/bin/env bash
# bash itself: arrays, strings, patterns, subshells, pipelines, here-documents. Every command that it starts also runs on larder.
source "$(dirname "$0")/lib.sh"

workload() { $run bash --norc "$here/bash.bash" "$(scale 4000)" >out 2>&1; }

both workload
on_larder bash bash -c 'x=$(echo 1)'
