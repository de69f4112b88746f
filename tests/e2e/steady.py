#!/usr/bin/env python3
"""In steady state no lcore allocates: a run of many intervals allocates as often as one of few."""
import os
import subprocess

import frames as f
from e2e import NS, ONE, PAIR, TOP, TWO, appliance, command, equal, main, run_args, skip, test, true, write

JOB = """
job: steady
interval: 10ms
partitions: 8
sources:
  lines: { type: udp, format: text }
program: |
  pairs  = lines.map(r => (r.line, 1))
  window = pairs.reduceByKeyAndWindow((a, b) => a + b, "50ms")
  window.output(screen)
  once   = pairs.filter((k, v) => matches(k, "^w[0-9]+$")).reduceByKey((a, b) => a + b)
  once.output(files)
  best   = window.top(5)
  best.output(screen)
  ever   = pairs.runningReduce((a, b) => a + b)
  ever.output(files)
  lines.output(rows)
  n      = lines.map(l => toFloat(l.line)).count()
  n.output(screen)
sinks:
  screen: { type: console, format: table }
  files:  { type: file, path: files, format: csv, roll: 1s }
  rows:   { type: file, path: rows, format: jsonl, roll: 1s }
"""
LINES = 50  # in an interval
SHIM = os.path.join(TOP, "tests/e2e/count_malloc.c")


def build_shim():
    made = subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", SHIM,
                           "-o", "count_malloc.so"], capture_output=True, text=True, check=False)
    if made.returncode:
        skip(f"no library can be built: {made.stderr}")
    return os.path.abspath("count_malloc.so")


def allocations(shim, job, *options, lcores, intervals):
    """How often the lcores of a run allocate."""
    args, stats = run_args(job, *options, config=appliance(lcores, instance=f"steady-{os.getpid()}"))
    count = os.path.abspath("count.txt")
    env = dict(os.environ, LD_PRELOAD=shim, COUNT_MALLOC=count)
    command(*args, env=env, timeout=200)
    with open(stats, encoding="utf-8") as lines:
        got = sum('"final"' not in line for line in lines)
    equal(got, intervals, "intervals")
    for path in ("files", "rows", "kept"):
        subprocess.run(["rm", "-rf", path], check=True)
    with open(count, encoding="ascii") as text:
        return int(text.read())


def text(intervals):
    return b"".join(b"w%d\n" % (i * 7919 % 300) for i in range(LINES * intervals))


@test
def the_count_counts():
    """An allocation more is seen: else the tests below would say nothing."""
    shim = build_shim()
    counts = []
    for n in (1, 1001):
        code = f"import ctypes; m = ctypes.CDLL(None).malloc\nfor i in range({n}): m(10)"
        env = dict(os.environ, LD_PRELOAD=shim, COUNT_MALLOC=os.path.abspath("count.txt"))
        subprocess.run(["python3", "-S", "-c", code], env=env, check=True)
        with open("count.txt", encoding="ascii") as got:
            counts.append(int(got.read()))
    true(counts[1] >= counts[0] + 1000, f"{counts[1]} allocations instead of {counts[0]} + 1000")


@test
def files_allocate_nothing():
    shim = build_shim()
    rate = str(LINES * 100)
    for lcores in (ONE, PAIR, TWO):
        counts = []
        for intervals in (50, 450):
            write("in.txt", text(intervals))
            counts.append(allocations(shim, JOB, "--input", "lines=in.txt", "--rate", rate, lcores=lcores,
                                      intervals=intervals))
        equal(counts[1], counts[0], f"allocations of 450 and of 50 intervals on {lcores}")


@test
def a_looped_and_recorded_file_allocates_nothing():
    shim = build_shim()
    write("in.txt", text(5))
    counts = [allocations(shim, JOB, "--input", "lines=in.txt", "--loop", "--rate", str(LINES * 100),
                          "--for", f"{n * 10}ms", "--record", "kept", lcores=PAIR, intervals=n)
              for n in (50, 450)]
    equal(counts[1], counts[0], "allocations of 450 and of 50 intervals")


@test
def captures_allocate_nothing():
    shim = build_shim()
    job = JOB.replace("type: udp,", "type: udp, port: net0, listen: 9000,")
    counts = []
    for n in (50, 450):
        write("in.pcap", f.pcap([(10 * NS + i * NS // 5000,
                                  f.udp_frame(b"w%d\n" % (i % 300), "10.0.0.1", "10.0.0.2", 1, 9000), None)
                                 for i in range(50 * n)]))
        counts.append(allocations(shim, job, "--pcap", "in.pcap", lcores=PAIR, intervals=n))
    equal(counts[1], counts[0], "allocations of 450 and of 50 intervals")


if __name__ == "__main__":
    main()
