#!/usr/bin/env python3
"""Measures what larder promises as a C library: every program under every allocator, in turn, medians.

benches/claims.py [--rounds N] [--with NAME=LIB.so]... [--json FILE] [--check]
"""
import argparse
import glob
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PEERS = {"jemalloc": "libjemalloc.so.2", "mimalloc": "libmimalloc.so.2*", "tcmalloc": "libtcmalloc_minimal.so.4"}
STARTS_PER_ROUND = 60

# Figure -> (title, unit, promise: at most this many times glibc's figure, plus this much).
FIGURES = {
    "pairs.pair64_ns": ("malloc(64) + free", "ns", 0.45, 0),
    "pairs.order150_ns": ("150 mixed, in order", "ns", 0.5, 0),
    "pairs.reverse150_ns": ("150 mixed, in reverse", "ns", 0.5, 0),
    "pairs.random150_ns": ("150 mixed, at random", "ns", 0.5, 0),
    "pairs.random1000_ns": ("1000 mixed, at random", "ns", 0.5, 0),
    "pairs.pair256k_ns": ("malloc(256 KiB) + free", "ns", None, 0),
    "pairs.large32_ns": ("32 of 4-252 KiB, at random", "ns", None, 0),
    "grow.untouched_ns": ("realloc to 1 GiB, untouched", "ns", 1, 0),
    "grow.touched_ns": ("realloc to 1 GiB, touched", "ns", 1, 0),
    "idle 1000 20.rss_kib": ("1,000 threads, 20 objects each", "KiB", 1, 0),
    "idle 1000 20.pss_kib": ("... proportional", "KiB", 1, 0),
    "idle 10000 20.rss_kib": ("10,000 threads, 20 objects each", "KiB", 1, 0),
    "idle 10000 0.rss_kib": ("10,000 threads, no objects", "KiB", None, 0),
    "start.true_us": ("true, spawn to exit", "us", 1.1, 0),
    "start.peak_kib": ("true, peak RSS", "KiB", 1, 256),
}
PROGRAMS = list(dict.fromkeys(name.split(".")[0] for name in FIGURES if not name.startswith("start")))


def fail(message):
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {message}")


def find_larder():
    # An absolute path, because some callers change their working directory.
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")).resolve()
    library = target / "release" / "liblarder.so"
    return library if library.exists() else fail(f"{library} is missing: run `cargo build --release` first")


def contenders(extra):
    """Name -> library; the system malloc has none."""
    found = {"glibc": None, "larder": find_larder()}
    for name, pattern in PEERS.items():
        libraries = sorted(glob.glob(f"/usr/lib/*/{pattern}") + glob.glob(f"/usr/local/lib/{pattern}"))
        found.update({name: libraries[0]} if libraries else {})
    for pair in extra:
        name, _, library = pair.partition("=")
        found[name] = library if os.path.exists(library) else fail(f"--with {pair}: no such library")
    return found


def build(into):
    for source in HERE.glob("claims/*.c"):
        static = ["-static"] if source.stem == "start" else []
        command = ["cc", "-O2", "-fno-builtin", "-pthread", *static, "-o", f"{into}/{source.stem}", str(source), "-lm"]
        if subprocess.run(command).returncode:
            fail(f"{source.name} does not compile: install a C compiler (Debian: build-essential)")


def run(program, library, binaries):
    """The `name value` lines a program prints."""
    name, *words = program.split()
    environment = {**os.environ, "LD_PRELOAD": str(library or "")}
    done = subprocess.run([f"{binaries}/{name}", *words], env=environment, capture_output=True, text=True)
    if done.returncode or done.stderr:
        fail(f"`{program}` under {library or 'glibc'}: status {done.returncode} {done.stderr.strip()}")
    return {f"{program}.{key}": float(value) for key, value in map(str.split, done.stdout.splitlines())}


def run_starts(libraries, binaries):
    """Per contender the figures of `start`, which takes turns by itself."""
    command = [f"{binaries}/start", str(STARTS_PER_ROUND), *(str(library or "-") for library in libraries.values())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or done.stderr:
        fail(done.stderr.strip() or f"start ended with status {done.returncode}")
    lines = (line.rsplit(maxsplit=2) for line in done.stdout.splitlines())
    return {name: {"start.true_us": float(time), "start.peak_kib": float(peak)}
            for name, (_, time, peak) in zip(libraries, lines)}


def shuffled(libraries):
    """Names and libraries in another order each time: whoever always came after the same one would always get the pages that one gave back."""
    return random.sample(list(libraries.items()), len(libraries))


def measure(libraries, rounds, binaries):
    """Contender -> figure -> one value per round."""
    values = {name: {figure: [] for figure in FIGURES} for name in libraries}
    for turn in range(rounds):
        for program in PROGRAMS:
            print(f"\rround {turn + 1} of {rounds}: {program:16}", end="", file=sys.stderr, flush=True)
            for name, library in shuffled(libraries):
                keep(values[name], run(program, library, binaries))
        for name, figures in run_starts(dict(shuffled(libraries)), binaries).items():
            keep(values[name], figures)
    print("\r" + " " * 40 + "\r", end="", file=sys.stderr)
    return values


def summary(values, of):
    return {name: {figure: of(kept) for figure, kept in figures.items()} for name, figures in values.items()}


def keep(values, figures):
    for figure, value in figures.items():
        if figure in values:
            values[figure].append(value)


def verdict(figure, medians):
    """Whether larder keeps its promise, and the promise in words."""
    _, unit, times, plus = FIGURES[figure]
    if times is None:
        return None, ""
    kept = medians["larder"][figure] <= medians["glibc"][figure] * times + plus
    return kept, f"{'kept' if kept else 'BROKEN'}: <= {times} x glibc" + (f" + {plus} {unit}" if plus else "")


def show(medians, minima):
    """The last ratio is of the best rounds: a busy machine disturbs it least."""
    names = list(medians)
    print(f"{'median (ratio to glibc)':34}" + "".join(f"{name:>20}" for name in names) + f"{'larder at best':>16}  promise")
    for figure, (title, unit, _, _) in FIGURES.items():
        base = medians["glibc"][figure]
        cells = (f"{human(medians[name][figure])} ({medians[name][figure] / base:.2f})" for name in names)
        print(f"{title + ', ' + unit:34}" + "".join(f"{cell:>20}" for cell in cells)
              + f"{minima['larder'][figure] / minima['glibc'][figure]:>16.2f}  {verdict(figure, medians)[1]}")


def human(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def add_common(parser):
    """The options that all of these programs have."""
    parser.add_argument("--with", dest="extra", action="append", default=[], metavar="NAME=LIB.so", help="one more allocator")
    parser.add_argument("--json", metavar="FILE", help="write what was measured to FILE")


def write_json(options, measured):
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(measured, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often each program runs under each allocator (default 7)")
    add_common(parser)
    parser.add_argument("--check", action="store_true", help="end with status 1 when a promise is broken")
    options = parser.parse_args()
    libraries = contenders(options.extra)
    with tempfile.TemporaryDirectory() as binaries:
        build(binaries)
        values = measure(libraries, options.rounds, binaries)
    medians, minima = summary(values, statistics.median), summary(values, min)
    show(medians, minima)
    write_json(options, {"values": values, "medians": medians})
    broken = [figure for figure in FIGURES if verdict(figure, medians)[0] is False]
    sys.exit(1 if options.check and broken else 0)


if __name__ == "__main__":
    main()
