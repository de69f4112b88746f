#!/usr/bin/env python3
"""Prints bench.json as a table: first the paper's own figures beside those of this machine, then
every row with the ratio that is wanted. What is more than the keys of a row goes to "details".

usage: perf/table.py BENCH_JSON
"""
import json
import sys

PAPER = {"grep": 64e6, "wordcount": 25e6, "topk": 25e6}  # records/s of 100 nodes, 400 cores
WANTED = {"grep": 0.80, "wordcount": 0.75, "topk": 0.75, "1brc": 0.70, "1brc-10k": 0.70,
          "talkers": 0.70, "ysb": 0.70, "wordcount-generic": 0.35}
TOGETHER = 0.9  # what two lcores must reach of it
THROUGH_PORT = 0.8
KEYS = ["job", "feed", "lcores", "records_per_s", "limit_records_per_s", "ratio", "spread",
        "answer_agrees"]
NAME = KEYS[:3]


def million(x):
    return "-" if x is None else f"{x / 1e6:.1f}"


def used_up(row, detail, machine):
    """Which resource bounds a row: memory, or the lcores."""
    if detail.get("used_up"):
        return detail["used_up"]
    if row["feed"] == "port":
        return "the lcore" if row["lcores"] == 1 else "the busier of the lcores"
    read = machine.get("read_bytes_per_s", [])
    if row["lcores"] > len(read) or not detail.get("bytes_per_s"):
        return "the lcores"
    share = detail["bytes_per_s"] / read[row["lcores"] - 1]
    if share > 0.8:
        return f"memory: {100 * share:.0f} % of what a loop that only reads gets"
    return f"the lcores, busy all the time; memory is read at {100 * share:.0f} % of what it can"


def print_machine(m):
    print(f"machine  {m['cpu']}, {m['cpus']} cpus, L2 {m['l2_bytes'] // 1024} KB, "
          f"L3 {m['l3_bytes'] // 1024} KB, simd {m['simd']}, load {m['load']:.1f}")
    print(f"versions Linux {m['kernel']}, {m['dpdk']}, compiler {m['compiler']}")
    print(f"memory   {m['memory']}")
    cores = ", ".join(f"{i} on cpu {cpu}" for i, cpu in enumerate(m["core_map"]))
    reads = ", ".join(f"{x / 1e9:.0f} GB/s" for x in m["read_bytes_per_s"])
    print(f"lcores   {cores}; a loop that only reads gets {reads} (1, 2, ... lcores)")


def print_paper(rows, details, machine):
    rows = [r for r in rows if r["job"] in PAPER]
    if not rows:
        return
    print("\nThe paper's figures (400 cores, one second of latency) and this machine, M records/s")
    print(f"{'job':<11}{'paper':>6}  {'feed':<7}{'lcores':>6}{'here':>8}{'(wall)':>8}  ")
    for r in rows:
        paper, here = PAPER[r["job"]], r["records_per_s"]
        d = details.get((r["job"], r["feed"], r["lcores"]), {})
        said = "reached" if here >= paper else f"{100 * here / paper:.0f} %"
        print(f"{r['job']:<11}{paper / 1e6:>6.0f}  {r['feed']:<7}{r['lcores']:>6}{million(here):>8}"
              f"{'(' + million(d.get('wall_records_per_s')) + ')':>8}  {said}; used up: "
              f"{used_up(r, d, machine)}")


def print_rows(rows, details):
    print("\nM records/s by busy time (by wall time), and the ratio to the limit program")
    print(f"{'job':<18}{'feed':<7}{'lcores':>6}{'here':>9}{'(wall)':>9}{'limit':>9}{'(wall)':>9}"
          f"{'ratio':>7}{'wanted':>8}  {'p10..p90':<12} answer agrees")
    for r in rows:
        d = details.get((r["job"], r["feed"], r["lcores"]), {})
        wanted = THROUGH_PORT if r["feed"] == "port" else WANTED.get(r["job"])
        if wanted and r["feed"] == "blocks" and r["lcores"] > 1:
            wanted *= TOGETHER
        spread = f"{d['ratio_p10']:.2f}..{d['ratio_p90']:.2f}" if "ratio_p10" in d \
            else f"{100 * (r['spread'] or 0):.0f}%"
        agrees = {True: "yes", False: "NO", None: "not compared"}[r["answer_agrees"]]
        print(f"{r['job']:<18}{r['feed']:<7}{r['lcores']:>6}{million(r['records_per_s']):>9}"
              f"{'(' + million(d.get('wall_records_per_s')) + ')':>9}"
              f"{million(r['limit_records_per_s']):>9}"
              f"{'(' + million(d.get('limit_wall_records_per_s')) + ')':>9}"
              f"{'-' if r['ratio'] is None else format(r['ratio'], '.2f'):>7}"
              f"{'-' if not wanted else format(wanted, '.2f'):>8}  {spread:<12} {agrees}")


def tidy(bench):
    """Rows keep their keys alone; details, by row."""
    details = {tuple(d[k] for k in NAME): d for d in bench.get("details", [])}
    for r in bench["rows"]:
        more = {k: r.pop(k) for k in list(r) if k not in KEYS}
        if more:
            of = details.setdefault(tuple(r[k] for k in NAME), {k: r[k] for k in NAME})
            of.update(more)
    bench["details"] = list(details.values())
    return details


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        bench = json.load(f)
    details = tidy(bench)
    with open(sys.argv[1], "w", encoding="utf-8") as f:
        json.dump(bench, f, indent=1)
    print_machine(bench["machine"])
    print_paper(bench["rows"], details, bench["machine"])
    print_rows(bench["rows"], details)


if __name__ == "__main__":
    main()
