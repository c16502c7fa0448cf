#!/usr/bin/env python3
"""Measures how memory comes back: the programs of benches/claims under every allocator, in turn.

benches/memory.py [--rounds N] [--quick] [--with NAME=LIB.so]... [--json FILE] [--plot FILE.svg] [--check]

The figures are explained in docs/memory.md.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import claims

PEAK_MIB = 800
BURST_MIB = 500
PAGES_OF_A_BURST = BURST_MIB * 256
PROGRAMS = ["handed_over 1", "handed_over 4", "handed_over 4 800 TAIL", "alone random", "alone first", "bursts", "drift CHURN", "drift SIZES"]
# Figure -> (title, unit).
FIGURES = {
    "handed_over 1.run_ms": ("800 MiB from 1 thread to 1", "ms"),
    "handed_over 1.after_1s_mib": ("... resident 1 s later", "MiB"),
    "handed_over 4.run_ms": ("800 MiB from 4 threads to 4", "ms"),
    "handed_over 4.after_1s_mib": ("... resident 1 s later", "MiB"),
    "handed_over 4 800 TAIL.longest_free_us": ("... longest free", "us"),
    "alone random.run_ms": ("800 MiB by one thread, freed at random", "ms"),
    "alone random.after_1s_mib": ("... resident 1 s later", "MiB"),
    "alone first.after_1s_mib": ("... freed as they came: 1 s later", "MiB"),
    "bursts.busy_ms": ("8 bursts of 500 MiB", "ms"),
    "bursts.faults_per_turn": ("... page faults each", ""),
    "drift CHURN.end_ratio": ("churn, resident / live", ""),
    "drift SIZES.end_ratio": ("sizes drift, resident / live", ""),
    "drift SIZES.worst_ratio": ("... at worst", ""),
    "drift SIZES.held_ratio": ("... resident / pages with an object", ""),
}
COLOURS = ["#c0392b", "#7f8c8d", "#2980b9", "#8e44ad", "#27ae60", "#d68910", "#16a085"]


def build(into):
    for source in claims.HERE.glob("claims/*.c"):
        command = ["cc", "-O2", "-fno-builtin", "-pthread", "-o", f"{into}/{source.stem}", str(source), "-lm"]
        if subprocess.run(command).returncode:
            claims.fail(f"{source.name} does not compile: install a C compiler (Debian: build-essential)")


def measure(libraries, rounds, binaries):
    """Contender -> figure -> one value per round. Who comes after whom changes from round to round."""
    values = {name: {figure: [] for figure in FIGURES} for name in libraries}
    for turn in range(rounds):
        for program in PROGRAMS:
            print(f"\rround {turn + 1} of {rounds}: {program:24}", end="", file=sys.stderr, flush=True)
            for name, library in claims.shuffled(libraries):
                claims.keep(values[name], claims.run(program, library, binaries))
    print("\r" + " " * 50 + "\r", end="", file=sys.stderr)
    return values


def verdicts(best, medians):
    """The promises: what, whether kept, the figures. Times are compared at their best: a busy machine only ever adds to them."""
    ours, peers = medians["larder"], [name for name in medians if name != "larder"]
    for makers in (1, 4):
        run, left = f"handed_over {makers}.run_ms", f"handed_over {makers}.after_1s_mib"
        yield f"{makers} to {makers}: resident 1 s later <= 5 % of the peak", ours[left] / PEAK_MIB, 0.05
        keepers = [best[name][run] for name in peers if medians[name][left] > PEAK_MIB / 2]
        if keepers:
            yield f"{makers} to {makers}: time / fastest that keeps it all", best["larder"][run] / min(keepers), 1.05
    for order in ("random", "first"):
        yield f"one thread, {order}: resident 1 s later <= 5 % of the peak", ours[f"alone {order}.after_1s_mib"] / PEAK_MIB, 0.05
    fastest = min(best[name]["bursts.busy_ms"] for name in peers)
    yield "bursts: time / fastest peer", best["larder"]["bursts.busy_ms"] / fastest, 1.05
    yield "bursts: page faults / pages of a burst", ours["bursts.faults_per_turn"] / PAGES_OF_A_BURST, 0.10
    yield "longest free, ms", ours["handed_over 4 800 TAIL.longest_free_us"] / 1000, 1.0
    for figure, what in (("drift CHURN.end_ratio", "churn"), ("drift SIZES.end_ratio", "sizes drift")):
        if figure in ours:
            yield f"{what}: resident / live", ours[figure], 1.15


def show(medians, best):
    names = list(medians)
    print(f"{'median (times: the best)':34}" + "".join(f"{name:>12}" for name in names))
    for figure, (title, unit) in FIGURES.items():
        shown = best if unit == "ms" else medians
        label = f"{title}, {unit}" if unit else title
        print(f"{label:34}" + "".join(f"{claims.human(shown[name][figure]) if unit else f'{shown[name][figure]:,.2f}':>12}" for name in names))


def check(best, medians):
    print()
    kept = True
    for what, value, most in verdicts(best, medians):
        kept &= value <= most
        print(f"{what:52}{value:8.3f}   {'kept' if value <= most else 'BROKEN'}: <= {most}")
    return kept


def watch(library, binaries):
    """(seconds, resident MiB) of three bursts and two seconds of rest."""
    environment = {**os.environ, "LD_PRELOAD": str(library or "")}
    done = subprocess.run([f"{binaries}/bursts", "3", str(BURST_MIB), "400", "watch"], env=environment, capture_output=True, text=True)
    return [tuple(map(float, line.split())) for line in done.stdout.splitlines()]


def plot(series, path):
    """Resident memory over time as an SVG."""
    width, height, left, bottom, top = 860, 360, 60, 40, 20
    end = max(points[-1][0] for points in series.values())
    most = max(mib for points in series.values() for _, mib in points) * 1.05
    x = lambda seconds: left + seconds / end * (width - left - 120)
    y = lambda mib: height - bottom - mib / most * (height - bottom - top)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    for mib in range(0, int(most) + 1, 100):
        parts.append(f'<line x1="{left}" x2="{x(end):.0f}" y1="{y(mib):.1f}" y2="{y(mib):.1f}" stroke="#e5e5e5"/>'
                     f'<text x="{left - 8}" y="{y(mib) + 4:.1f}" text-anchor="end">{mib}</text>')
    for second in range(int(end) + 1):
        parts.append(f'<text x="{x(second):.1f}" y="{height - bottom + 18}" text-anchor="middle">{second}</text>')
    parts.append(f'<text x="{x(end / 2):.0f}" y="{height - 6}" text-anchor="middle">seconds</text>'
                 f'<text x="{left}" y="{top - 6}">resident MiB: three bursts of {BURST_MIB} MiB, then rest</text>')
    for number, (name, points) in enumerate(series.items()):
        colour, wide = COLOURS[number % len(COLOURS)], 2.5 if name == "larder" else 1.4
        line = " ".join(f"{x(seconds):.1f},{y(mib):.1f}" for seconds, mib in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{wide}"/>'
                     f'<line x1="{width - 110}" x2="{width - 90}" y1="{30 + 20 * number}" y2="{30 + 20 * number}" stroke="{colour}" stroke-width="{wide}"/>'
                     f'<text x="{width - 84}" y="{34 + 20 * number}">{name}</text>')
    pathlib.Path(path).write_text("\n".join(parts) + "\n</svg>\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each program runs under each allocator (default 5)")
    parser.add_argument("--quick", action="store_true", help="without the programs that drift")
    claims.add_common(parser)
    parser.add_argument("--plot", metavar="FILE.svg", help="also draw resident memory over time")
    parser.add_argument("--check", action="store_true", help="end with status 1 when a promise is broken")
    options = parser.parse_args()
    if options.quick:
        PROGRAMS[:] = [program for program in PROGRAMS if not program.startswith("drift")]
        for figure in [figure for figure in FIGURES if figure.startswith("drift")]:
            del FIGURES[figure]
    libraries = claims.contenders(options.extra)
    with tempfile.TemporaryDirectory() as binaries:
        build(binaries)
        values = measure(libraries, options.rounds, binaries)
        if options.plot:
            plot({name: watch(library, binaries) for name, library in libraries.items()}, options.plot)
    medians, best = claims.summary(values, statistics.median), claims.summary(values, min)
    show(medians, best)
    kept = check(best, medians)
    claims.write_json(options, {"values": values, "medians": medians, "best": best})
    sys.exit(1 if options.check and not kept else 0)


if __name__ == "__main__":
    main()
