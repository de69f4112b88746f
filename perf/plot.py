#!/usr/bin/env python3
"""Plots of growth.json as SVG: one file for each of its lists, growth-<name>.svg.

The title of a plot says what is seen in it, from its numbers; the line below gives the reason. What
was measured is drawn through, what it is compared with dashed.

usage: perf/plot.py GROWTH_JSON FOLDER
"""
import json
import math
import os
import sys

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 680, 420, 84, 24, 84, 60
COLOURS = ["#1f77b4", "#d62728"]
MEASURED, COMPARED = COLOURS


def short(x):
    """1.5 M, 12 k, 300, 5.4"""
    for unit, size in ((" G", 1e9), (" M", 1e6), (" k", 1e3)):
        if abs(x) >= (size if size > 1e3 else 1e4):
            return f"{float(f'{x / size:.3g}'):g}{unit}"
    return f"{x:,.0f}" if abs(x) >= 100 else f"{float(f'{x:.3g}'):g}"


def by(rows, x, y):
    return {r[x]: r[y] for r in rows}


def keys_title(rows):
    cost = by(rows, "keys", "ns_per_word")
    last = max(cost)
    base = cost.get(10000, cost[min(cost)])
    return f"A word of WordCount costs {cost[last] / base:.1f} times as much at {short(last)} keys as at 10 k"


def memory_title(rows):
    most, least = max(r["bytes_per_key"] for r in rows), min(r["bytes_per_key"] for r in rows)
    return f"A key takes {least:.0f} to {most:.0f} bytes of state, however many there are"


def record_title(rows):
    cost = [r["ns_per_byte"] for r in rows]
    return f"A byte costs {min(cost):.2g} to {max(cost):.2g} ns, whatever the size of its record"


def partitions_title(rows):
    cost = by(rows, "partitions", "ns_per_record")
    return (f"{max(cost):,} partitions cost {cost[max(cost)] / cost[min(cost)]:.2f} times "
            f"{min(cost)} partition{'s' if min(cost) > 1 else ''}")


def lcores_title(rows):
    rate = by(rows, "lcores", "records_per_s")
    return f"{max(rate)} worker lcores do {rate[max(rate)] / rate[min(rate)]:.2f} times the records of {min(rate)}"


def packets_title(rows):
    over = [r["held_bytes"] - r["packet_bytes"] for r in rows]
    return f"A packet that is held takes {min(over):.0f} to {max(over):.0f} bytes more than its own"


def times_first(rows, x, y):
    return [r[x] * rows[0][y] / rows[0][x] for r in rows]


def four_times(rows, _, y):
    base = next((r[y] for r in rows if r["keys"] == 10000), rows[0][y])
    return [4 * base for r in rows]


def own_bytes(rows, x, _):
    return [r[x] for r in rows]


# name: title, x and its label, y and its label, what it is compared with and its name, the reason
PLOTS = {
    "keys": (keys_title, "keys", "distinct keys in a window of 30 s, slide 1 s", "ns_per_word", "ns of a word",
             (four_times, "4 times the cost at 10 k keys"),
             "The tables of the keys leave the caches: first the L2, then the last level."),
    "keys_memory": (memory_title, "keys", "distinct keys in a window of 30 s", "bytes_per_key", "bytes of a key",
                    None, "Reserved in full at the start: entry, slot and the items of a window."),
    "record_bytes": (record_title, "record_bytes", "bytes of a record (WordCount)", "ns_per_byte", "ns of a byte",
                     None, "Work is by the word; what a line costs is little beside its words."),
    "partitions": (partitions_title, "partitions", "partitions (WordCount)", "ns_per_record", "ns of a record", None,
                   "Keys are cut into partitions when they leave the map task, once each."),
    "lcores": (lcores_title, "lcores", "worker lcores (WordCount)", "records_per_s", "records a second",
               (times_first, "as many times one lcore"),
               "Each maps its own blocks; partial aggregates alone are exchanged."),
    "packets": (packets_title, "packet_bytes", "bytes of the packet", "held_bytes", "bytes held",
                (own_bytes, "the packet alone"), "The frame, a row of 48 bytes, and the ends of pages."),
}


def ticks(top):
    step = 10 ** math.floor(math.log10(top / 4))
    step *= next((m for m in (1, 2, 5) if top / (step * m) <= 6), 10)
    return [step * i for i in range(math.floor(top / step + 1e-9) + 1)]


class Svg:
    def __init__(self):
        self.parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
                      'font-family="sans-serif" font-size="12">',
                      f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']

    def line(self, x1, y1, x2, y2, colour):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke="{colour}"/>')

    def text(self, x, y, text, anchor="middle", size=12, more=""):
        text = str(text).replace("&", "&amp;").replace("<", "&lt;")
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
                          f'font-size="{size}"{more}>{text}</text>')

    def path(self, points, colour, dashed=False):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"'
                          f'{" stroke-dasharray=" + chr(34) + "6 4" + chr(34) if dashed else ""}/>')

    def legend(self, row, name, colour, dashed=False):
        y = TOP - 20 + 14 * row
        self.path([(LEFT + 8, y), (LEFT + 36, y)], colour, dashed)
        self.text(LEFT + 42, y + 4, name, "start", 11)

    def save(self, path):
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(self.parts + ["</svg>", ""]))


def at_y(v, top):
    return HEIGHT - BOTTOM - v / top * (HEIGHT - TOP - BOTTOM)


def axes(svg, title, reason, x_label, y_label, top):
    svg.text(WIDTH / 2, 22, title, size=15)
    svg.text(WIDTH / 2, 40, reason, size=12, more=' fill="#444"')
    svg.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, x_label)
    y = (TOP + HEIGHT - BOTTOM) / 2
    svg.text(18, y, y_label, more=f' transform="rotate(-90 18 {y})"')
    for v in ticks(top):
        svg.line(LEFT, at_y(v, top), WIDTH - RIGHT, at_y(v, top), "#dddddd")
        svg.text(LEFT - 8, at_y(v, top) + 4, short(v), "end")
    svg.line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "black")
    svg.line(LEFT, TOP, LEFT, HEIGHT - BOTTOM, "black")


def plot(rows, spec, path):
    """Points at measured x, which lie by their logarithm, with their values; y from 0 on."""
    title, x, x_label, y, y_label, compared, reason = spec
    ys, other = [r[y] for r in rows], compared[0](rows, x, y) if compared else []
    top = max(ys + other) * 1.15
    low, high = math.log(rows[0][x]), math.log(rows[-1][x])

    def at_x(v):
        return LEFT + 36 + (math.log(v) - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT - 72)

    svg = Svg()
    axes(svg, title(rows), reason, x_label, y_label, top)
    if compared:
        svg.legend(0, "measured", MEASURED)
        svg.legend(1, compared[1], COMPARED, True)
        svg.path([(at_x(r[x]), at_y(v, top)) for r, v in zip(rows, other)], COMPARED, True)
    svg.path([(at_x(r[x]), at_y(r[y], top)) for r in rows], MEASURED)
    for r in rows:
        px, py = at_x(r[x]), at_y(r[y], top)
        svg.line(px, HEIGHT - BOTTOM, px, HEIGHT - BOTTOM + 5, "black")
        svg.text(px, HEIGHT - BOTTOM + 19, short(r[x]))
        svg.parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.5" fill="{MEASURED}"/>')
        svg.text(px, py - 9, short(r[y]), size=11,
                 more=' paint-order="stroke" stroke="white" stroke-width="3"')
    svg.save(path)


def slide_ratio(rows, inverse):
    cost = {r["window"]: r["mean_us"] for r in rows if r["inverse"] == inverse}
    return cost[300] / cost[30]


def plot_slide(rows, path):
    """Four bars: windows of 30 and 300 intervals, with and without an inverse."""
    top = max(r["mean_us"] for r in rows) * 1.15
    wide = (WIDTH - LEFT - RIGHT) / len(rows)
    svg = Svg()
    axes(svg, f"A window of 300 costs {slide_ratio(rows, True):.2f} times one of 30 with an inverse, "
         f"{slide_ratio(rows, False):.2f} without",
         "A slide adds one interval and forgets one, however long the window is.",
         "intervals of the window (slide 1)", "us of an interval, mean over a window", top)
    for row, (name, inverse) in enumerate((("with an inverse: what leaves is subtracted", True),
                                           ("without: two stacks", False))):
        svg.legend(row, name, COLOURS[not inverse])
    for i, r in enumerate(rows):
        tall = HEIGHT - BOTTOM - at_y(r["mean_us"], top)
        x = LEFT + i * wide + wide * 0.2
        svg.parts.append(f'<rect x="{x:.1f}" y="{HEIGHT - BOTTOM - tall:.1f}" width="{wide * 0.6:.1f}" '
                         f'height="{tall:.1f}" fill="{COLOURS[not r["inverse"]]}"/>')
        svg.text(x + wide * 0.3, HEIGHT - BOTTOM - tall - 6, short(r["mean_us"]))
        svg.text(x + wide * 0.3, HEIGHT - BOTTOM + 19, r["window"])
    svg.save(path)


def main():
    source, folder = sys.argv[1:]
    with open(source, encoding="utf-8") as f:
        growth = json.load(f)
    said = []
    for name, spec in PLOTS.items():
        rows = growth.get(name.removesuffix("_memory"))
        if rows:
            path = os.path.join(folder, f"growth-{name.replace('_', '-')}.svg")
            plot(rows, spec, path)
            said.append((path, spec[0](rows)))
    rows = growth.get("slide")
    if rows:
        path = os.path.join(folder, "growth-slide.svg")
        plot_slide(rows, path)
        said.append((path, f"a window of 300 costs {slide_ratio(rows, True):.2f} times one of 30 with an "
                           f"inverse, {slide_ratio(rows, False):.2f} without"))
    for path, title in said:
        print(f"{path}: {title}")


if __name__ == "__main__":
    main()
