#!/usr/bin/env bash
# clang++: the same assembly and object, and a program built under larder that runs on larder.
source "$(dirname "$0")/lib.sh"
need clang++

workload() {
    mkdir scratch
    $run clang++ -std=c++17 -O2 -S "$here/program.cpp" -o program.s
    $run clang++ -std=c++17 -O1 -g -ffile-prefix-map="$PWD=." -c "$here/program.cpp" -o program.o
    $run clang++ -pthread program.o -o scratch/program
    $run ./scratch/program >program.out 2>&1
}

both workload
echo 'int x;' >x.cpp
on_larder clang++ clang++ -c x.cpp
