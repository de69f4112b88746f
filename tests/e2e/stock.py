#!/usr/bin/env python3
"""Jobs of configs/ that have no other test here, as they are, over files of records: every output
byte against plain Python, at every SIMD level."""
import math
import os
import random
import struct
from collections import Counter, defaultdict

from e2e import NS, TOP, Stream, appliance, equal, main, run, screen, test, write

START = 1795132800  # 2026-11-20T00:00:00Z
AT = "2026-11-20T00:00:00Z"


def stock(name):
    """The job, and the levels to run it at."""
    flags = open("/proc/cpuinfo", encoding="ascii").read()
    levels = ["scalar"] + ["avx2"] * ("avx2" in flags) + ["avx512"] * ("avx512_vbmi2" in flags)
    return open(os.path.join(TOP, "configs", name), encoding="utf-8").read(), levels


PORTS = '  net0: { device: "net_null0" }\n'


@test
def min_mean_max():
    """Some lines are damaged, some stations are quoted or have long names, some sums need all bits."""
    rng = random.Random(1)
    names = [f"station {i}" + "x" * (i % 40) for i in range(300)]
    lines, seconds, bad, short = [], [defaultdict(list) for _ in range(5)], 0, 0
    for i in range(9000):
        name, value = rng.choice(names), round(rng.gauss(12, 20), rng.choice((0, 1, 1, 1, 1, 2, 5)))
        text = repr(value if rng.random() < 0.98 else value * 1e13)
        kind = rng.random()
        if kind < 0.01:
            lines.append(f"{name};{text}°\n")
            bad += 1
        elif kind < 0.02:
            lines.append(f"{name}{text}\n")
            short += 1
        else:
            field = f'"{name}"' if kind < 0.03 else name
            lines.append(f"{field};{text}" + ("\r\n" if kind < 0.05 else "\n"))
            seconds[i // 2000][name.encode()].append(float(text))
    write("in.txt", "".join(lines))
    want = Stream("readings.map.reduceByKey.mapValues")
    for i, by_name in enumerate(seconds):
        # a least or greatest of -0.0 is 0.0
        rows = {k: (min(v) + 0.0, math.fsum(v) / len(v), max(v) + 0.0) for k, v in by_name.items()}
        want.pairs(START + i, rows)
    job, levels = stock("min-mean-max.yaml")
    for level in levels:
        r = run(job, "--input", "readings=in.txt", "--rate", "2000", "--start", AT, "--simd", level,
                config=appliance(ports=PORTS))
        equal(r.out, screen([want], range(START, START + 5)), f"standard output, {level}")
        equal(r.job()["records"], {"offered": 9000, "processed": 9000 - bad - short,
                                   "dropped": {"bad_value": bad, "fields": short}})


@test
def ysb():
    """Three intervals of ten seconds, the last of them cut off in a record."""
    rng = random.Random(2)
    records, tens = [], [Counter() for _ in range(3)]
    for i in range(27000):
        ad, kind = rng.randrange(1000), rng.randrange(3)
        records.append(struct.pack(">IHHQ", ad, kind, rng.randrange(65536), i))
        if kind == 0:
            tens[i // 10000][ad // 10] += 1
    write("in.bin", b"".join(records) + b"\0" * 7)
    want = Stream("views.map.reduceByKey", 10 * NS)
    for i, counts in enumerate(tens):
        want.pairs(START // 10 + i, counts)
    job, levels = stock("ysb.yaml")
    for level in levels:
        r = run(job, "--input", "events=in.bin", "--rate", "1000", "--start", AT, "--simd", level,
                config=appliance(ports=PORTS))
        equal(r.out, screen([want], range(START // 10, START // 10 + 3)), f"standard output, {level}")
        equal(r.job()["records"], {"offered": 27001, "processed": 27000, "dropped": {"cut": 1}})


if __name__ == "__main__":
    main()
