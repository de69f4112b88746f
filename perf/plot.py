#!/usr/bin/env python3
"""Plots of growth.json as SVG: one file for each of its lists, growth-<name>.svg.

usage: perf/plot.py GROWTH_JSON FOLDER
"""
import json
import math
import os
import sys

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 400, 76, 24, 48, 60
COLOURS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd"]

# name: title, x and its label, whether x is logarithmic, [(y, label)], the reason for the shape
PLOTS = {
    "keys": ("Cost per word by distinct keys (30 s window, 1 s slide)", "keys", "distinct keys", True,
             [("ns_per_word", "ns per word")],
             "The tables of the keys leave the caches: first L2, then the last level."),
    "keys_memory": ("Memory of state per key", "keys", "distinct keys", True,
                    [("bytes_per_key", "bytes per key")],
                    "Reserved in full at the start: entry, slot and items of a key."),
    "record_bytes": ("Cost per byte by record size (WordCount)", "record_bytes",
                     "bytes of a record", True, [("ns_per_byte", "ns per byte")],
                     "Work is by the word; what a line costs is shared by more of them."),
    "partitions": ("Cost per record by partitions (WordCount)", "partitions", "partitions", True,
                   [("ns_per_record", "ns per record")],
                   "Keys are cut into partitions when they leave the map task, once each."),
    "lcores": ("Records per second by worker lcores (WordCount)", "lcores", "lcores", False,
               [("records_per_s", "records/s")],
               "Each maps its own blocks; only partial aggregates are exchanged."),
    "packets": ("Memory of a packet while it is held", "packet_bytes", "bytes of the packet", True,
                [("held_bytes", "bytes held")], "The frame, a row of 48 bytes, and the ends of pages."),
}


def ticks(low, high, log):
    if log:
        step = 10 if high / low > 64 else 2
        first = step ** math.floor(math.log(low, step) + 1e-9)
        out = [first * step ** i for i in range(64) if low <= first * step ** i <= high * 1.001]
        return out or [low, high]
    span = (high - low) or 1
    step = 10 ** math.floor(math.log10(span / 4))
    step *= next((m for m in (1, 2, 5) if span / (step * m) <= 6), 10)
    first = math.ceil(low / step)
    return [step * i for i in range(first, math.floor(high / step + 1e-9) + 1)]


def short(x):
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(x) >= size:
            return f"{x / size:g} {unit}"
    return f"{x:g}"


class Svg:
    def __init__(self):
        self.parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
                      'font-family="sans-serif" font-size="12">',
                      f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']

    def line(self, x1, y1, x2, y2, colour):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke="{colour}"/>')

    def text(self, x, y, text, anchor="middle", size=12, turn=""):
        text = str(text).replace("&", "&amp;").replace("<", "&lt;")
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
                          f'font-size="{size}"{turn}>{text}</text>')

    def save(self, path):
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(self.parts + ["</svg>", ""]))


def axes(svg, title, x_label, y_label, reason):
    svg.text(WIDTH / 2, 22, title, size=15)
    svg.text(WIDTH / 2, 38, reason, size=11)
    svg.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, x_label)
    y = (TOP + HEIGHT - BOTTOM) / 2
    svg.text(16, y, y_label, turn=f' transform="rotate(-90 16 {y})"')
    svg.line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "black")
    svg.line(LEFT, TOP, LEFT, HEIGHT - BOTTOM, "black")


def plot(rows, title, x, x_label, log, series, reason, path):
    xs = [r[x] for r in rows]
    top = max(r[y] for r in rows for y, _ in series) * 1.1
    low, high = min(xs), max(xs)

    def at_x(v):
        f = math.log if log else float
        share = (f(v) - f(low)) / ((f(high) - f(low)) or 1)
        return LEFT + 20 + share * (WIDTH - LEFT - RIGHT - 40)

    def at_y(v):
        return HEIGHT - BOTTOM - v / top * (HEIGHT - TOP - BOTTOM)

    svg = Svg()
    axes(svg, title, x_label, series[0][1], reason)
    for v in ticks(low, high, log) if log else xs:
        svg.line(at_x(v), HEIGHT - BOTTOM, at_x(v), HEIGHT - BOTTOM + 5, "black")
        svg.text(at_x(v), HEIGHT - BOTTOM + 19, short(v))
    for v in ticks(0, top, False):
        svg.line(LEFT, at_y(v), WIDTH - RIGHT, at_y(v), "#dddddd")
        svg.text(LEFT - 8, at_y(v) + 4, short(v), "end")
    for (y, _), colour in zip(series, COLOURS):
        points = " ".join(f"{at_x(r[x]):.1f},{at_y(r[y]):.1f}" for r in rows)
        svg.parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" '
                         'stroke-width="2"/>')
        svg.parts += [f'<circle cx="{at_x(r[x]):.1f}" cy="{at_y(r[y]):.1f}" r="3" '
                      f'fill="{colour}"><title>{short(r[x])}: {r[y]:g}</title></circle>'
                      for r in rows]
    svg.save(path)


def plot_slide(rows, path):
    """Four bars: windows of 30 and 300 intervals, with and without an inverse."""
    top = max(r["mean_us"] for r in rows) * 1.15
    wide = (WIDTH - LEFT - RIGHT) / len(rows)
    svg = Svg()
    axes(svg, "Work of an interval by the length of the window (slide 1)", "",
         "us of busy time, mean over a window",
         "A slide adds one interval and forgets one, however long the window is.")
    for i, r in enumerate(rows):
        tall = r["mean_us"] / top * (HEIGHT - TOP - BOTTOM)
        x = LEFT + i * wide + wide * 0.2
        svg.parts.append(f'<rect x="{x:.1f}" y="{HEIGHT - BOTTOM - tall:.1f}" width="{wide * 0.6:.1f}" '
                         f'height="{tall:.1f}" fill="{COLOURS[r["inverse"]]}"/>')
        svg.text(x + wide * 0.3, HEIGHT - BOTTOM - tall - 6, f"{r['mean_us']:.0f}")
        svg.text(x + wide * 0.3, HEIGHT - BOTTOM + 18, f"{r['window']} intervals")
        svg.text(x + wide * 0.3, HEIGHT - BOTTOM + 34,
                 "inverse" if r["inverse"] else "two stacks")
    svg.save(path)


def main():
    source, folder = sys.argv[1:]
    with open(source, encoding="utf-8") as f:
        growth = json.load(f)
    for name, (title, x, x_label, log, series, reason) in PLOTS.items():
        rows = growth.get(name.removesuffix("_memory"))
        if rows:
            path = os.path.join(folder, f"growth-{name.replace('_', '-')}.svg")
            plot(rows, title, x, x_label, log, series, reason, path)
            print(path)
    if growth.get("slide"):
        path = os.path.join(folder, "growth-slide.svg")
        plot_slide(growth["slide"], path)
        print(path)
    keys = {r["keys"]: r["ns_per_word"] for r in growth.get("keys", [])}
    if 10000 in keys and 10000000 in keys:
        print(f"10 M keys cost {keys[10000000] / keys[10000]:.1f} times 10 k keys, by the word")
    slide = {(r["window"], r["inverse"]): r["mean_us"] for r in growth.get("slide", [])}
    for inverse in (True, False):
        if (300, inverse) in slide:
            print(f"a window of 300 costs {slide[300, inverse] / slide[30, inverse]:.2f} times one "
                  f"of 30, {'with' if inverse else 'without'} an inverse")


if __name__ == "__main__":
    main()
