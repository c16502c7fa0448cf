#!/usr/bin/env bash
# Perl: hashes, regular expressions, sorting, Storable, compression, interpreter threads and forks.
source "$(dirname "$0")/lib.sh"
need perl

workload() { $run perl "$here/perl.pl" "$(scale 40000)" >out 2>&1; }

both workload
on_larder perl perl -e 'my %h = map { $_ => [$_] } 1 .. 99'
