#!/usr/bin/env bash
# gcc and g++: the same objects and assembly, and a program built under larder that runs on larder.
source "$(dirname "$0")/lib.sh"
need gcc g++

# Generates many similar C functions, so that the optimiser holds much memory at once.
many_functions() {
    echo '#include <stdio.h>'
    for n in $(seq 1 "$1"); do
        echo "int f$n(int a, int b) { int s = $n;"
        echo "    for (int i = 0; i < a; i++) { s += (b ^ i) * $n; if (s % 7 == $n % 7) s ^= b; } return s; }"
    done
    echo 'int main(void) { long s = 0;'
    for n in $(seq 1 "$1"); do echo "s += f$n($n % 50, (int)s);"; done
    echo 'printf("%ld", s); }'
}

workload() {
    mkdir scratch # for what is linked: it holds temporary names
    many_functions "$(scale 300)" >many.c
    $run gcc -O2 -c many.c -o many.o
    $run gcc -O1 -flto -g many.c -o scratch/many 2>&1
    $run ./scratch/many >many.out 2>&1
    $run g++ -std=c++17 -O2 -S "$here/program.cpp" -o program.s
    $run g++ -pthread program.s -o scratch/program
    $run ./scratch/program >program.out 2>&1
}

both workload
echo 'int x;' >x.c
for program in cc1 as; do on_larder $program gcc -c x.c; done
on_larder cc1plus g++ -c -x c++ x.c
