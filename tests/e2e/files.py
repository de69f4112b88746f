#!/usr/bin/env python3
"""Jobs over files of records: every output byte against plain Python, and the same bytes again
whatever the lcores, the SIMD level and the memory."""
import csv as csv_module
import io
import ipaddress
import json
import math
import os
import random
import struct
from collections import Counter, defaultdict

from e2e import (NS, ONE, PAIR, TWO, Live, Stream, Time, appliance, equal, equal_files, main, run, screen,
                 test, time_text, top, true, write)

START = 1795132800  # 2026-11-20T00:00:00Z
AT = "2026-11-20T00:00:00Z"


# ---- a text and what is to come of it -------------------------------------------------------------

def make_text(lines_cnt, seed):
    """Lines of skewed words, some of them nasty."""
    rng = random.Random(seed)
    words = [f"w{i:x}".encode() for i in range(2000)]
    words[:12] = [b"the", b"a", "Straße".encode(), b"\xff\xfe", b'"q"', b"back\\slash", b"\\udc80",
                  b"\x01\x7f", "日本".encode(), b"x" * 700, b"\xed\xa0\x80", b"the,re"]
    gaps = [b" "] * 30 + [b"\t", b"  ", b" \x0b", b"\x0c "]
    out = []
    for _ in range(lines_cnt):
        cnt = rng.choice((0, 1, 3, 5, 8, 13))
        line = b"".join(words[int(rng.paretovariate(0.7)) % len(words)] + rng.choice(gaps)
                        for _ in range(cnt))
        out.append(line + rng.choice((b"\n", b"\n", b"\r\n")))
    return b"".join(out)


def lines_of(text):
    lines = text.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [line[:-1] if line.endswith(b"\r") else line for line in lines]


def per_interval(records, per):
    return [records[i:i + per] for i in range(0, len(records), per)]


def window(lists, i, length):
    return [x for part in lists[max(0, i - length + 1):i + 1] for x in part]


TEXT_JOB = """
job: text
interval: 1s
sources:
  lines: { type: udp, format: text }
program: |
  words  = lines.flatMap(r => split(r.line))
  pairs  = words.map(w => (w, 1))
  counts = pairs.reduceByKeyAndWindow((a, b) => a + b, (a, b) => a - b, "3s", "1s")
  counts.output(rows)
  counts.top(20).output(screen)
  slow   = pairs.reduceByKeyAndWindow((a, b) => a + b, "4s", "2s")
  slow.output(cells)
  hits   = lines.filter(r => contains(r.line, "the"))
  hits.output(rows)
  hits.count().output(screen)
  ever   = pairs.runningReduce((a, b) => a + b)
  ever.top(7).output(screen)
  group  = lines.map(r => (length(r.line), substr(r.line, 0, 9))).groupByKey()
  group.output(rows)
  group.mapValues(v => (size(v), at(v, 0), v)).output(cells)
  length = lines.map(r => length(r.line))
  length.reduce((a, b) => max(a, b)).output(screen)
  length.distinct().map(n => (n, true)).output(screen)
  length.top(3).output(screen)
  words.window("2s").countByValue().top(5).output(screen)
  lines.countByWindow("3s").output(screen)
  first  = words.map(w => (substr(w, 0, 1), w))
  first.reduceByKey((a, b) => max(a, b)).output(screen)
  times  = length.map(n => (n % 10, n + 1)).reduceByKey((a, b) => a * b % 1000003)
  times.output(screen)
  both   = length.map(n => (n, "long")).union(words.map(w => (length(w), "word")))
  both.reduceByKey((a, b) => a + b).mapValues(v => length(v)).output(cells)
  shares = length.map(n => (n % 3, toFloat(n) / 7))
  shares.reduceByKeyAndWindow((a, b) => a + b, (a, b) => a - b, "3s").output(rows)
  inverse = length.map(n => 1000 / n)
  inverse.output(cells)
sinks:
  screen: { type: console, format: jsonl }
  rows:   { type: file, path: rows, format: jsonl }
  cells:  { type: file, path: cells, format: csv, roll: 3s }
"""


def text_streams(text, per):
    """What TEXT_JOB makes of a text: {stream name: Stream}."""
    lines = per_interval(lines_of(text), per)
    words = [[w for line in part for w in line.split()] for part in lines]
    names = ["counts", "counts.top", "slow", "hits", "hits.count", "ever.top", "group", "group.mapValues",
             "length.reduce", "length.distinct.map", "length.top", "words.window.countByValue.top",
             "lines.countByWindow", "first.reduceByKey", "times",
             "both.reduceByKey.mapValues", "shares.reduceByKeyAndWindow", "inverse"]
    s = {name: Stream(name) for name in names}
    ever = Counter()
    for i, part in enumerate(lines):
        n = START + i
        lengths = [len(line) for line in part]
        counts = Counter(window(words, i, 3))
        s["counts"].pairs(n, counts)
        s["counts.top"].put(n, top(counts, 20))
        if (n + 1) % 2 == 0:
            s["slow"].pairs(n, Counter(window(words, i, 4)))
        hits = [line for line in part if b"the" in line]
        s["hits"].values(n, hits)
        s["hits.count"].values(n, [len(hits)])
        ever.update(words[i])
        s["ever.top"].put(n, top(ever, 7))
        group = defaultdict(list)
        for line in part:
            group[len(line)].append(line[:9])
        s["group"].pairs(n, group)
        s["group.mapValues"].pairs(n, {k: (len(v), v[0], v) for k, v in group.items()})
        s["length.reduce"].values(n, [max(lengths)] if lengths else [])
        s["length.distinct.map"].pairs(n, {v: True for v in lengths})
        s["length.top"].values(n, sorted(lengths, reverse=True)[:3])
        s["words.window.countByValue.top"].put(n, top(Counter(window(words, i, 2)), 5))
        s["lines.countByWindow"].values(n, [len(window(lines, i, 3))])
        first = {}
        for w in words[i]:
            first[w[:1]] = max(first.get(w[:1], b""), w)
        s["first.reduceByKey"].pairs(n, first)
        product = {}
        for v in lengths:
            product[v % 10] = product[v % 10] * (v + 1) % 1000003 if v % 10 in product else v + 1
        s["times"].pairs(n, product)
        both = Counter(lengths)
        for w in words[i]:
            both[len(w)] += 1
        s["both.reduceByKey.mapValues"].pairs(n, {k: 4 * v for k, v in both.items()})
        share = defaultdict(list)
        for v in (len(line) for line in window(lines, i, 3)):
            share[v % 3].append(v / 7)
        s["shares.reduceByKeyAndWindow"].pairs(n, {k: math.fsum(v) for k, v in share.items()})
        s["inverse"].values(n, [1000 // v for v in lengths if v])
    return s


SCREEN = ["counts.top", "hits.count", "ever.top", "length.reduce", "length.distinct.map", "length.top",
          "words.window.countByValue.top", "lines.countByWindow", "first.reduceByKey", "times"]
ROWS = ["counts", "hits", "group", "shares.reduceByKeyAndWindow"]
CELLS = ["slow", "group.mapValues", "both.reduceByKey.mapValues", "inverse"]


def place(text):
    """Where the last word of this text stands in TEXT_JOB: line and column, from 1."""
    at = TEXT_JOB.index(text) + len(text) - 3
    return f"{TEXT_JOB.count(chr(10), 0, at) + 1}:{at - TEXT_JOB.rindex(chr(10), 0, at)}"


def check_text(result, streams, intervals):
    equal(result.out, screen([streams[name] for name in SCREEN], intervals), "standard output")
    for name in ROWS:
        equal_files(f"rows/{name}", streams[name].files())
    for name in CELLS:
        columns = {"inverse": b"value", "group.mapValues": b"key,value._1,value._2,value._3"}
        header = b"interval,end,stream," + columns.get(name, b"key,value") + b",complete\r\n"
        equal_files(f"cells/{name}", streams[name].files("csv", 3, header))
    equal(sorted(os.listdir("rows")), sorted(ROWS))
    equal(sorted(os.listdir("cells")), sorted(CELLS))


@test
def text_is_as_python_says():
    """Every operator, in every layout, at every SIMD level, with hugepages and without."""
    text = make_text(6500, 1)
    write("in.txt", text)
    streams = text_streams(text, 1000)
    simd = ["scalar"] + [name for name in ("avx2", "avx512")
                         if ("avx512bw" if name == "avx512" else name) in open("/proc/cpuinfo").read()]
    tries = [(ONE, simd[-1], None), (PAIR, simd[0], None), (TWO, simd[len(simd) // 2], None),
             ("{ control: 0, ingest: [1], workers: [0, 1] }", simd[-1], False)]
    digests = []
    for lcores, level, huge in tries:
        r = run(TEXT_JOB, "--input", "lines=in.txt", "--rate", "1000", "--start", AT, "--simd", level,
                config=appliance(lcores, state="80MB"), huge=huge)
        check_text(r, streams, range(START, START + 7))
        equal(r.job()["records"]["offered"], 6500, "records offered")
        empty = sum(not line for line in lines_of(text))
        equal(r.job()["rows_dropped"], {f"{place('inverse = length.map')} map": empty}, "rows dropped")
        equal([s["records"]["offered"] for s in r.lines], [1000] * 6 + [500], "records by interval")
        equal(r.job()["intervals"], 7)
        digests.append(r.digests())
    for d in digests[1:]:
        equal(d, digests[0], "digests")



# ---- the formats of records -----------------------------------------------------------------------

FORMATS_JOB = """
job: formats
interval: 1s
sources:
  orders:
    type: udp
    format: csv
    header: true
    schema: { id: int, price: float, paid: bool, name: string, at: time, from: ip }
  log:    { type: udp, format: tsv, schema: { level: string, code: int } }
  meter:
    type: udp
    format: binary
    record: 40
    schema:
      id:    { type: int, at: 0, width: 4, order: little }
      delta: { type: int, at: 4, width: 2, signed: true }
      volt:  { type: float, at: 8, width: 4 }
      amp:   { type: float, at: 12, width: 8, order: little }
      host:  { type: ip, at: 20 }
      ok:    { type: bool, at: 24 }
      unit:  { type: string, at: 25, width: 3 }
      when:  { type: time, at: 32 }
  blobs:  { type: udp, format: frames, length: 2 }
program: |
  orders.output(cells)
  sums  = orders.map(r => (r.from, (r.price, r.id, r.at, r.paid)))
  sums.reduceByKey((a, b) => (a._1 + b._1, min(a._2, b._2), max(a._3, b._3), a._4 && b._4)).output(rows)
  names = orders.map(r => ((r.name, floor(r.at, "1d")), 1)).runningReduce((a, b) => a + b)
  names.output(rows)
  codes = log.map(r => (r.level, r.code)).groupByKeyAndWindow("2s")
  codes.output(rows)
  meter.output(rows)
  power = meter.map(r => (prefix(r.host, 24), r.volt * r.amp)).reduceByKey((a, b) => a + b)
  power.output(rows)
  sizes = blobs.map(b => (length(b.frame), 1)).reduceByKey((a, b) => a + b)
  sizes.output(rows)
  tags  = log.map(r => r.level).union(blobs.map(b => "blob")).countByValueAndWindow("3s", "3s")
  tags.output(rows)
sinks:
  rows:  { type: file, path: rows, format: jsonl, roll: 1m }
  cells: { type: file, path: cells, format: csv, roll: 1m }
"""


def make_orders(rng, cnt):
    """Bytes of a CSV file with damage, its records (None: dropped), and the drops by reason."""
    out = io.StringIO(newline="")
    writer = csv_module.writer(out, lineterminator="\r\n")
    writer.writerow(["id", "price", "paid", "name", "at", "from"])
    bad = [("fields", "1,2.5,true,x\n"), ("fields", "1,2,true,x,2026-01-01T00:00:00Z,::1,more\n"),
           ("fields", "\n"), ("bad_value", "1.5,2,true,x,2026-01-01T00:00:00Z,::1\n"),
           ("bad_value", "1,2,true,x,2026-02-30T00:00:00Z,::1\n"),
           ("bad_value", "9223372036854775808,2,true,x,2026-01-01T00:00:00Z,::1\n"),
           ("bad_value", "1,2,true,x,2026-01-01T00:00:00Z,1.2.3\n"),
           ("bad_quote", '1,2,true,"x"y,2026-01-01T00:00:00Z,::1\n')]
    names = ["ann", "bob, the", 'q"q', "two\nlines", "", "Zoë", " spaces "]
    hosts = ["10.0.0.1", "10.0.0.200", "192.168.7.7", "2001:db8::1", "::", "fe80::1:2", "9.255.0.1"]
    records, drops = [], Counter()
    for _ in range(cnt):
        if rng.random() < 0.05:
            why, line = rng.choice(bad)
            out.write(line)
            drops[why] += 1
            records.append(None)
            continue
        price = rng.choice((rng.uniform(-1e6, 1e6), rng.randrange(1000), 1e12, 5e-324, 0.1))
        at = START * NS + rng.randrange(10 * 86400) * NS + rng.choice((0, 500_000_000, 1))
        fields = (rng.randrange(-2**63, 2**63), float(price), rng.random() < 0.5,
                  rng.choice(names).encode(), Time(at), ipaddress.ip_address(rng.choice(hosts)))
        records.append(fields)
        writer.writerow([fields[0], repr(fields[1]), "true" if fields[2] else "false",
                         fields[3].decode(), time_text(at), fields[5]])
    return out.getvalue().encode(), records, drops


def good(records):
    return [r for r in records if r is not None]


def formats_streams(orders, log, meter, blobs, per):
    s = {name: Stream(name) for name in
         ("orders", "sums.reduceByKey", "names", "codes", "meter", "power", "sizes", "tags")}
    orders, log, meter, blobs = (per_interval(x, per) for x in (orders, log, meter, blobs))
    intervals = max(map(len, (orders, log, meter, blobs)))
    for part in (orders, log, meter, blobs):
        part.extend([] for _ in range(intervals - len(part)))
    names = Counter()
    for i in range(intervals):
        n = START + i
        part = good(orders[i])
        s["orders"].values(n, part)
        sums = defaultdict(list)
        for r in part:
            sums[r[5]].append(r)
            names[r[3], Time(r[4] // (86400 * NS) * 86400 * NS)] += 1
        s["sums.reduceByKey"].pairs(n, {
            k: (math.fsum(r[1] for r in v), min(r[0] for r in v), max(r[4] for r in v),
                all(r[2] for r in v)) for k, v in sums.items()})
        s["names"].pairs(n, names)
        codes = defaultdict(list)
        for level, code in window(log, i, 2):
            codes[level].append(code)
        s["codes"].pairs(n, codes)
        s["meter"].values(n, good(meter[i]))
        power = defaultdict(list)
        for r in good(meter[i]):
            power[ipaddress.ip_address(int(r[4]) & ~0xFF)].append(r[2] * r[3])
        s["power"].pairs(n, {k: math.fsum(v) for k, v in power.items()})
        s["sizes"].pairs(n, Counter(len(b) for b in good(blobs[i])))
        if (n + 1) % 3 == 0:
            tags = [level for level, _ in window(log, i, 3)]
            tags += [b"blob" for _ in good(window(blobs, i, 3))]
            s["tags"].pairs(n, Counter(tags))
    return s


@test
def formats_are_as_python_says():
    """CSV, TSV, binary and framed records with every type, and what damage in them costs."""
    rng = random.Random(2)
    text, orders, drops = make_orders(rng, 3000)
    write("orders.csv", text)
    log = [(rng.choice((b"info", b"warn", b"a b", b'"')), rng.randrange(100)) for _ in range(1500)]
    write("log.tsv", b"".join(b"%s\t%d\n" % r for r in log))
    meter, raw = [], []
    for i in range(2500):
        volt = struct.unpack(">f", struct.pack(">f", rng.uniform(-400, 400)))[0]
        r = (rng.randrange(2**32), rng.randrange(-2**15, 2**15), volt, rng.uniform(0, 9),
             ipaddress.IPv4Address(0x0A000000 + rng.randrange(2000)), rng.random() < 0.5,
             rng.choice((b"kWh", b"\xff\x01A", b"abc")), Time(rng.randrange(2**60)))
        meter.append(r)
        raw.append(struct.pack("<I", r[0]) + struct.pack(">hxxf", r[1], r[2]) +
                   struct.pack("<d", r[3]) + struct.pack(">I?3sxxxxq", int(r[4]), *r[5:]))
    write("meter.bin", b"".join(raw) + b"left over")
    meter.append(None)
    blobs = [rng.randbytes(rng.choice((0, 1, 2, 300, 1500))) for _ in range(800)]
    write("blobs.frames", b"".join(struct.pack(">H", len(b)) + b for b in blobs) + b"\xff\xffcut")
    blobs.append(None)
    streams = formats_streams(orders, log, meter, blobs, 400)
    inputs = [x for f in ("orders=orders.csv", "log=log.tsv", "meter=meter.bin",
                          "blobs=blobs.frames") for x in ("--input", f)]
    header = (b"interval,end,stream,value.id,value.price,value.paid,value.name,value.at,value.from,"
              b"complete\r\n")
    for lcores in (PAIR, ONE):
        r = run(FORMATS_JOB, *inputs, "--rate", "400", "--start", AT,
                config=appliance(lcores, state="80MB"))
        for name, s in streams.items():
            if name == "orders":
                equal_files("cells/orders", s.files("csv", 60, header))
            else:
                equal_files(f"rows/{name}", s.files("jsonl", 60))
        ledger = r.job()["records"]
        equal(ledger["offered"], 3000 + 1500 + 2501 + 801, "records offered")
        equal(ledger["dropped"], {**drops, "cut": 2}, "records dropped")


# ---- time -----------------------------------------------------------------------------------------

@test
def gaps_are_skipped():
    """One line a second at intervals of 100 ms: a window of three empties, gives one empty result,
    and the rest of the gap has no rows, not even of count and of running states."""
    job = """
job: gaps
interval: 100ms
sources:
  lines: { type: udp, format: text }
program: |
  pairs = lines.map(r => (r.line, 1))
  recent = pairs.reduceByKeyAndWindow((a, b) => a + b, "300ms")
  recent.output(out)
  less = pairs.reduceByKeyAndWindow((a, b) => a + b, (a, b) => a - b, "300ms")
  less.output(out)
  n = lines.count()
  n.output(out)
  ever = pairs.runningReduce((a, b) => a + b)
  ever.output(out)
sinks:
  out: { type: console, format: jsonl }
"""
    lines = [b"a", b"b", b"a", b"c"]
    write("in.txt", b"\n".join(lines))
    streams = [Stream(name, NS // 10) for name in ("recent", "less", "n", "ever")]
    seen, ever = [], Counter()
    for i, line in enumerate(lines):
        ever[line] += 1
        for k in range(4 if i + 1 < len(lines) else 1):
            n = i * 10 + k
            seen.append(n)
            for s in streams[:2]:
                s.pairs(n, {line: 1} if k < 3 else {})
            streams[2].values(n, [int(k == 0)])
            streams[3].pairs(n, ever)
    for lcores in (PAIR, ONE):
        r = run(job, "--input", "lines=in.txt", "--rate", "1", config=appliance(lcores))
        equal(r.out, screen(streams, seen), "standard output")
        equal([s["interval"] for s in r.lines], seen, "intervals of the stats lines")
        equal(r.job()["noticed"], {"gaps": 3, "skipped_ticks": 3 * 6})


@test
def a_run_ends_when_it_is_told():
    """--for counts intervals of the input's time; the records behind it are not looked at."""
    job = """
job: count
interval: 500ms
sources:
  lines: { type: udp, format: text }
program: |
  lines.count().output(out)
sinks:
  out: { type: console, format: jsonl }
"""
    write("in.txt", b"x\n" * 1000)
    s = Stream("lines.count", NS // 2)
    for n in range(3):
        s.values(n, [50])
    r = run(job, "--input", "lines=in.txt", "--rate", "100", "--for", "1500ms")
    equal(r.out, screen([s], range(3)), "standard output")
    s.values(3, [50])
    r = run(job, "--input", "lines=in.txt", "--rate", "100", "--for", "1600ms")
    equal(r.out, screen([s], range(4)), "standard output")


WINDOWS_JOB = """
job: windows
interval: 1ms
map_start: boundary
sources:
  lines: { type: udp, format: text }
program: |
  pairs = lines.map(r => (length(r.line) % 7, 1))
  sums = pairs.reduceByKeyAndWindow((a, b) => a + b, (a, b) => a - b, "10ms", "5ms")
  sums.output(out)
  peaks = sums.reduceByKeyAndWindow((a, b) => max(a, b), "20ms", "10ms")
  peaks.output(out)
  kinds = sums.window("10ms").count()
  kinds.output(out)
  least = lines.window("3ms").map(r => r.line).reduce((a, b) => min(a, b))
  least.output(out)
  n = lines.countByWindow("4ms", "2ms")
  n.output(out)
  sizes = pairs.window("3ms").groupByKey().mapValues(v => size(v))
  sizes.output(out)
  pair = pairs.reduceByWindow((a, b) => (max(a._1, b._1), a._2 + b._2), "6ms", "3ms")
  pair.output(out)
sinks:
  out: { type: console, format: jsonl }
"""


@test
def windows_stand_on_windows():
    """Lengths and slides of many kinds, over intervals of a millisecond."""
    rng = random.Random(14)
    lines = [b"x" * rng.randrange(20) + b"%d" % rng.randrange(1000) for _ in range(5330)]
    write("in.txt", b"\n".join(lines))
    parts, begin, sums = per_interval(lines, 50), 1000, {}
    names = ("sums", "peaks", "kinds", "least", "n", "sizes", "pair")
    s = {name: Stream(name, NS // 1000) for name in names}
    for i in range(len(parts)):
        n = begin + i
        if (n + 1) % 5 == 0:
            sums[n] = Counter(len(x) % 7 for x in window(parts, i, 10))
            s["sums"].pairs(n, sums[n])
            s["kinds"].values(n, [sum(len(sums.get(k, ())) for k in range(n - 9, n + 1))])
        if (n + 1) % 10 == 0:
            last = [sums[k] for k in range(n - 19, n + 1) if k in sums]
            s["peaks"].pairs(n, {k: max(c[k] for c in last) for c in last for k in c})
        s["least"].values(n, [min(window(parts, i, 3))])
        if (n + 1) % 2 == 0:
            s["n"].values(n, [len(window(parts, i, 4))])
        s["sizes"].pairs(n, Counter(len(x) % 7 for x in window(parts, i, 3)))
        if (n + 1) % 3 == 0:
            six = window(parts, i, 6)
            s["pair"].put(n, [(max(len(x) % 7 for x in six), len(six))])
    for lcores in (PAIR, ONE, TWO):
        r = run(WINDOWS_JOB, "--input", "lines=in.txt", "--rate", "50k", "--start",
                "1970-01-01T00:00:01Z", config=appliance(lcores, state="96MB"))
        equal(r.out, screen(list(s.values()), range(begin, begin + len(parts))), "standard output")


@test
def a_signal_ends_a_file():
    """SIGTERM while a file is read at the pace of its time: what came is there, cut short."""
    job = """
job: cut
interval: 200ms
sources:
  lines: { type: udp, format: text }
program: |
  n = lines.count()
  n.output(out)
sinks:
  out: { type: console, format: jsonl }
"""
    write("in.txt", b"x\n" * 100000)
    with Live(None, job, "--input", "lines=in.txt", "--rate", "1000", "--pace",
              config=appliance()) as live:
        live.wait("the third interval", lambda: os.path.getsize(live.out_path) > 250)
        live.process.terminate()
        r = live.end()
    rows = [json.loads(line) for line in r.out.splitlines()]
    equal([row["interval"] for row in rows], list(range(len(rows))), "intervals")
    equal([row.get("complete", True) for row in rows], [True] * (len(rows) - 1) + [False], "complete")
    true(all(row["value"] == 200 for row in rows[:-1]) and rows[-1]["value"] <= 200, f"{rows}")
    equal(r.job()["records"]["offered"], sum(row["value"] for row in rows), "records")


# ---- the same again -------------------------------------------------------------------------------

@test
def several_jobs_at_once():
    """Two jobs of different intervals over the same file, one of them from standard input too."""
    text = make_text(3000, 3)
    write("in.txt", text)
    count = """
job: count
interval: 2s
sources:
  lines: { type: udp, format: text }
program: |
  words = lines.flatMap(r => split(r.line)).countByValue()
  words.output(out)
sinks:
  out: { type: file, path: count, format: jsonl }
"""
    streams = text_streams(text, 500)
    words = Stream("words", 2 * NS)
    for i, part in enumerate(per_interval(lines_of(text), 1000)):
        words.pairs(START // 2 + i, Counter(w for line in part for w in line.split()))
    r = run([TEXT_JOB, count], "--input", "lines=in.txt", "--rate", "500", "--start", AT,
            config=appliance(state="160MB"))
    check_text(r, streams, range(START, START + 6))
    equal_files("count/words", words.files())
    for job in ("text", "count"):
        equal(r.job(job)["records"]["offered"], 3000, f"records of {job}")
    run(count, "--input", "lines=-", "--rate", "500", "--start", AT, stdin=open("in.txt", "rb"))
    equal_files("count/words", words.files())


@test
def a_recorded_run_is_replayed():
    """--record keeps what came; --replay gives the same bytes, in another layout too."""
    text = make_text(4000, 4)
    write("in.txt", text)
    streams = text_streams(text, 1000)
    run(TEXT_JOB, "--input", "lines=in.txt", "--rate", "1000", "--start", AT, "--record", "kept",
        config=appliance(state="80MB"))
    os.rename("rows", "rows1")
    os.rename("cells", "cells1")
    os.remove("in.txt")
    for lcores in (PAIR, ONE, TWO):
        r = run(TEXT_JOB, "--replay", "kept", config=appliance(lcores, state="80MB"))
        check_text(r, streams, range(START, START + 4))


@test
def what_has_no_output_is_counted():
    job = """
job: idle
interval: 1s
sources:
  lines: { type: udp, format: text }
program: |
  words = lines.flatMap(r => split(r.line))
"""
    write("in.txt", b"a b\n" * 1000)
    r = run(job, "--input", "lines=in.txt")
    equal(r.out, b"", "standard output")
    true("warning" in r.err, f"no warning: {r.err}")
    equal(r.job()["records"], {"offered": 1000, "processed": 0, "dropped": {"no_output": 1000}})



if __name__ == "__main__":
    main()
