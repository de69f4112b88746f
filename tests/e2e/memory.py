#!/usr/bin/env python3
"""Little memory.blocks: what fits is right, what does not ends with a sentence, nothing is lost
silently and nothing hangs."""
import json
import os
import re
import shutil
from collections import Counter

from e2e import ONE, PAIR, TWO, Stream, appliance, equal, equal_files, main, run, test, top, true, write

MS = 1_000_000
ROWS_JOB = """
job: rows
interval: 1s
partitions: 8
sources:
  lines: { type: udp, format: text }
program: |
  lines.output(rows)
  n = lines.count()
  n.output(screen)
  words = lines.map(l => (l.line, 1)).reduceByKeyAndWindow((a, b) => a + b, "3s")
  words.output(rows)
sinks:
  rows:   { type: file, path: rows, format: jsonl }
  screen: { type: console, format: jsonl }
"""


def make_lines(cnt):
    return b"".join(b"%099d\n" % (i * 7919 % 1000003) for i in range(cnt))


@test
def what_fits_is_right():
    """Intervals of 2 MB, of which 6 MB of rows become, in pools that hold few of them."""
    write("in.txt", make_lines(200000))
    options = ["--input", "lines=in.txt", "--rate", "20000"]
    want = run(ROWS_JOB, *options, config=appliance(ONE, blocks="256MB", state="64MB"))
    equal(len(want.lines), 10, "intervals")
    for lcores, blocks in ((ONE, "24MB"), (PAIR, "24MB"), (PAIR, "32MB"), (TWO, "32MB")):
        shutil.rmtree("rows")
        r = run(ROWS_JOB, *options, config=appliance(lcores, blocks=blocks, state="64MB"))
        equal(r.digests(), want.digests(), f"digests with {blocks} on {lcores}")
        equal(r.job().get("rows_dropped"), None, "rows dropped")


def check_given_up(r, interval, blocks):
    sentence = f"interval {interval} of rows does not fit into memory.blocks of {blocks} MB"
    true(sentence in r.err, f"'{sentence}' is not in:\n{r.err}")
    for line in r.lines + [json.loads(line) for line in r.out.splitlines()]:
        equal(line.get("complete", True), line["interval"] < interval, f"complete in {line}")
    true(r.lines[-1]["interval"] >= interval, f"interval {interval} has no stats line")


@test
def what_does_not_fit_ends_with_a_sentence():
    """The lines of the third interval are long: those before it are whole, it is not."""
    write("in.txt", b"".join(b"%d\n" % (i % 100) for i in range(100000)) +
          b"".join(b"%0399d\n" % i for i in range(100000)))
    for lcores, blocks in ((ONE, 16), (PAIR, 16), (TWO, 24)):
        r = run(ROWS_JOB, "--input", "lines=in.txt", "--rate", "50000",
                config=appliance(lcores, blocks=f"{blocks}MB", state="64MB"), code=69)
        check_given_up(r, 2, blocks)
        shutil.rmtree("rows")


@test
def a_replay_that_does_not_fit_ends_too():
    write("in.txt", make_lines(150000))
    run(ROWS_JOB, "--input", "lines=in.txt", "--record", "kept",
        config=appliance(blocks="200MB", state="64MB"))
    shutil.rmtree("rows")
    r = run(ROWS_JOB, "--replay", "kept", config=appliance(blocks="16MB", state="64MB"), code=69)
    check_given_up(r, 0, 16)


INTERVALS = (100, 300, 700, 1000, 250, 50, 2000, 1500, 100, 300)


def many_jobs(lines):
    jobs, streams = [], []
    for k, ms in enumerate(INTERVALS):
        jobs.append(f"""
job: j{k}
interval: {ms}ms
sources:
  lines: {{ type: udp, format: text }}
program: |
  s{k} = lines.map(r => (r.line, 1)).reduceByKeyAndWindow((a, b) => a + b, "{2 * ms}ms").top(3)
  s{k}.output(out)
sinks:
  out: {{ type: file, path: out, format: jsonl, roll: 21000s }}
""")
        parts = [Counter(lines[i:i + ms]) for i in range(0, len(lines), ms)]
        stream = Stream(f"s{k}", ms * MS)
        for i, part in enumerate(parts):
            stream.put(i, top(part + (parts[i - 1] if i else Counter()), 3))
        streams.append(stream)
    return jobs, streams


@test
def many_inputs_are_told_how_much_they_need():
    lines = [b"%d" % (i * 7919 % 101) for i in range(10000)]
    write("in.txt", b"\n".join(lines))
    jobs, streams = many_jobs(lines)
    options = ["--input", "lines=in.txt", "--rate", "1000"]
    state = f"{8 * len(jobs) + 40}MB"
    for lcores in (ONE, PAIR):
        r = run(jobs, *options, config=appliance(lcores, blocks="64MB", state=state), code=69)
        said = re.search(r"memory.blocks of 64 MB is too little for 10 inputs and 10 jobs on 1 worker: "
                         r"(\d+) MB at least", r.err)
        true(said, r.err)
        equal(os.path.exists("out"), False, "there is output")
        run(jobs, *options, config=appliance(lcores, blocks=f"{said.group(1)}MB", state=state))
        for stream in streams:
            equal_files(f"out/{stream.name}", stream.files(roll=10**6))
        shutil.rmtree("out")


if __name__ == "__main__":
    main()
