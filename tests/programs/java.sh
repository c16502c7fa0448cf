#!/usr/bin/env bash
# Java, compiled in the same process: collections, threads, compression and direct buffers (the JVM itself also uses malloc).
source "$(dirname "$0")/lib.sh"
need java javac

workload() { $run java -Xmx384m "$here/Work.java" "$(scale 40000)" >out 2>&1; }

both workload
on_larder java java -Xmx64m -version
