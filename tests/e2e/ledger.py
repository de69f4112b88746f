#!/usr/bin/env python3
"""Packets in stats lines: each in the interval in which it came, once for a job however many of its
sources have it, and as other_job where another job alone has it."""
import random
import re
from collections import Counter

import frames as f
from e2e import ADDRESS, HOST_PORT, NS, ONE, PAIR, Live, Net, appliance, equal, main, run, test, true, write

TICK = NS // 10
JOB = """
job: {name}
interval: {ms}ms
sources:
  any: {{ type: udp, port: net0, listen: {port} }}
  one: {{ type: udp, port: net0, listen: {address}:{port} }}
  raw: {{ type: packets, port: net0, filter: "udp dst port {port}" }}
program: |
  a = any.count()
  a.output(screen)
  b = one.count()
  b.output(screen)
  c = raw.count()
  c.output(screen)
sinks:
  screen: {{ type: console, format: jsonl }}
"""


def expected(packets, port, ticks, first, last):
    """Lines of a job by interval: (offered, processed, dropped)."""
    lines = {n: [0, 0, Counter()] for n in range(first // ticks, last // ticks + 1)}
    ports = (9000, 9001)
    for tick, to in packets:
        line = lines[tick // ticks]
        line[0] += 1
        if to == port:
            line[1] += 1
        elif to in ports:
            line[2]["other_job"] += 1
        else:
            line[2]["filtered"] += 1
    return {n: {"offered": a, "processed": b, "dropped": dict(c)} for n, (a, b, c) in lines.items()}


@test
def captures_count_by_interval():
    rng = random.Random(5)
    for lcores in (ONE, PAIR):
        packets = sorted((rng.randrange(40, 75), rng.choice((9000, 9000, 9001, 9002))) for _ in range(3000))
        frames = [(t * TICK + i, f.udp_frame(b"x", "10.0.0.1", rng.choice(("10.0.0.2", "10.0.0.3")), 1, to), None)
                  for i, (t, to) in enumerate(packets)]
        write("in.pcap", f.pcap(frames))
        jobs = [JOB.format(name="fast", ms=100, port=9000, address="10.0.0.2"),
                JOB.format(name="slow", ms=300, port=9001, address="10.0.0.3")]
        r = run(jobs, "--pcap", "in.pcap", config=appliance(lcores, state="80MB"))
        for job, port, ticks in (("fast", 9000, 1), ("slow", 9001, 3)):
            want = expected(packets, port, ticks, packets[0][0], packets[-1][0])
            got = {s["interval"]: s["packets"] for s in r.lines if s["job"] == job}
            equal(sorted(got), sorted(want), f"intervals of {job}")
            for n in want:
                equal(got[n], want[n], f"packets of {job} in interval {n} on {lcores}")
            total = r.job(job)["packets"]
            for what in ("offered", "processed"):
                equal(total[what], sum(line[what] for line in want.values()), f"{what} by {job}")


@test
def a_sparse_capture_runs_ahead():
    """Many more intervals than are told apart at one time, of two captures: one frame and forty a tick."""
    job = """
job: two
interval: 10ms
sources:
  left:  { type: udp, port: net0, listen: 9000 }
  right: { type: udp, port: net1, listen: 9000 }
program: |
  n = left.union(right).count()
  n.output(screen)
sinks:
  screen: { type: console, format: jsonl }
"""
    ticks = 1200
    for name, per in (("left", 1), ("right", 40)):
        frame = f.udp_frame(b"x", "10.0.0.1", "10.0.0.2", 1, 9000)
        write(f"{name}.pcap", f.pcap([(100 * NS + i * (NS // 100 // per), frame, None)
                                      for i in range(ticks * per)]))
    for lcores in (ONE, PAIR):
        r = run(job, "--pcap", "net0=left.pcap", "--pcap", "net1=right.pcap", config=appliance(lcores))
        equal(len(r.lines), ticks, "lines")
        for s in r.lines:
            equal(s["packets"], {"offered": 41, "processed": 41, "dropped": {}},
                  f"packets of interval {s['interval']} on {lcores}")


@test
def live_packets_are_counted_once():
    """Three sources of a job have the same datagrams; the lines add up to the end."""
    jobs = [JOB.format(name="fast", ms=100, port=9000, address="10.99.0.2"),
            JOB.format(name="slow", ms=300, port=9001, address="10.99.0.2")]
    config = appliance(PAIR, blocks="128MB", state="80MB", ports=HOST_PORT.format("", ""))
    with Net() as net, Live(net, jobs, config=config) as live, net.udp(9000) as a, net.udp(9001) as b:
        live.running()
        mac = re.search(r"link/ether (\S+)", net.ip("link", "show", "port0")).group(1)
        net.ip("neigh", "replace", ADDRESS, "lladdr", mac, "nud", "permanent", "dev", "host0")
        live.begun(0.6)
        for i in range(900):
            a.send(b"a")
            if i % 3 == 0:
                b.send(b"b")
        live.settled()
        r = live.stop()
    for job, sent in (("fast", 900), ("slow", 300)):
        end = r.job(job)["packets"]
        equal(end["processed"], sent, f"processed by {job}")
        equal(end["dropped"].get("other_job"), 1200 - sent, f"other_job of {job}")
        lines = [s["packets"] for s in r.lines if s["job"] == job]
        for s in lines:
            equal(s["offered"], s["processed"] + sum(s["dropped"].values()), f"ledger of a line of {job}")
        for what in ("offered", "processed"):
            equal(sum(s[what] for s in lines), end[what], f"{what} by {job}, all lines together")
        records = sum(s["records"]["offered"] for s in r.lines if s["job"] == job)
        equal(records, 3 * sent, f"records of {job}")
        for s in r.lines:
            if s["job"] == job:
                equal(s["records"]["offered"], 3 * s["packets"]["processed"],
                      f"records and packets of interval {s['interval']} of {job}")
    true(len(r.lines) > 3, "lines")


if __name__ == "__main__":
    main()
