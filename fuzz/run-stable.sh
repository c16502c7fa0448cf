#!/bin/bash
# run-stable.sh TARGET [libFuzzer options]: builds a target with coverage on stable Rust and runs it.
set -eu
cd "$(dirname "$0")"
target=${1:?usage: run-stable.sh ops|layouts [libFuzzer options]}
shift
flags=(-Cpasses=sancov-module -Ccodegen-units=1 -Cdebug-assertions --cfg=fuzzing)
for option in level=4 inline-8bit-counters pc-table trace-compares; do
    flags+=("-Cllvm-args=-sanitizer-coverage-$option")
done
mkdir -p "corpus/$target" "artifacts/$target"
# The target triple is given explicitly so that the flags do not apply to build scripts.
RUSTFLAGS="${flags[*]}" cargo run --release --target "$(rustc --print host-tuple)" --bin "$target" -- \
    "corpus/$target" -artifact_prefix="artifacts/$target/" -max_len=4096 "$@"
