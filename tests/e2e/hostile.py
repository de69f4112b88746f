#!/usr/bin/env python3
"""Damage at random: whatever comes in, nothing crashes, every ledger closes, what is whole is still
processed, and the same damage gives the same bytes in every layout."""
import os
import random
import struct
import time
from collections import Counter

import frames as f
from e2e import (HOST_PORT, NS, ONE, PAIR, TWO, Live, Net, Result, Stream, appliance, check_ledgers,
                 command, equal, folder, main, run, run_args, screen, test, top, true, within, write)

START = 1795132800  # 2026-11-20T00:00:00Z

JOB = """
job: hostile
interval: 1s
sources:
  wire: { type: packets, port: net0 }
  text: { type: udp, port: net0, listen: 9000 }
  rows: { type: udp, port: net0, listen: 9001, format: csv, schema: { a: int, b: float, c: string } }
  tabs: { type: udp, port: net0, listen: 9002, format: tsv, schema: { a: ip, b: time } }
  bits: { type: udp, port: net0, listen: 9003, format: binary, record: 11,
          schema: { a: int, b: { type: bool }, c: { type: string, width: 2 } } }
  sized: { type: udp, port: net0, listen: 9004, format: frames, length: 2 }
program: |
  heads = wire.map(p => (p.ip_version, p.src_ip, p.dst_ip, p.proto, p.src_port, p.dst_port, p.ttl, p.ip_len, p.fragment_offset, p.tunnel, p.checksum_ok, p.vlan2))
  heads.countByValue().output(kept)
  wire.map(p => (p.proto, (p.payload_len, p.payload, p.frame, p.tcp_seq, p.icmp_type, p.flow_label, p.udp_len))).reduceByKey((a, b) => (a._1 + b._1, max(a._2, b._2), min(a._3, b._3), max(a._4, b._4), a._5 + b._5, a._6 + b._6, a._7 + b._7)).output(kept)
  words = text.flatMap(r => split(r.line)).countByValueAndWindow("3s")
  words.output(kept)
  text.map(r => (lower(substr(r.line, 2, 3)), toInt(trim(r.line)))).reduceByKey((a, b) => a + b).output(kept)
  text.filter(r => matches(r.line, "[0-9]+\\\\.[a-f]")).output(kept)
  rows.map(r => (r.c, r.b / toFloat(r.a))).reduceByKey((a, b) => a + b).output(kept)
  tabs.output(kept)
  bits.map(r => (r.b, r.a * 3)).groupByKey().output(kept)
  sized.map(r => (hash(r.frame) % 10, length(r.frame))).runningReduce((a, b) => a + b).output(kept)
sinks:
  kept: { type: file, path: kept, format: jsonl }
"""


def survive(*options, lcores=PAIR, simd="avx2"):
    """Runs JOB; exit 0, or 69 for input whose damage ends it, and closed ledgers."""
    args, stats = run_args(JOB, *options, "--show-dropped", "--simd", simd,
                           config=appliance(lcores, state="160MB"))
    r = command(*args, code=None)
    true(r.code in (0, 69), f"exit {r.code}: {r.err[-2000:]}")
    result = Result(r.code, r.out, r.err, stats)
    if result.final:  # else it was refused before it began
        check_ledgers(result)
    return result


def payload(rng):
    """What could be meant for a source and perhaps is not."""
    parts = [b"%d" % rng.randrange(-10**rng.randrange(1, 22), 10**20), b",", b"\t", b"\n", b"\r\n", b'"',
             b"1.5e3", b"10.0.0.1", b"2026-01-01T00:00:00Z", b"x y", b"", b"\xff", b"\0",
             struct.pack(">H", rng.randrange(20)), rng.randbytes(rng.randrange(12))]
    if rng.random() < 0.3:
        return rng.randbytes(rng.randrange(1400))
    return b"".join(rng.choice(parts) for _ in range(rng.randrange(200)))


def whole_frame(rng):
    src, dst = rng.choice((("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8::2")))
    tags = rng.choice(((), (), [(0x8100, 0, 9)], [(0x88A8, 0, 9), (0x8100, 0, 8)]))
    frame = f.udp_frame(payload(rng), src, dst, rng.randrange(65536), 9000 + rng.randrange(6),
                        rng.choice(("good", "good", "unfinished")), tags)
    if rng.random() < 0.3:
        tcp = f.tcp(payload(rng), "10.0.0.1", "10.0.0.2", 1, 2)
        frame = f.ether(f.ip4(tcp, "10.0.0.1", "10.0.0.2", rng.choice((6, 6, 47, 4, 41, 50, 115))),
                        0x0800, tags)
    return frame


def spoil(rng, data, flips):
    data = bytearray(data)
    for _ in range(flips):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def hostile_packets(rng, cnt):
    packets = []
    for i in range(cnt):
        frame = whole_frame(rng)
        how = rng.random()
        if how < 0.4:
            frame = spoil(rng, frame, rng.randrange(1, 20))
        elif how < 0.5:
            frame = frame[:rng.randrange(len(frame) + 1)]
        elif how < 0.55:
            frame = rng.randbytes(rng.randrange(2000))
        wire = rng.choice((None, None, len(frame) + rng.randrange(3000)))
        packets.append((START * NS + i * 2_000_000, frame, wire))
    return packets


@test
def damaged_packets():
    """Bits flipped inside frames: all are offered, and every layout and SIMD level agrees."""
    rng = random.Random(10)
    write("in.pcap", f.pcap(hostile_packets(rng, 4000)))
    was = None
    for lcores, simd in ((PAIR, "avx2"), (ONE, "scalar"), (TWO, "avx2")):
        r = survive("--pcap", "in.pcap", lcores=lcores, simd=simd)
        equal(r.code, 0, "exit")
        equal(r.job()["packets"]["offered"], 4000, "packets offered")
        now = {s: folder(f"kept/{s}") for s in sorted(os.listdir("kept"))}
        ledger = (r.job()["packets"], r.job()["records"], r.job().get("rows_dropped"))
        equal((now, ledger) == (was or (now, ledger)), True, f"the same in {lcores} with {simd}")
        was = now, ledger
    true(sum(was[1][1]["dropped"].values()) > 1000, f"no records were dropped: {was[1]}")


@test
def damaged_captures():
    """Bits flipped anywhere in the file, its headers and lengths included."""
    for seed in range(12):
        rng = random.Random(100 + seed)
        packets = [(ts, frame, wire if wire else None) for ts, frame, wire in hostile_packets(rng, 300)]
        text = (f.pcapng if seed % 2 else f.pcap)(packets)
        at = rng.randrange(len(text)) if seed % 3 else 0
        write("in.pcap", text[:at] + spoil(rng, text[at:], 1 + seed * 2))
        survive("--pcap", "in.pcap", "--for", "100s")


def comes_through(frame):
    """Does the kernel hand the frame on? It drops cut VLAN tags, and reassembles IPv4 fragments
    for net_af_packet."""
    at = 12
    while frame[at:at + 2] in (b"\x81\0", b"\x88\xa8"):
        at += 4
    if len(frame) < at + 8:
        return False
    kind, flags = frame[at:at + 2], frame[at + 8:at + 10]
    return kind != b"\x08\0" or not int.from_bytes(flags, "big") & 0x3FFF


@test
def random_datagrams_live():
    """A port that got nothing but rubbish still answers and still takes what is whole."""
    rng = random.Random(11)
    packets = [frame for _, frame, _ in hostile_packets(rng, 3000) if comes_through(frame)]
    with Net() as net:
        config = appliance(PAIR, state="160MB", ports=HOST_PORT.format("", ""))
        with Live(net, JOB, "--show-dropped", config=config) as live, net.raw() as raw, \
                net.udp() as udp, net.udp(9001) as rows:
            live.begun(1)
            sent = 0
            for _ in range(2):
                for frame in packets:
                    raw.send(frame)
                    sent += 1
                    if sent % 64 == 0:
                        time.sleep(0.001)
            live.wait("all of it", lambda: live.received() >= sent)
            for i in range(500):
                udp.send(b"good%d\n" % i)
                rows.send(b"%d,1.5,good\n" % (i + 1) * 3)
                if i % 20 == 0:
                    time.sleep(0.001)
            live.wait("the rest", lambda: live.received() >= sent + 1000)
            time.sleep(1.1)
            r = live.stop()
    offered = r.job()["packets"]["offered"]
    within(offered, sent + 1000, sent + 1010, "packets (with the ARP of the kernel)")
    words = b"".join(text for _, text in sorted(folder("kept/words").items()))
    for i in range(500):
        true(b'"good%d"' % i in words, f"the line good{i} did not come")
    true("dropped:" in r.err, "--show-dropped shows nothing")


@test
def a_damaged_record():
    """--replay of a record in which bits were flipped."""
    rng = random.Random(12)
    write("in.pcap", f.pcap(hostile_packets(rng, 1000)))
    equal(survive("--pcap", "in.pcap", "--record", "kept0").code, 0, "exit")
    files = {name: open(f"kept0/{name}", "rb").read() for name in os.listdir("kept0")}
    for seed in range(8):
        rng = random.Random(200 + seed)
        os.makedirs("bad", exist_ok=True)
        for name, text in files.items():
            text = spoil(rng, text, rng.randrange(1 + 3 * seed))
            write(f"bad/{name}", text[:rng.randrange(len(text))] if seed == 7 else text)
        survive("--replay", "bad")


@test
def a_million_lines():
    """Words of a large text against a Counter; lines without end, without text, without newline."""
    rng = random.Random(13)
    words = [b"%x" % int(rng.paretovariate(0.6)) for _ in range(50000)]
    lines = [b" ".join(words[rng.randrange(50000):][:rng.randrange(9)]) for _ in range(5000)]
    lines = [lines[rng.randrange(5000)] for _ in range(10**6)]
    job = """
job: million
interval: 1s
sources:
  lines: { type: udp, format: text }
program: |
  counts = lines.flatMap(r => split(r.line)).map(w => (w, 1)).reduceByKeyAndWindow((a, b) => a + b, (a, b) => a - b, "3s", "1s")
  counts.top(100).output(screen)
  lines.count().output(screen)
sinks:
  screen: { type: console, format: jsonl }
"""
    streams = [Stream("counts.top"), Stream("lines.count")]
    parts = [Counter(w for line in lines[i:i + 200000] for w in line.split())
             for i in range(0, 10**6, 200000)]
    for i in range(5):
        streams[0].put(i, top(sum(parts[max(0, i - 2):i + 1], Counter()), 100))
        streams[1].values(i, [200000])
    write("in.txt", b"\n".join(lines))
    for lcores, blocks in ((PAIR, "64MB"), (ONE, "16MB")):
        r = run(job, "--input", "lines=in.txt", "--rate", "200k", config=appliance(lcores, blocks))
        equal(r.out, screen(streams, range(5)), "standard output")
    odd = [b"", b"\n" * 100000, b"x" * 10**7, b"a\n" + b"y" * 70000 + b"\nb", b"\0\n\0", b"\r\n\r",
           b"last"]
    for text, offered, dropped in zip(odd, (0, 100000, 1, 3, 2, 2, 1), (0, 0, 1, 1, 0, 0, 0)):
        write("in.txt", text)
        ledger = run(job, "--input", "lines=in.txt").job()["records"]
        want = {"too_long": dropped} if dropped else {}
        equal((ledger["offered"], ledger["dropped"]), (offered, want), f"records of {text[:10]}...")


if __name__ == "__main__":
    main()
