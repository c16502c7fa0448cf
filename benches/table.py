#!/usr/bin/env python3
"""Prints what the last `cargo bench` measured as one table: a row per workload, a column per allocator, ratios to the system malloc.

benches/table.py [--markdown]
"""
import json
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
DAY = 24 * 60 * 60
UNITS = [(1e9, "s"), (1e6, "ms"), (1e3, "us"), (1, "ns")]


def medians():
    """(group, workload) -> contender -> nanoseconds."""
    root = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")) / "criterion"
    found = {}
    files = {file: file.stat().st_mtime for file in root.glob("*/*/*/new/benchmark.json")}
    # Results of removed benchmarks and contenders stay there.
    old = [file for file, time in files.items() if time < max(files.values()) - DAY]
    if old:
        print(f"table.py: {len(old)} of {len(files)} are older by a day and left out", file=sys.stderr)
    for file in sorted(files.keys() - set(old)):
        about = json.loads(file.read_text())
        time = json.loads((file.parent / "estimates.json").read_text())["median"]["point_estimate"]
        found.setdefault((about["group_id"], about["function_id"]), {})[about["value_str"]] = time
    return found or sys.exit(f"table.py: nothing under {root}: run `cargo bench` first")


def human(time):
    size, unit = next((size, unit) for size, unit in UNITS if time >= size or size == 1)
    return f"{time / size:.1f} {unit}"


def rows(found):
    names = ["larder", "system", *sorted({name for row in found.values() for name in row} - {"larder", "system"})]
    yield ["workload", *names]
    for (group, workload), row in sorted(found.items(), key=lambda item: (item[0][0], len(item[0][1]), item[0][1])):
        base = row.get("system")
        cells = (f"{human(row[name])} ({row[name] / base:.2f})" if base and name in row else "" for name in names)
        yield [f"{group}: {workload}", *cells]


def main():
    table = list(rows(medians()))
    if "--markdown" in sys.argv:
        table.insert(1, ["---"] * len(table[0]))
        print("\n".join("| " + " | ".join(row) + " |" for row in table))
        return
    widths = [max(map(len, column)) for column in zip(*table)]
    for first, *rest in table:
        print(first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:])), sep="  ")


if __name__ == "__main__":
    main()
