#!/usr/bin/env bash
# rustc: the same assembly, and a program built under larder that runs on larder.
source "$(dirname "$0")/lib.sh"
need rustc gcc nm

sysroot=$(rustc --print sysroot)

build_rustc() {
    local driver main
    driver=$(echo "$sysroot"/lib/librustc_driver-*.so)
    main=$(nm -D --defined-only "$driver" | grep -oE '_R[A-Za-z0-9_]*17rustc_driver_impl4main$') || fail "no main in $driver"
    gcc -DDRIVER_MAIN="$main" "$here/rustc-main.c" -o rustc "$driver" -Wl,-rpath,"$sysroot/lib" -Wl,--allow-shlib-undefined
}

workload() {
    local compile="$run $work/rustc --sysroot $sysroot --edition 2024 $here/program.rs"
    mkdir scratch # for what is linked: it holds temporary names
    $compile -C opt-level=2 -C codegen-units=1 --emit asm -o program.s
    $compile -C opt-level=3 -C codegen-units=8 -o scratch/program
    $run ./scratch/program >program.out 2>&1
    $compile -C debuginfo=2 -C incremental=scratch -o scratch/debug
    $run ./scratch/debug >debug.out 2>&1
}

build_rustc
both workload
echo 'fn main() { println!("{:?}", vec![1]) }' >tiny.rs
on_larder "$work/rustc" "$work/rustc" --sysroot "$sysroot" tiny.rs
on_larder cc "$sysroot/bin/rustc" -C linker=cc tiny.rs # as installed: its children, the linker, run on larder
