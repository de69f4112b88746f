#!/usr/bin/env python3
"""Live ports: what a sender sent is what was processed and what was dropped, by reason, exactly."""
import json
import os
import random
import signal
import socket
import subprocess
import time
from collections import Counter

import frames as f
from e2e import (ADDRESS, HOST_PORT, MILLRACE, MIRROR_PORT, ONE, PAIR, TWO, Live, Net, appliance,
                 equal, main, test, top, true, within, write)

SEQUENCE_JOB = """
job: sequence
interval: 500ms
sources:
  lines: { type: udp, port: net0, listen: 9000 }
program: |
  seen = lines.map(r => toInt(capture(r.line, "^([0-9]+)", 1)))
  seen.output(rows)
  n = lines.map(r => ("all", 1)).runningReduce((a, b) => a + b)
  n.output(screen)
sinks:
  rows:   { type: file, path: rows, format: jsonl, roll: 1m }
  screen: { type: console, format: jsonl }
"""


def rows(result, stream):
    return [r for r in map(json.loads, result.out.splitlines()) if r["stream"] == stream]


def rows_of_files(path):
    out = []
    for name in sorted(os.listdir(path)):
        with open(os.path.join(path, name), encoding="utf-8") as lines:
            out += map(json.loads, lines)
    return out


def host_port(device="", keys=""):
    return HOST_PORT.format(device, keys)


def meet(net, live, raw):
    """Waits until Millrace answers ARP, gives the kernel its address for good; the requests sent."""
    live.running()
    who = b"\0\1\x08\0\6\4\0\1" + f.MAC_A + bytes([10, 99, 0, 1]) + bytes(6) + bytes([10, 99, 0, 2])
    raw.settimeout(0.1)
    for asked in range(1, 100):
        raw.send(f.ether(who, 0x0806, src=f.MAC_A, dst=b"\xff" * 6))
        try:
            answer = raw.recv(2048)
        except TimeoutError:
            continue
        if answer[12:14] == b"\x08\x06" and answer[20:22] == b"\0\2":
            equal(answer[28:32], bytes([10, 99, 0, 2]), "address in the ARP reply")
            mac = ":".join(f"{b:02x}" for b in answer[22:28])
            net.ip("neigh", "replace", ADDRESS, "lladdr", mac, "nud", "permanent", "dev", "host0")
            return asked
    raise AssertionError("no answer to ARP")


def ping(net, address, number):
    """One ICMP echo and its answer."""
    with net.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as s:
        s.settimeout(5)
        body = random.Random(number).randbytes(57)
        s.sendto(f.icmp(body, 8, 0, 4242), (address, 0))
        answer, (who, _) = s.recvfrom(2048)
    equal(who, address, "who answered the ping")
    equal(answer[20:], f.icmp(body, 0, 0, 4242), "the answer to a ping")


def check_packets(ledger, sent, arp):
    """All that was sent was offered; nothing else came but our ARP."""
    dropped = ledger["dropped"]
    # A source of packets that refuses ARP by its filter came closer to taking it.
    equal(dropped.get("arp", 0) + dropped.get("filtered", 0), arp, f"ARP requests: {ledger}")
    equal(ledger["offered"], sent + arp, f"packets offered: {ledger}")


@test
def every_datagram_is_counted():
    """Python sends numbered lines, `millrace send` a text; ping is answered."""
    with Net() as net:
        config = appliance(PAIR, ports=host_port())
        text = b"".join(b"%d some words\n" % (10**6 + i) for i in range(5000))
        write("text", text)
        with Live(net, SEQUENCE_JOB, config=config) as live, net.raw() as raw, net.udp() as udp:
            arp = meet(net, live, raw)
            live.begun(0.5)
            for number in range(3):
                ping(net, ADDRESS, number)
            for i in range(3000):
                udp.send(b"%d a\n%d b\n" % (2 * i, 2 * i + 1))
                if i % 100 == 99:
                    time.sleep(0.005)
            sender = subprocess.run(net.inside(MILLRACE, "send", "--to", f"{ADDRESS}:9000", "--rate",
                                               "20k", "text"), capture_output=True, check=True)
            live.wait("all lines", lambda: live.records("sequence") >= 11000)
            r = live.stop()
        numbers = sorted(row["value"] for row in rows_of_files("rows/seen"))
        equal(numbers, list(range(6000)) + list(range(10**6, 10**6 + 5000)), "numbers")
        equal(rows(r, "n")[-1]["value"], 11000, "all lines")
        packets, records = r.job()["packets"], r.job()["records"]
        equal(records, {"offered": 11000, "processed": 11000, "dropped": {}})
        equal(packets["dropped"].get("icmp_echo"), 3, f"echo requests ({packets})")
        equal(packets["dropped"].get("arp"), arp, "ARP requests")
        equal(sum(packets["dropped"].values()), arp + 3, f"packets dropped ({packets})")
        within(packets["processed"], 3000 + 5000 * 20 // 65536, 3000 + 5000,
               f"datagrams ({sender.stderr})")


def overload(config, jobs, send):
    """Sends; stops Millrace for a while meanwhile; returns what came of it and how many were sent."""
    with Net() as net, Live(net, jobs, config=config) as live, net.raw() as raw, net.udp() as udp:
        arp = meet(net, live, raw)
        live.begun(0.5)
        sent = send(udp, live)
        live.settled()
        r = live.stop()
    check_packets(r.job()["packets"], sent, arp)
    return r, sent


def check_sequence(r, sent):
    """Each datagram holds its number: those that came are the processed ones, once each."""
    numbers = [row["value"] for row in rows_of_files("rows/seen")]
    equal(len(numbers), r.job()["packets"]["processed"], "numbers that came")
    equal(len(set(numbers)), len(numbers), "different numbers")
    true(all(0 <= n < sent for n in numbers), "numbers that were never sent")
    lost = sent - len(numbers)
    arp = r.job()["packets"]["dropped"].get("arp", 0)
    equal(sum(r.job()["packets"]["dropped"].values()) - arp, lost, "lost datagrams")
    return lost


@test
def what_the_kernel_drops_is_missed():
    """While Millrace stands still the ring of the socket overflows: counted as nic_missed."""
    def send(udp, live):
        live.process.send_signal(signal.SIGSTOP)
        for i in range(60000):
            udp.send(b"%d %s" % (i, b"x" * 100))
        live.process.send_signal(signal.SIGCONT)
        time.sleep(0.5)
        for i in range(60000, 60200):
            udp.send(b"%d" % i)
        return 60200

    r, sent = overload(appliance(PAIR, ports=host_port()), SEQUENCE_JOB, send)
    lost, dropped = check_sequence(r, sent), r.job()["packets"]["dropped"]
    true(dropped.get("nic_missed", 0) > 0, "nothing was lost: the test tests nothing")
    # where sending took longer than eight intervals, what comes first behind the stop is shed
    equal(dropped["nic_missed"] + dropped.get("shed", 0), lost, "nic_missed and shed")


@test
def overload_is_counted():
    """Little memory, one lcore, a slow job: drops at the edge alone, each with its reason."""
    slow = SEQUENCE_JOB.replace("  n = ", """  words = lines.flatMap(r => split(r.line))
  best = words.map(w => (w, length(w) * 7 % 11)).reduceByKey((a, b) => a * b % 1000003)
  best.output(screen)
  n = """)

    def send(udp, _live):
        words = b" ".join(b"%x" % (i * 7919 % 4096) for i in range(2000))
        for i in range(15000):
            udp.send(b"%d %s" % (i, words))
        return 15000

    r, sent = overload(appliance(ONE, blocks="16MB", ports=host_port()), slow, send)
    true(check_sequence(r, sent) > 0, "nothing was lost: the test tests nothing")


# ---- the end --------------------------------------------------------------------------------------

SLOW_TICK_JOB = """
job: slow
interval: 2s
sources:
  lines: { type: udp, port: net0, listen: 9000 }
program: |
  n = lines.count()
  n.output(screen)
  lines.output(rows)
sinks:
  screen: { type: console, format: jsonl }
  rows:   { type: file, path: rows, format: csv }
"""


@test
def a_signal_ends_the_interval():
    """SIGINT in the middle of an interval: its rows are written, not complete, and exit is 0."""
    with Net() as net:
        config = appliance(PAIR, ports=host_port())
        with Live(net, SLOW_TICK_JOB, config=config) as live, net.raw() as raw, net.udp() as udp:
            arp = meet(net, live, raw)
            live.begun(2)
            start = time.time()
            for i in range(500):
                udp.send(b"%d\n" % i)
            live.wait("all of it", lambda: live.received() == 500 + arp)
            r = live.stop()
        last = rows(r, "n")[-1]
        equal((last["value"], last.get("complete")), (500, False), "the last row")
        equal(last["interval"], int(start // 2), "its interval")
        true(all("complete" not in row for row in rows(r, "n")[:-1]), "other rows are complete")
        true(r.lines[-1]["complete"] is False, "the stats line of the interval")
        true("slow:" in r.err and "offered" in r.err, f"no summary: {r.err}")
        got = open(f"rows/lines/{last['interval']}.csv", "rb").read().splitlines()
        equal(len(got), 501, "lines of the file")
        true(all(line.endswith(b",false") for line in got[1:]), "CSV rows that claim to be complete")


@test
def a_second_signal_ends_at_once():
    """Standard output is a pipe that nobody reads: the first signal cannot end the run."""
    with Net() as net:
        config = appliance(PAIR, ports=host_port())
        read_end, write_end = os.pipe()
        job = SLOW_TICK_JOB.replace("interval: 2s", "interval: 200ms").replace(
            "lines.output(rows)", "lines.output(screen)").replace(
            "  rows:   { type: file, path: rows, format: csv }\n", "")
        with Live(net, job, config=config, stdout=write_end) as live, net.raw() as raw, \
                net.udp() as udp:
            meet(net, live, raw)
            live.begun(0.2)
            for i in range(2000):
                udp.send(b"%d %s\n" % (i, b"x" * 200))
            time.sleep(0.6)
            live.process.send_signal(signal.SIGINT)
            time.sleep(1)
            true(live.process.poll() is None, "it ended although nobody read")
            start = time.monotonic()
            live.process.send_signal(signal.SIGINT)
            code = live.process.wait(10)
            within(time.monotonic() - start, 0, 3, "seconds to the end")
            true(code != 0, "it says that all is well")
        os.close(read_end)
        os.close(write_end)


# ---- several jobs, mirror, telemetry --------------------------------------------------------------

TALKERS_JOB = """
job: talkers
interval: 500ms
sources:
  wire: { type: packets, port: net0, filter: "ip" }
program: |
  bytes = wire.map(p => (p.src_ip, p.wire_len))
  best = bytes.reduceByKeyAndWindow((a, b) => a + b, (a, b) => a - b, "30s", "500ms").top(10)
  best.output(screen)
sinks:
  screen: { type: console, format: jsonl }
"""


@test
def a_mirror_port_sees_all():
    """Frames to anybody, with the length they had on the wire; nothing is ever sent."""
    rng = random.Random(7)
    sums, sent, filtered = Counter(), 0, 0
    with Net(mtu=1500) as net:
        config = appliance(PAIR, ports=MIRROR_PORT)
        with Live(net, TALKERS_JOB, config=config) as live, net.raw() as raw:
            live.running()
            live.begun(0.5)
            before = net.ip("-s", "-j", "link", "show", "host0")
            for _ in range(2000):
                src = f"10.1.{rng.randrange(3)}.{rng.randrange(9)}"
                frame = f.udp_frame(bytes(rng.randrange(1400)), src, "10.2.0.1", 1, 2,
                                    tags=[(0x8100, 0, 5)] if rng.random() < 0.3 else ())
                if rng.random() < 0.1:
                    frame = f.ether(b"\0\1\x08\0\6\4\0\1" + bytes(20), 0x0806)
                    filtered += 1
                elif frame[12:14] == b"\x08\0":  # "ip" does not look behind a tag
                    sums[src] += len(frame)
                else:
                    filtered += 1
                raw.send(frame)
                sent += 1
                if sent % 50 == 0:
                    time.sleep(0.002)
            live.wait("all frames", lambda: live.received() == sent)
            r = live.stop()
            after = net.ip("-s", "-j", "link", "show", "host0")
    last = rows(r, "best")
    last = [row for row in last if row["interval"] == last[-1]["interval"]]
    equal([(row["key"], row["value"]) for row in last],
          [(k, v) for k, v in top({ip_of(k): v for k, v in sums.items()}, 10)], "talkers")
    equal(r.job()["packets"], {"offered": sent, "processed": sent - filtered,
                               "dropped": {"filtered": filtered}})
    heard = [json.loads(text)[0]["stats64"]["rx"]["packets"] for text in (before, after)]
    equal(heard[1], heard[0], "packets that a mirror port sent")


def ip_of(text):
    return Ip(text)


class Ip(str):
    """An address that is printed as it is and sorted by value."""

    def __lt__(self, other):
        return tuple(map(int, self.split("."))) < tuple(map(int, other.split(".")))


@test
def jobs_share_a_port():
    """Four jobs on one port, two of which say the same source, and telemetry of all of them."""
    same = SEQUENCE_JOB.replace("rows/", "x")
    jobs = [same, same.replace("job: sequence", "job: again").replace("path: rows", "path: again"),
            TALKERS_JOB, """
job: other
interval: 1s
sources:
  lines: { type: udp, port: net0, listen: 9001 }
program: |
  n = lines.map(r => ("other", 1)).runningReduce((a, b) => a + b)
  n.output(screen)
sinks:
  screen: { type: console, format: jsonl }
"""]
    with Net() as net:
        config = appliance(TWO, state="64MB", ports=host_port())
        with Live(net, jobs, config=config) as live, net.raw() as raw, net.udp() as udp, \
                net.udp(9001) as udp1:
            arp = meet(net, live, raw)
            live.begun(1)
            for i in range(2000):
                udp.send(b"%d\n" % i)
                if i % 2:
                    udp1.send(b"x\ny\nz\n")
                if i % 50 == 0:
                    time.sleep(0.002)
            live.wait("all packets", lambda: live.received() == 3000 + arp)
            time.sleep(1.1)
            told = live.ask("/millrace/jobs")
            commands = live.ask("/")
            r = live.stop()
    for path in ("rows", "again"):
        numbers = sorted(row["value"] for row in rows_of_files(f"{path}/seen"))
        equal(numbers, list(range(2000)), path)
    equal(rows(r, "n")[-1]["value"] in (2000, 3000), True, "a last row")
    for job, records, packets in (("sequence", 2000, 2000), ("again", 2000, 2000),
                                  ("other", 3000, 1000), ("talkers", 3000, 3000)):
        equal(r.job(job)["records"], {"offered": records, "processed": records, "dropped": {}}, job)
        equal(told[f"{job}_records_offered"], records, f"telemetry of {job}")
        check_packets(r.job(job)["packets"], 3000, arp)
        equal(r.job(job)["packets"]["processed"], packets, f"packets of {job}")
    for name in ("jobs", "queues/net0_0", "lcores", "memory"):
        true(f"/millrace/{name}" in commands, f"no command /millrace/{name}")


# ---- other devices --------------------------------------------------------------------------------

@test
def queues_share_the_load():
    """Two queues on two ingest lcores: what each got adds up."""
    with Net() as net:
        config = appliance("{ control: 0, ingest: [0, 1], workers: [1] }",
                           ports=host_port(keys=", queues: 2"))
        with Live(net, SEQUENCE_JOB, config=config) as live, net.raw() as raw:
            arp = meet(net, live, raw)
            live.begun(0.5)
            senders = [net.udp() for _ in range(16)]
            for i in range(3200):
                senders[i % 16].send(b"%d\n" % i)
                if i % 64 == 0:
                    time.sleep(0.002)
            got = lambda: [live.received(queue=q) for q in (0, 1)]
            live.wait("all packets", lambda: sum(got()) == 3200 + arp)
            queues = got()
            r = live.stop()
            for s in senders:
                s.close()
    check_packets(r.job()["packets"], 3200, arp)
    equal(check_sequence(r, 3200), 0, "lost")
    true(min(queues) > 100, f"one queue got all: {queues}")


if __name__ == "__main__":
    main()
