#!/usr/bin/env bash
# Node.js: JSON, buffers, compression and hashing on the thread pool, workers, child processes.
source "$(dirname "$0")/lib.sh"
need node

workload() { $run node "$here/node.js" "$(scale 400)" >out 2>&1; }

both workload
on_larder node node -e 'Buffer.alloc(99)'
