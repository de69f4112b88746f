#!/usr/bin/env python3
"""A flood of new keys into a small state: what was known stays exact, what was lost is counted and
said, and who got in depends on the records alone."""
import json
import os
import random
import re
from collections import Counter, defaultdict

from e2e import (ONE, PAIR, TWO, appliance, command, equal, folder, main, run, test, true, within,
                 write)

LINES = 20000  # in an interval
KNOWN = [b"known%d" % i for i in range(200)]

JOB = """
job: flood
interval: 1s
partitions: 8
sources:
  lines: { type: udp, format: text }
program: |
  pairs  = lines.map(r => (r.line, 1))
  less   = pairs.reduceByKeyAndWindow((a, b) => a + b, (a, b) => a - b, "3s")
  less.output(rows)
  stacks = pairs.map((k, v) => (k, (v, k))).reduceByKeyAndWindow((a, b) => (a._1 + b._1, max(a._2, b._2)), "3s")
  stacks.output(rows)
  once   = pairs.reduceByKey((a, b) => a + b)
  once.output(rows)
  ever   = pairs.runningReduce((a, b) => a + b)
  ever.output(rows)
  small  = lines.map(r => (length(r.line), 1)).reduceByKeyAndWindow((a, b) => a + b, "3s")
  small.output(rows)
sinks:
  rows: { type: file, path: rows, format: jsonl }
"""
WINDOW = {"less": 3, "stacks": 3, "once": 1, "ever": None}


def make_intervals(seed, make_key):
    """Known keys in every interval; new ones in the third and the fourth."""
    rng = random.Random(seed)
    out = []
    for i in range(8):
        lines = KNOWN * 10
        if i in (2, 3):
            lines = lines + [make_key(rng) for _ in range(LINES - len(lines))]
        else:
            lines = lines + [rng.choice(KNOWN) for _ in range(LINES - len(lines))]
        rng.shuffle(lines)
        out.append(lines)
    return out


def read(stream, i):
    """(rows as {key: value}, complete) of an interval."""
    rows, flags = {}, set()
    with open(f"rows/{stream}/{i}.jsonl", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            rows[row["key"]] = row["value"]
            flags.add(row.get("complete", True))
    true(len(flags) == 1, f"{stream}, interval {i}: some rows are complete, some not")
    return rows, flags.pop()


def check_stream(stream, counts):
    """Known keys are exact, admitted ones count what came while they were in, the rows say so.
    Returns how many records were refused."""
    length, rows, refused = WINDOW[stream], {}, 0
    lossy = set()
    for i, count in enumerate(counts):
        rows[i], complete = read(stream, i)
        out = sum(n for key, n in count.items() if key not in rows[i])
        refused += out
        if out:
            lossy.add(i)
        covered = range(0 if length is None else max(0, i - length + 1), i + 1)
        equal(complete, not any(k in lossy for k in covered), f"{stream}, interval {i}: complete")
        want = Counter()
        for k in covered:
            for key, n in counts[k].items():
                if key in rows[k]:
                    want[key] += n
        got = rows[i]
        if stream == "stacks":
            true(all(v[1] == k for k, v in got.items()), f"{stream}, interval {i}: strings")
            got = {k: v[0] for k, v in got.items()}
        equal(len(got), len(want), f"{stream}, interval {i}: keys")
        wrong = [(k, got[k], want[k]) for k in got if got[k] != want[k]]
        true(not wrong, f"{stream}, interval {i}: {wrong[:3]}")
        if length != 1:  # a state of one interval knows nobody when it begins
            true(all(k.decode() in got for k in KNOWN), f"{stream}, interval {i}: a known key went")
    true(2 in lossy and lossy <= {2, 3}, f"{stream}: records were lost in intervals {lossy}")
    return refused


def flood(intervals, state, layouts):
    write("in.txt", b"".join(line + b"\n" for lines in intervals for line in lines))
    counts = [Counter(line.decode() for line in lines) for lines in intervals]
    files = None
    for lcores, blocks, simd in layouts:
        r = run(JOB, "--input", "lines=in.txt", "--rate", str(LINES), "--simd", simd,
                config=appliance(lcores, blocks=blocks, state=state))
        refused = sum(check_stream(stream, counts) for stream in WINDOW)
        equal(r.job()["rows_dropped"], {"state_full": refused}, "rows dropped")
        for i, lines in enumerate(intervals):
            got, complete = read("small", i)
            lengths = Counter(len(line) for part in intervals[max(0, i - 2):i + 1] for line in part)
            equal((got, complete), (dict(lengths), True), f"small, interval {i}")
        equal([s.get("complete", True) for s in r.lines], [True] * 2 + [False] * 6, "stats lines")
        now = {s: folder(f"rows/{s}") for s in [*WINDOW, "small"]}
        equal(now == (files or now), True, "the same keys are admitted in every layout")
        files = now
    return files


@test
def new_keys_flood_a_state():
    intervals = make_intervals(8, lambda rng: b"new%d" % rng.randrange(10**12))
    flood(intervals, "8MB", ((PAIR, "64MB", "scalar"), (ONE, "16MB", "avx2"), (TWO, "32MB", "avx2")))
    job = write("job.yaml", JOB)
    plan = command("plan", job, "--config", appliance(state="8MB")).out.decode()
    for stream, window in WINDOW.items():
        keys = int(re.search(rf"exchange \d+ +{stream}: .* (\d+) keys", plan).group(1))
        rows, _ = read(stream, 2)
        equal(len(rows), min(keys, len(set(intervals[2]))), f"keys in {stream}, as plan says")


@test
def long_keys_flood_a_heap():
    """Keys and values of hundreds of bytes: there is room for keys, and none for their bytes."""
    intervals = make_intervals(9, lambda rng: b"%d" % rng.randrange(10**12) * 20)
    flood(intervals, "8MB", ((PAIR, "64MB", "avx2"), (ONE, "64MB", "scalar")))


if __name__ == "__main__":
    main()
