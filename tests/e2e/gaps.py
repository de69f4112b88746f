#!/usr/bin/env python3
"""Gaps: what all inputs leave out together is skipped, and nothing else is."""
import random
from collections import Counter

import frames as f
from e2e import NS, ONE, PAIR, Stream, appliance, equal, main, run, screen, test, write

TICK = NS // 10
WINDOW = 3  # intervals; so many after a record its windows are empty, which is said once
JOB = """
job: gaps
interval: 100ms
sources:
  left:  { type: udp, port: net0, listen: 9000, format: text }
  right: { type: udp, port: net1, listen: 9000, format: text }
program: |
  pairs  = left.union(right).map(r => (r.line, 1))
  recent = pairs.reduceByKeyAndWindow((a, b) => a + b, "300ms")
  recent.output(screen)
  n = left.count()
  n.output(screen)
sinks:
  screen: { type: console, format: jsonl }
"""


def capture(path, ticks):
    """A datagram of one line for each tick, somewhere in it."""
    packets = [(t * TICK + 1000 + i, f.udp_frame(b"w%d" % (t % 3), "10.0.0.1", "10.0.0.2", 1, 9000), None)
               for i, t in enumerate(ticks)]
    write(path, f.pcap(packets))


def clusters(rng, first):
    """Sorted ticks with short and long gaps."""
    ticks, at = [], first
    for _ in range(rng.randrange(1, 9)):
        for _ in range(rng.randrange(1, 5)):
            ticks.append(at)
            at += rng.randrange(0, 3)
        at += rng.choice((1, WINDOW, WINDOW + 1, WINDOW + 2, 20, 300, 2000))
    return ticks


def expected(left, right):
    both = Counter(left) + Counter(right)
    recent, n = Stream("recent", TICK), Stream("n", TICK)
    seen = sorted({t + k for t in both for k in range(WINDOW + 1) if t + k <= max(both)})
    for i in seen:
        words = Counter()
        for t in range(i - WINDOW + 1, i + 1):
            if both[t]:
                words[b"w%d" % (t % 3)] += both[t]
        recent.pairs(i, words)
        n.values(i, [left.count(i)])
    return [recent, n], seen


@test
def what_all_captures_skip_is_skipped():
    rng = random.Random(31)
    for trial in range(12):
        left = clusters(rng, 10)
        right = clusters(rng, rng.choice((10, 11, 15, 400)))
        streams, seen = expected(left, right)
        capture("left.pcap", left)
        capture("right.pcap", right)
        inputs = ["--pcap", "net0=left.pcap", "--pcap", "net1=right.pcap"]
        if trial % 2:
            inputs = inputs[2:] + inputs[:2]
        r = run(JOB, *inputs, config=appliance((ONE, PAIR)[trial // 2 % 2]))
        equal(r.out, screen(streams, seen), f"standard output of trial {trial}, {left}, {right}")
        equal([s["interval"] for s in r.lines], seen, "intervals of the stats lines")


@test
def a_gap_is_recorded():
    """The replay of a run has its gaps, and the empty results before them."""
    left, right = [10, 11, 90, 500], [10, 93, 94, 500]
    streams, seen = expected(left, right)
    capture("left.pcap", left)
    capture("right.pcap", right)
    r = run(JOB, "--pcap", "net0=left.pcap", "--pcap", "net1=right.pcap", "--record", "kept")
    equal(r.out, screen(streams, seen), "standard output")
    equal(run(JOB, "--replay", "kept").out, r.out, "standard output of the replay")


@test
def the_end_may_lie_in_a_gap():
    """--for counts what is skipped too, and ends where it says, not where the next record is."""
    left, right = [10, 11, 90], [10, 93]
    capture("left.pcap", left)
    capture("right.pcap", right)
    for ticks, last in ((1, 10), (3, 12), (5, 14), (40, 14), (80, 89), (81, 90), (83, 92)):
        streams, seen = expected(left, right)
        r = run(JOB, "--pcap", "net0=left.pcap", "--pcap", "net1=right.pcap", "--for", f"{ticks * 100}ms")
        equal(r.out, screen(streams, [i for i in seen if i <= last]), f"standard output of {ticks} ticks")


if __name__ == "__main__":
    main()
