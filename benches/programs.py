#!/usr/bin/env python3
"""Measures programs that do more than allocate, with `larder compare`: time and peak memory under every allocator, ratios to the system malloc.

benches/programs.py [--runs N] [--only PROGRAM]... [--with NAME=LIB.so]... [--json FILE]

Programs that are not installed are named and left out. Needs `cargo build --release`.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import claims

SOURCES = claims.HERE.parent / "tests" / "programs"
LINES = 1_000_000
# The exit status of `larder compare` if an allocator has no figures.
SOME_NOT_MEASURED = 1

PYTHON = """
import json, re
table = [{"id": i, "name": f"n{i}", "tags": [f"t{i * j}" for j in range(i % 9)], "x": i * 1.5} for i in range(60000)]
text = json.dumps(table)
print(len(json.loads(text)), len(re.findall(r"[0-9]+", text)), len(text.split(",")), len("".join(sorted(text[:2000000]))))
"""
RUBY = """
table = {}
400000.times { |i| table["k#{i}"] = [i.to_s, "x" * (i % 100)] }
8.times { table.map { |key, value| key + value[0] }.sort.uniq.size }
"""
PERL = """
my (%table, $sum);
$table{"k$_"} = [$_, "x" x ($_ % 100)] for 1 .. 500000;
for (1 .. 2) { $sum += length $table{$_}[1] for sort keys %table; my @parts = split /\\n/, join "\\n", map {"$_,$table{$_}[1]"} keys %table; $sum += @parts }
"""
NODE = """
const table = new Map();
for (let i = 0; i < 300000; i++) table.set("k" + i, Buffer.from("x".repeat(i % 300)));
const text = JSON.stringify([...table.keys()]);
for (let i = 0; i < 5; i++) JSON.parse(text);
require("zlib").gzipSync(text);
"""
SQL = """
create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 300000) insert into t select i, hex(i * 7919 % 100003), i * 0.5 from n;
create index by_b on t(b);
select count(*), sum(length(b)) from (select b, count(*) c from t group by b order by c desc, b);
select sum(x) from (select a, (select count(*) from t u where u.b = t.b) x from t where a % 10 = 0);
select length(group_concat(b)) from t;
"""


# Name -> command, which runs in the directory of the file `lines`.
PROGRAMS = {
    "python3": ["python3", "-c", PYTHON],
    "ruby": ["ruby", "-e", RUBY],
    "perl": ["perl", "-e", PERL],
    "node": ["node", "-e", NODE],
    "sqlite3": ["sqlite3", ":memory:", SQL],
    "g++": ["g++", "-std=c++17", "-O2", "-S", f"{SOURCES}/program.cpp", "-o", "out"],
    "clang++": ["clang++", "-std=c++17", "-O2", "-S", f"{SOURCES}/program.cpp", "-o", "out"],
    "git": ["git", "-C", str(SOURCES), "log", "-p", "--stat"],
    "sort": ["sort", "-R", "--parallel=4", "-S", "200M", "lines"],
    "xz": ["xz", "-T4", "-k", "-c", "-3", "lines"],
}


def write_lines(folder):
    with open(f"{folder}/lines", "w") as file:
        file.writelines(f"{number * 7919 % 1_000_003} line {number}\n" for number in range(LINES))


def absolute(pair):
    name, _, library = pair.partition("=")
    return f"{name}={pathlib.Path(library).resolve()}"


def compare(name, command, options, folder):
    """What `larder compare` says of one program: allocator -> medians."""
    tool = claims.find_larder().parent / "larder"
    extra = [word for pair in options.extra for word in ("--with", absolute(pair))]
    words = [str(tool), "compare", "--runs", str(options.runs), "--json", "compared", *extra, "--", *command]
    done = subprocess.run(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode not in (0, SOME_NOT_MEASURED):
        claims.fail(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    allocators = json.loads(pathlib.Path(f"{folder}/compared").read_text())["allocators"]
    for it in allocators:
        if it["problem"]:
            print(f"\rprograms.py: {name} on {it['name']}: {it['problem']}", file=sys.stderr)
    return {it["name"]: it["median"] for it in allocators}


def measure(options, folder):
    write_lines(folder)
    found = {}
    for name in options.only or PROGRAMS:
        command = PROGRAMS[name]
        if shutil.which(command[0]) is None:
            print(f"programs.py: {name} is not installed and left out", file=sys.stderr)
            continue
        print(f"\r{name:20}", end="", file=sys.stderr, flush=True)
        medians = compare(name, command, options, folder)
        if medians["system"]:
            found[name] = medians
    print("\r" + " " * 20 + "\r", end="", file=sys.stderr)
    return found or claims.fail("none of these programs was measured")


def show(found):
    for title, figure, unit, scale in (("wall time", "wall_s", "s", 1), ("peak RSS", "peak_rss_bytes", "MiB", 2**20)):
        names = [name for name in next(iter(found.values())) if name != "system"]
        print(f"{title:12}{'system, ' + unit:>12}" + "".join(f"{name:>18}" for name in names))
        for program, medians in found.items():
            base = medians["system"][figure]
            cells = (f"{medians[name][figure] / base:.2f}" if medians[name] else "-" for name in names)
            print(f"{program:12}{base / scale:>12.3g}" + "".join(f"{cell:>18}" for cell in cells))
        print()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="how often each program runs under each allocator (default 5)")
    parser.add_argument("--only", action="append", default=[], choices=PROGRAMS, help="only this program (repeatable)")
    claims.add_common(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options, folder)
    show(found)
    claims.write_json(options, found)


if __name__ == "__main__":
    main()
