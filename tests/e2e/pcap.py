#!/usr/bin/env python3
"""Captures that are written here: every packet is known, and so is what is to come out."""
import ipaddress
import random
import re
import struct
from collections import Counter, defaultdict

import frames as f
from e2e import (NS, ONE, PAIR, TWO, Stream, Time, appliance, command, equal, main, run,
                 run_args, screen, test, top, true, within, write)

START = 1795132800  # 2026-11-20T00:00:00Z
ip = ipaddress.ip_address

TALKERS_JOB = """
job: talkers
interval: 1s
sources:
  wire: { type: packets, port: net0, filter: "ip or ip6" }
program: |
  bytes = wire.map(p => (p.src_ip, p.wire_len))
  sums = bytes.reduceByKeyAndWindow((a, b) => a + b, (a, b) => a - b, "30s", "1s")
  sums.top(10).output(screen)
  kinds = wire.map(p => ((p.ip_version, p.proto, p.dst_port), 1)).reduceByKey((a, b) => a + b)
  kinds.output(screen)
  wire.filter(p => p.proto == 17).count().output(screen)
sinks:
  screen: { type: console, format: jsonl }
"""


def traffic(rng, cnt, seconds, gap_at=None, gap_s=0):
    """Packets of some hosts: (ns, frame, wire_len) and what is known of them (None: not IP). Some
    are late, some were cut short by the capture."""
    hosts = [f"10.0.{i % 7}.{i}" for i in range(1, 40)] + [f"2001:db8::{i:x}" for i in range(1, 15)]
    out, known, now = [], [], START * NS
    for i in range(cnt):
        now += rng.randrange(2 * seconds * NS // cnt)
        if i == gap_at:
            now += gap_s * NS
        ts = now - rng.randrange(3 * NS) if i and rng.random() < 0.02 else now
        src = rng.choice(hosts[:rng.randrange(1, len(hosts))])
        dst = "10.9.9.9" if "." in src else "2001:db8:9::9"
        port, body = rng.choice((53, 80, 443, 9000)), bytes(rng.randrange(1200))
        kind = rng.choice((f.UDP, f.TCP, f.ICMP, 0))
        if kind == 0:
            out.append((ts, f.ether(b"\0\1\x08\0\6\4\0\1" + bytes(20), 0x0806), None))
            known.append((ts, None))
            continue
        if kind == f.UDP:
            inner = f.udp(body, src, dst, 4000, port)
        elif kind == f.TCP:
            inner = f.tcp(body, src, dst, 4000, port)
        else:
            kind, port = (f.ICMP, 0) if "." in src else (f.ICMP6, 0)
            inner = f.icmp(body, 8, 0, 7)
        if "." in src:
            frame = f.ether(f.ip4(inner, src, dst, kind), 0x0800)
        else:
            frame = f.ether(f.ip6(inner, src, dst, kind), 0x86DD)
        wire = len(frame)
        out.append((ts, frame[:rng.choice((60, 96, 2000))], wire))
        known.append((ts, (ip(src), wire, kind, port)))
    return out, known


def talkers_streams(known, window=30):
    """By interval; a late packet counts in the interval that is open when it comes."""
    intervals, at, late = defaultdict(list), 0, 0
    for ts, packet in known:
        late += ts // NS < at
        at = max(at, ts // NS)
        intervals[at]
        if packet:
            intervals[at].append(packet)
    streams = [Stream(name) for name in ("sums.top", "kinds", "wire.filter.count")]
    seen = []
    for n in range(min(intervals), max(intervals) + 1):
        if not any(k in intervals for k in range(n - window, n + 1)):
            continue  # every window was empty in the interval before: the gap is skipped
        seen.append(n)
        sums = Counter()
        for k in range(n - window + 1, n + 1):
            for packet in intervals.get(k, ()):
                sums[packet[0]] += packet[1]
        part = intervals.get(n, ())
        streams[0].put(n, top(sums, 10))
        streams[1].pairs(n, Counter((p[0].version, p[2], p[3]) for p in part))
        streams[2].values(n, [sum(p[2] == f.UDP for p in part)])
    return streams, seen, late


@test
def top_talkers_are_as_python_says():
    """The same packets as pcap and pcapng, of micro and nanoseconds, in both byte orders."""
    rng = random.Random(5)
    packets, known = traffic(rng, 6000, 42, gap_at=4000, gap_s=3000)
    micro = [(ts // 1000 * 1000, *rest) for ts, *rest in packets]
    files = {"a.pcap": f.pcap(packets), "b.pcap": f.pcap(micro, nano=False, order=">"),
             "c.pcapng": f.pcapng(packets), "d.pcapng": f.pcapng(packets, order=">")}
    streams, seen, late = talkers_streams(known)
    offered = {"offered": 6000, "processed": sum(k[1] is not None for k in known),
               "dropped": {"filtered": sum(k[1] is None for k in known)}}
    for (name, text), lcores in zip(files.items(), (PAIR, ONE, TWO, PAIR)):
        write(name, text)
        r = run(TALKERS_JOB, "--pcap", name, config=appliance(lcores))
        equal(r.out, screen(streams, seen), f"standard output for {name}")
        equal(r.job()["packets"], offered, "packets")
        equal([line["interval"] for line in r.lines], seen, "intervals of the stats lines")
        skipped = seen[-1] - seen[0] + 1 - len(seen)
        equal(r.job()["noticed"], {"late": late, "gaps": 1, "skipped_ticks": skipped})


# ---- fields ---------------------------------------------------------------------------------------

FIELDS = """ts wire_len cap_len ether_type vlan vlan_priority vlan2 ip_version src_ip dst_ip proto ttl
tos dscp ecn ip_len ip_header_len ip_id flow_label dont_fragment fragment more_fragments
fragment_offset src_port dst_port tcp_flags tcp_seq tcp_ack tcp_window tcp_header_len udp_len
icmp_type icmp_code icmp_id checksum_ok checksum_unfinished tunnel payload payload_len eth_src
eth_dst cut""".split()


def fields_job():
    parts = [FIELDS[i:i + 14] for i in range(0, len(FIELDS), 14)]
    lines = [f"  part{i} = wire.map(p => ({', '.join('p.' + x for x in part)}))\n"
             f"  part{i}.output(screen)\n" for i, part in enumerate(parts)]
    return parts, "job: fields\ninterval: 1s\nsources:\n  wire: { type: packets, port: net0 }\n" \
        "program: |\n" + "".join(lines) + "sinks:\n  screen: { type: console, format: jsonl }\n"


def known_packets():
    """Frames with the fields that are not 0, "" or ::."""
    out = []

    def add(frame, wire=None, **fields):
        ts = START * NS + len(out) * 1_000_001
        fields = {"ts": Time(ts), "wire_len": wire or len(frame), "cap_len": len(frame),
                  "eth_src": b"02:00:00:00:00:01", "eth_dst": b"02:00:00:00:00:02",
                  "checksum_ok": True, **fields}
        if "payload" in fields:
            fields["payload_len"] = len(fields["payload"])
        out.append((ts, frame, wire, fields))

    four = {"ether_type": 0x0800, "ip_version": 4, "src_ip": ip("10.0.0.1"), "ttl": 64,
            "dst_ip": ip("10.0.0.2"), "ip_header_len": 20, "ip_id": 1}
    six = {"ether_type": 0x86DD, "ip_version": 6, "src_ip": ip("2001:db8::1"), "ttl": 64,
           "dst_ip": ip("2001:db8::2"), "ip_header_len": 40}
    ends4, ends6 = ("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8::2")
    ports = {"src_port": 1111, "dst_port": 2222}
    for sum_is in ("good", "bad", "none", "unfinished"):
        add(f.udp_frame(b"hello", *ends4, 1111, 2222, sum_is), **four, **ports, proto=17, ip_len=33,
            udp_len=13, payload=b"hello",
            **{"checksum_ok": sum_is != "bad", "checksum_unfinished": sum_is == "unfinished"})
    segment = f.tcp(b"data", *ends4, 1111, 2222, seq=2**32 - 1, ack=77, flags=0x12, window=501)
    add(f.ether(f.ip4(segment, *ends4, f.TCP, ttl=3, ident=4711, tos=0xB9, flags=2), 0x0800),
        **{**four, "ttl": 3, "ip_id": 4711}, **ports, proto=6, ip_len=44, tos=0xB9, dscp=46, ecn=1,
        dont_fragment=True, tcp_flags=0x12, tcp_seq=2**32 - 1, tcp_ack=77, tcp_window=501,
        tcp_header_len=20, payload=b"data")
    add(f.ether(f.ip4(f.icmp(b"ping!", 8, 0, 99), *ends4, f.ICMP), 0x0800), **four, proto=1,
        ip_len=33, icmp_type=8, icmp_id=99, payload=b"ping!")
    add(f.udp_frame(b"tagged", *ends4, 1111, 2222, tags=[(0x8100, 5, 100)]), **four, **ports,
        proto=17, ip_len=34, udp_len=14, payload=b"tagged", vlan=100, vlan_priority=5)
    add(f.udp_frame(b"twice", *ends4, 1111, 2222, tags=[(0x88A8, 1, 4000), (0x8100, 0, 7)]), **four,
        **ports, proto=17, ip_len=33, udp_len=13, payload=b"twice", vlan=4000, vlan_priority=1,
        vlan2=7)
    datagram = f.udp(b"options", *ends4, 1111, 2222)
    add(f.ether(f.ip4(datagram, *ends4, f.UDP, options=b"\x94\x04\0\0"), 0x0800),
        **{**four, "ip_header_len": 24}, **ports, proto=17, ip_len=39, udp_len=15,
        payload=b"options")
    add(f.ether(f.ip4(datagram, *ends4, f.UDP, spoil=1), 0x0800), **four, **ports, proto=17,
        ip_len=35, udp_len=15, payload=b"options", **{"checksum_ok": False})
    begin = f.udp(b"frag" * 40, *ends4, 1111, 2222)[:24]
    add(f.ether(f.ip4(begin, *ends4, f.UDP, flags=1), 0x0800), **four, **ports, proto=17, ip_len=44,
        udp_len=168, payload=b"frag" * 4, fragment=True, more_fragments=True)
    add(f.ether(f.ip4(b"rest of it", *ends4, f.UDP, offset=24), 0x0800), **four, proto=17, ip_len=30,
        payload=b"rest of it", fragment=True, fragment_offset=24)
    add(f.udp_frame(b"six", *ends6, 1111, 2222), **six, **ports, proto=17, ip_len=51, udp_len=11,
        payload=b"six")
    inner = f.udp(b"far", *ends6, 1111, 2222)
    hop = (0, b"\0" + bytes(6))
    dest = (60, b"\1" + bytes(14))
    add(f.ether(f.ip6(inner, *ends6, f.UDP, hops=9, tos=0x03, flow=0xABCDE, extensions=[hop, dest]),
                0x86DD), **{**six, "ttl": 9, "ip_header_len": 64}, **ports, proto=17, ip_len=75,
        tos=3, ecn=3, flow_label=0xABCDE, udp_len=11, payload=b"far")
    first = (44, b"\0" + struct.pack(">HI", 1, 5))
    begin = f.udp(b"frag" * 40, *ends6, 1111, 2222)[:24]
    add(f.ether(f.ip6(begin, *ends6, f.UDP, extensions=[first]), 0x86DD),
        **{**six, "ip_header_len": 48}, **ports, proto=17, ip_len=72, ip_id=5, udp_len=168,
        payload=b"frag" * 4, fragment=True, more_fragments=True)
    ping = f.icmp(b"6", 128, 0, 3, f.pseudo(*ends6, f.ICMP6, 9))
    add(f.ether(f.ip6(ping, *ends6, f.ICMP6), 0x86DD), **six, proto=58, ip_len=49, icmp_type=128,
        icmp_id=3, payload=b"6")
    gre = struct.pack(">HH", 0, 0x0800) + f.ip4(b"in", *ends4, 253)
    add(f.ether(f.ip4(gre, *ends4, 47), 0x0800), **four, proto=47, ip_len=46, tunnel=b"gre",
        payload=gre)
    add(f.ether(b"\0\1\x08\0\6\4\0\1" + bytes(38), 0x0806), ether_type=0x0806,
        payload=b"\0\1\x08\0\6\4\0\1" + bytes(38))
    whole = f.udp_frame(b"x" * 500, *ends4, 1111, 2222)
    add(whole[:100], wire=len(whole), **four, **ports, proto=17, ip_len=528, udp_len=508,
        payload=b"x" * 58, cut=True)
    return out


@test
def every_field_is_decoded():
    parts, job = fields_job()
    packets = known_packets()
    write("in.pcap", f.pcap([p[:3] for p in packets]))
    streams = [Stream(f"part{i}") for i in range(len(parts))]
    texts = {"eth_src", "eth_dst", "tunnel", "payload"}
    flags = {"dont_fragment", "fragment", "more_fragments", "checksum_unfinished", "cut"}
    def value(fields, name):
        nothing = b"" if name in texts else False if name in flags else \
            ip("::") if name in ("src_ip", "dst_ip") else 0
        return fields.get(name, nothing)
    for s, part in zip(streams, parts):
        s.values(START, [tuple(value(p[3], name) for name in part) for p in packets])
    r = run(job, "--pcap", "in.pcap")
    for i, (got, want) in enumerate(zip(r.out.splitlines(), screen(streams, [START]).splitlines())):
        equal(got, want, f"{parts[i // len(packets)]} of packet {i % len(packets)}")
    equal(r.out, screen(streams, [START]), "standard output")


# ---- datagrams ------------------------------------------------------------------------------------

@test
def datagrams_become_lines():
    """What a udp source takes and what it refuses, one reason each; two ports, two captures."""
    job = """
job: lines
interval: 1s
sources:
  any:  { type: udp, port: net0, listen: 9000 }
  one:  { type: udp, port: net0, listen: 10.0.0.2:9001 }
  six:  { type: udp, port: net0, listen: "[2001:db8::2]:9002" }
  far:  { type: udp, port: net1, listen: 9000 }
program: |
  lines = any.union(one).union(six)
  lines.output(screen)
  far.count().output(screen)
sinks:
  screen: { type: console, format: jsonl }
"""
    ends4, ends6 = ("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8::2")
    fragment = f.udp(b"no\n", *ends4, 1, 9000)
    cut = f.udp_frame(b"no\n" * 100, *ends4, 1, 9000)
    short = struct.pack(">HHHH", 1, 9000, 200, 0) + b"no\n"
    taken = [(f.udp_frame(b"a\nb\r\n\nc", *ends4, 1, 9000), [b"a", b"b", b"", b"c"]),
             (f.udp_frame(b"none", *ends4, 1, 9000, "none"), [b"none"]),
             (f.udp_frame(b"unfinished\n", *ends4, 1, 9000, "unfinished"), [b"unfinished"]),
             (f.udp_frame(b"six\n", *ends6, 1, 9000, tags=[(0x8100, 0, 5)]), [b"six"]),
             (f.ether(f.ip4(f.udp(b"options", *ends4, 1, 9000), *ends4, f.UDP, options=b"\1" * 8),
                      0x0800), [b"options"]),
             (f.udp_frame(b"to one", *ends4, 1, 9001), [b"to one"]),
             (f.udp_frame(b"to six", *ends6, 1, 9002), [b"to six"])]
    refused = [("bad_checksum", f.udp_frame(b"no", *ends4, 1, 9000, "bad")),
               ("bad_checksum", f.ether(f.ip4(fragment, *ends4, f.UDP, spoil=256), 0x0800)),
               ("fragment", f.ether(f.ip4(fragment, *ends4, f.UDP, flags=1), 0x0800)),
               ("fragment", f.ether(f.ip4(b"no", *ends4, f.UDP, offset=64), 0x0800)),
               ("cut", (cut[:90], len(cut))),
               ("empty", f.udp_frame(b"", *ends4, 1, 9000)),
               ("no_source", f.udp_frame(b"no", *ends4, 1, 9003)),
               ("no_source", f.udp_frame(b"no", "10.0.0.1", "10.0.0.3", 1, 9001)),
               ("no_source", f.ether(f.ip4(f.tcp(b"no", *ends4, 1, 9000), *ends4, f.TCP), 0x0800)),
               ("no_source", f.ether(bytes(46), 0x0806)),
               ("malformed", f.ether(f.ip4(short, *ends4, f.UDP), 0x0800)),
               ("malformed", f.ether(b"\x44\0\0\x10" + bytes(42), 0x0800))]
    rng = random.Random(6)
    mixed = taken + refused
    rng.shuffle(mixed)
    packets, lines = [], []
    for i, (a, b) in enumerate(mixed):
        ts = START * NS + i * 1000
        if isinstance(a, str):
            packets.append((ts, *b) if isinstance(b, tuple) else (ts, b, None))
        else:
            packets.append((ts, a, None))
            lines.append((i, b))
    write("in.pcap", f.pcap(packets))
    write("far.pcap", f.pcap([(START * NS + k, f.udp_frame(b"x\ny\n", *ends4, 1, 9000), None)
                              for k in range(50)]))
    dropped = Counter(why for why, _ in refused)
    r = run(job, "--pcap", "net0=in.pcap", "--pcap", "net1=far.pcap")
    got = [line for line in r.out.splitlines(keepends=True) if b'"lines"' in line]
    want = Stream("lines")
    want.values(START, [line for _, part in lines for line in part])
    equal(sorted(got), sorted(want.jsonl(START).splitlines(keepends=True)), "lines")
    count = Stream("far.count")
    count.values(START, [100])
    true(count.jsonl(START) in r.out, "the lines of net1 are not 100")
    equal(r.job()["packets"], {"offered": len(mixed) + 50, "processed": len(taken) + 50,
                               "dropped": dict(dropped)})
    equal(r.job()["records"]["offered"], 10 + 100, "records")


# ---- captures as files ----------------------------------------------------------------------------

COUNT_JOB = """
job: count
interval: 1s
sources:
  wire: { type: packets, port: net0 }
program: |
  n = wire.count()
  n.output(screen)
sinks:
  screen: { type: console, format: jsonl }
"""


def counts(times):
    """The stream of COUNT_JOB for packets at these times, without gaps."""
    s, by = Stream("n"), Counter(t // NS for t in times)
    for n in range(min(by), max(by) + 1):
        s.values(n, [by[n]])
    return b"".join(s.jsonl(n) for n in sorted(s.intervals))


def frame(i):
    return f.udp_frame(b"%d" % i, "10.0.0.1", "10.0.0.2", 1, 9000)


@test
def damage_ends_a_capture():
    """What stands before the damage is counted, and a sentence says where it is."""
    times = [START * NS + i * NS // 100 for i in range(250)]
    text = f.pcap([(t, frame(i), None) for i, t in enumerate(times)])
    write("cut.pcap", text[:-20])
    r = run(COUNT_JOB, "--pcap", "cut.pcap", code=69)
    equal(r.out, counts(times[:-1]), "standard output")
    true("cut.pcap" in r.err, f"the file is not named: {r.err}")
    equal(r.job()["packets"]["offered"], 249)
    huge = struct.pack("<IIII", START + 9, 0, 0x7FFFFFFF, 0x7FFFFFFF)
    write("huge.pcap", text + huge)
    r = run(COUNT_JOB, "--pcap", "huge.pcap", code=69)
    equal(r.out, counts(times), "standard output")
    write("none.pcap", f.pcap([]))
    r = run(COUNT_JOB, "--pcap", "none.pcap")
    equal(r.out, b"", "standard output")


@test
def other_files_are_refused():
    write("raw.pcap", f.pcap([(START * NS, b"\x45" + bytes(30), None)], link=101))
    write("text.pcap", b"this is no capture\n" * 10)
    write("empty.pcap", b"")
    for name, sentence in (("raw.pcap", "RAW"), ("text.pcap", "text.pcap"),
                           ("empty.pcap", "empty.pcap"), ("missing.pcap", "missing.pcap")):
        args, _ = run_args(COUNT_JOB, "--pcap", name)
        r = command(*args, code=69)
        true(re.search(rf"^millrace: .*{sentence}", r.err, re.M), f"{name}: {r.err}")


@test
def a_capture_is_looped():
    """Time goes on: round r is later by the span of the capture and the average gap."""
    times = [START * NS + i * NS // 50 for i in range(75)]
    write("in.pcap", f.pcap([(t, frame(i), None) for i, t in enumerate(times)]))
    step = times[-1] - times[0]
    step += step // (len(times) - 1)
    want = [t + r * step for r in range(5) for t in times if t + r * step < (START + 5) * NS]
    r = run(COUNT_JOB, "--pcap", "in.pcap", "--loop", "--for", "5s")
    equal(r.out, counts(want), "standard output")


@test
def a_capture_is_paced():
    """--pace gives the same bytes, at the speed of the capture."""
    times = [START * NS + i * NS // 40 for i in range(100)]
    write("in.pcap", f.pcap([(t, frame(i), None) for i, t in enumerate(times)]))
    r = run(COUNT_JOB, "--pcap", "in.pcap", "--pace")
    equal(r.out, counts(times), "standard output")
    within(r.final["seconds"], 2.4, 6.0, "seconds")


if __name__ == "__main__":
    main()
