#!/usr/bin/env python3
"""Draws what `larder bench --json FILE` measured as one picture: each allocator's mean time and mean peak memory.

benches/overview.py FILE.json FILE.svg

Both are geometric means over the rows, as ratios to the best peer of each row: an oracle that picks the best peer for every row is at 1 and 1.
"""
import json
import math
import pathlib
import sys

import claims

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 440, 64, 130, 24, 48
TICKS = [1, 1.25, 1.5, 2, 2.5, 3, 4]
OURS, SYSTEM, PEER = "#c0392b", "#2c3e50", "#2980b9"
# The floor is no real allocator.
LEFT_OUT = {"bump"}


def points(report):
    """Allocator -> (time, memory)."""
    names = [allocator["name"] for allocator in report["allocators"]]
    means = zip(names, report["overall"]["time"], report["overall"]["memory"])
    return {name: (time, memory) for name, time, memory in means if name not in LEFT_OUT and time and memory}


def place(name, x, y, boxes):
    """Where a name stands beside its point, clear of what is there already if it can be: (x, y, anchor)."""
    wide = 7 * len(name)
    for across, down in [(10, 4), (-10, 4), (10, 15), (10, -7), (-10, 15), (-10, -7), (10, 26), (10, -18)]:
        left = x + across if across > 0 else x + across - wide
        box = (left, y + down - 11, left + wide, y + down + 1)
        if not any(box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3] for other in boxes):
            break
    boxes.append(box)
    return x + across, y + down, "start" if across > 0 else "end"


def draw(of, title):
    most = [max(point[axis] for point in of.values()) * 1.06 for axis in (0, 1)]
    along = lambda value, end: math.log(value / 0.96) / math.log(end / 0.96)
    x = lambda time: LEFT + along(time, most[0]) * (WIDTH - LEFT - RIGHT)
    y = lambda memory: HEIGHT - BOTTOM - along(memory, most[1]) * (HEIGHT - BOTTOM - TOP)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', f'<text x="{LEFT}" y="16">{title}</text>']
    for tick in TICKS:
        if tick <= most[0]:
            parts.append(f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#e5e5e5"/>'
                         f'<text x="{x(tick):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{tick:g}</text>')
        if tick <= most[1]:
            parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#e5e5e5"/>'
                         f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 10}" text-anchor="middle">time, by the best peer of each row →</text>'
                 f'<text transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2:.0f}) rotate(-90)" text-anchor="middle">peak memory, by the leanest →</text>'
                 f'<circle cx="{x(1):.1f}" cy="{y(1):.1f}" r="4" fill="none" stroke="#7f8c8d"/>')
    spots = [(x(time), y(memory)) for time, memory in of.values()]
    boxes = [(at - 6, up - 6, at + 6, up + 6) for at, up in spots]
    for name, (time, memory) in sorted(of.items()):
        colour, size = {"larder": (OURS, 7), "system": (SYSTEM, 5)}.get(name, (PEER, 5))
        at, up, side = place(name, x(time), y(memory), boxes)
        weight = ' font-weight="bold"' if name == "larder" else ""
        parts.append(f'<circle cx="{x(time):.1f}" cy="{y(memory):.1f}" r="{size}" fill="{colour}"/>'
                     f'<text x="{at:.1f}" y="{up:.1f}" fill="{colour}" text-anchor="{side}"{weight}>{name}</text>')
    return "\n".join(parts) + "\n</svg>\n"


def main():
    if len(sys.argv) != 3:
        claims.fail(__doc__.splitlines()[2])
    report = json.loads(pathlib.Path(sys.argv[1]).read_text())
    title = f"{len(report['cells'])} rows of larder bench, geometric means; ○ is an oracle"
    pathlib.Path(sys.argv[2]).write_text(draw(points(report), title))


if __name__ == "__main__":
    main()
