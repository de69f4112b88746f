#!/usr/bin/env python3
"""Latency of configs/wordcount.yaml through a port, seen from outside the appliance.

Open loop: frames arrive at the port (perf/port_replay.h) by the clock, at half of the largest load without loss,
whatever the appliance does. A reader (perf/arrivals.c) takes the appliance's standard output and notes when the
last row of each interval has come. What is counted:

  past_end   from the interval's end to that moment, one sample an interval
  record     from the sending of a record to that moment: records are sent evenly over their
             interval, 64 samples each

An interval without a result counts as later than all others, so a stall is seen in every interval that it held
up, not once. Histograms have 32 buckets for each power of two, as HDR histograms do.

Slides of 1 s have the window of 30 s; shorter ones 100 slides, so that 100,000 keys fit into the state.

usage: perf/latency.py BUILD [RECORDS_PER_S]
"""
import json
import math
import os
import subprocess
import sys
import tempfile

import port

INTERVALS_MS = [1000, 100, 10, 1]
KEYS = [1000, 10000, 100000, 400000]
KEYS_INTERVAL_MS = 100
SECONDS = {1000: 30, 100: 15, 10: 10, 1: 10}
WARM_S = 3
SAMPLES = 64  # records of an interval


class Histogram:
    """Counts by value in ns, in buckets of a 32nd of a power of two."""

    def __init__(self):
        self.buckets, self.count, self.greatest = {}, 0, 0

    @staticmethod
    def bucket(ns):
        if ns < 64:
            return int(ns)
        shift = int(ns).bit_length() - 6
        return shift * 32 + (int(ns) >> shift)

    @staticmethod
    def upper(bucket):
        if bucket < 64:
            return bucket + 1
        shift = bucket // 32 - 1
        return (bucket - shift * 32 + 1) << shift

    def add(self, ns):
        ns = max(0, ns)
        b = self.bucket(ns)
        self.buckets[b] = self.buckets.get(b, 0) + 1
        self.count += 1
        self.greatest = max(self.greatest, ns)

    def percentile(self, p):
        left = math.ceil(self.count * p / 100)
        for b in sorted(self.buckets):
            left -= self.buckets[b]
            if left <= 0:
                return self.upper(b)
        return self.greatest

    def table(self):
        return {"unit": "ns", "max": self.greatest,
                "percentiles": {str(p): self.percentile(p)
                                for p in (50, 90, 99, 99.9, 100)},
                "buckets": [[self.upper(b), self.buckets[b]] for b in sorted(self.buckets)]}


def job_file(path, interval_ms):
    window_ms = 30000 if interval_ms == 1000 else 100 * interval_ms
    with open("configs/wordcount.yaml", encoding="utf-8") as f:
        text = f.read()
    text = text.replace("interval: 1s", f"interval: {interval_ms}ms")
    text = text.replace('"30s", "1s"', f'"{window_ms}ms", "{interval_ms}ms"')
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace("format: table", "format: jsonl"))


def watch(build, command, log, arrivals):
    """Runs the appliance; when the last row of each interval came, in ns of the wall clock."""
    with open(arrivals, "w", encoding="utf-8") as out:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as run:
            with subprocess.Popen([f"{build}/perf/arrivals"], stdin=run.stdout, stdout=out):
                run.stdout.close()
    if run.returncode:
        sys.exit(f"perf/latency.py: {' '.join(command)}: exit {run.returncode}")
    with open(arrivals, encoding="utf-8") as f:
        return {int(number): int(ns) for number, ns in map(str.split, f)}


def measure(bench, lcores, interval_ms, frames, records_per_s):
    bench.appliance(lcores, blocks="128MB", state="384MB")
    job_file(bench.path("job.yaml"), interval_ms)
    seconds = SECONDS[interval_ms]
    command = [f"{bench.build}/perf/port", "--config", bench.path("appliance.yaml"), "--job",
               bench.path("job.yaml"), "--frames", frames, "--fresh", "--seconds", str(seconds), "--rate",
               str(records_per_s / 14), "--out", bench.path("out"), "--stats", bench.path("stats")]
    with open(bench.path("log"), "w", encoding="utf-8") as log:
        came = watch(bench.build, command, log, bench.path("arrivals"))
    *lines, final = bench.stats()
    past, record = Histogram(), Histogram()
    period_ns = interval_ms * 1000000
    first = min(came) + WARM_S * 1000 // interval_ms
    last = min(came) + (seconds - 1) * 1000 // interval_ms
    missing = 0
    for n in range(first, last):
        end_ns = (n + 1) * period_ns
        missing += n not in came
        when = came.get(n, max(max(came.values()), end_ns))
        past.add(when - end_ns)
        for i in range(SAMPLES):
            record.add(when - end_ns + int((i + 0.5) * period_ns / SAMPLES))
    with open(bench.path("out"), encoding="utf-8") as f:
        seen = json.load(f)
    dropped = sum(v for k, v in final["jobs"][0]["packets"]["dropped"].items() if k not in port.OUTSIDE)
    busy = [line["processing_ns"] for line in lines]
    return {"interval_ms": interval_ms, "lcores": lcores, "frames": frames, "records_per_s": records_per_s,
            "intervals": past.count, "missing": missing, "lost_packets": seen["missed"] + dropped,
            "keeps_up": port.median(busy) < period_ns and not missing,
            "processing_ms_median": port.median(busy) / 1e6,
            "past_end": past.table(), "record": record.table()}


def show(row):
    p = row["past_end"]["percentiles"]
    ms = {k: v / 1e6 for k, v in p.items()}
    print(f"{row['interval_ms']:>5} ms  {row['lcores']} lcores  {row['frames']:<12}"
          f"{row['records_per_s'] / 1e6:6.2f} M/s  past the end: p50 {ms['50']:7.2f}  p90 {ms['90']:7.2f}  "
          f"p99 {ms['99']:7.2f}  max {ms['100']:7.2f} ms  processing {row['processing_ms_median']:.2f} ms, "
          f"missing {row['missing']}, lost {row['lost_packets']}", flush=True)


def svg(path, title, series, x_name, log_x):
    """Lines of (x, y in ms) by name; y is logarithmic."""
    colors = ["#1b6ca8", "#c8553d", "#3a7d44", "#7b4b94", "#8a6d1b"]
    points = [p for line in series.values() for p in line]
    def scale(v, low, high, log):
        if log:
            v, low, high = math.log10(v), math.log10(low), math.log10(high)
        return (v - low) / (high - low or 1)
    xs, ys = [p[0] for p in points], [max(p[1], 1e-3) for p in points]
    low_y, high_y = 10 ** math.floor(math.log10(min(ys))), 10 ** math.ceil(math.log10(max(ys)))
    def at(x, y):
        return (70 + 480 * scale(x, min(xs), max(xs), log_x),
                330 - 280 * scale(max(y, 1e-3), low_y, high_y, True))
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="720" height="390" '
           'font-family="sans-serif" font-size="12">',
           f'<text x="70" y="24" font-size="14">{title}</text>',
           '<path d="M70 50V330H550" fill="none" stroke="#444"/>',
           f'<text x="310" y="375" text-anchor="middle">{x_name}</text>']
    y = low_y
    while y <= high_y * 1.001:
        _, py = at(min(xs), y)
        out.append(f'<path d="M70 {py:.1f}H550" stroke="#ddd"/>'
                   f'<text x="64" y="{py + 4:.1f}" text-anchor="end">{y:g} ms</text>')
        y *= 10
    for x in sorted(set(xs)) if len(set(xs)) < 9 else (50, 90, 99, 100):
        px, _ = at(x, low_y)
        out.append(f'<text x="{px:.1f}" y="348" text-anchor="middle">{x:g}</text>')
    for i, (name, line) in enumerate(series.items()):
        color = colors[i % len(colors)]
        path_d = "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in (at(*p) for p in line))
        out.append(f'<path d="{path_d}" fill="none" stroke="{color}" stroke-width="2"/>'
                   f'<text x="560" y="{60 + 18 * i}" fill="{color}">{name}</text>')
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out + ["</svg>\n"]))


def quantiles(table):
    """(percentile, ms) of every bucket."""
    total, seen, line = sum(n for _, n in table["buckets"]), 0, []
    for upper, n in table["buckets"]:
        seen += n
        line.append((100 * seen / total, upper / 1e6))
    return line


def half_of_sustained(build):
    with open(os.path.join(build, "bench.json"), encoding="utf-8") as f:
        details = json.load(f)["details"]
    for row in details:
        if row["job"] == "wordcount" and row.get("sustained_records_per_s"):
            return row["sustained_records_per_s"] / 2
    sys.exit("perf/latency.py: no sustained rate of wordcount in bench.json: give RECORDS_PER_S")


def main():
    build = sys.argv[1]
    load = float(sys.argv[2]) if len(sys.argv) > 2 else half_of_sustained(build)
    lcores = 2 if os.cpu_count() > 1 else 1
    rows = []
    with tempfile.TemporaryDirectory(prefix="millrace-bench.") as folder:
        bench = port.Bench(build, folder)
        for interval_ms in INTERVALS_MS:
            rows.append(measure(bench, lcores, interval_ms, "text", load if interval_ms > 1 else load / 5))
            show(rows[-1])
        for keys in KEYS:
            rows.append(measure(bench, lcores, KEYS_INTERVAL_MS, f"keys:{keys}", load / 2))
            show(rows[-1])
    with open(os.path.join(build, "latency.json"), "w", encoding="utf-8") as f:
        json.dump({"load_average": os.getloadavg()[0], "rows": rows}, f, indent=1)
    by_interval = {f"{r['interval_ms']} ms": quantiles(r["past_end"])
                   for r in rows[:len(INTERVALS_MS)]}
    svg(os.path.join(build, "latency.svg"), "WordCount: past the interval's end", by_interval,
        "percentile of intervals", False)
    keys = rows[len(INTERVALS_MS):]
    svg(os.path.join(build, "latency-keys.svg"), f"WordCount, {KEYS_INTERVAL_MS} ms: past the interval's end by keys",
        {f"p{p}": [(int(r["frames"][5:]), r["past_end"]["percentiles"][p] / 1e6) for r in keys]
         for p in ("50", "99")}, "keys", True)


if __name__ == "__main__":
    main()
