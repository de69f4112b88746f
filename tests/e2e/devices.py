#!/usr/bin/env python3
"""Virtual devices by name: each takes the same traffic, and what a job makes of it is what Python
counts; every packet is accounted for, and SIGINT ends the run."""
import contextlib
import json
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import time
from collections import Counter

import frames as f
from e2e import (MILLRACE, PAIR, TOP, Failed, Live, Net, appliance, command, equal, main, run_args,
                 test, true, within, write)

JOB = """
job: devices
interval: 500ms
sources:
  lines: { type: udp, port: net0, listen: 9000 }
  wire:  { type: packets, port: net0 }
program: |
  words = lines.flatMap(r => split(r.line)).map(w => (w, 1)).runningReduce((a, b) => a + b)
  words.output(screen)
  sizes = wire.map(p => ((p.ether_type, p.wire_len), 1)).runningReduce((a, b) => a + b)
  sizes.output(screen)
sinks:
  screen: { type: console, format: jsonl }
"""
# What has no lines in it: sizes alone.
LOAD_JOB = "".join(line for line in JOB.splitlines(True) if "words" not in line and "udp" not in line)
FRAMES = 3000


def lacks(why):
    """A test that cannot be done here; where nothing may be skipped, a failure."""
    if os.environ.get("NO_SKIP"):
        raise Failed(why)
    print(f"  {why}: not tried")


class Traffic:
    """Frames of many kinds, and what is to come of them."""

    def __init__(self, seed, longest):
        rng = random.Random(seed)
        vocabulary = [b"%x" % rng.randrange(1 << 28) for _ in range(300)]
        self.frames, self.words, self.sizes = [], Counter(), Counter()
        for _ in range(FRAMES):
            kind, size = rng.randrange(10), rng.randrange(40, longest - 100)
            lines, room = [], size
            while room > 0:
                words = rng.choices(vocabulary, k=rng.randrange(1, 9))
                lines.append((words, b" ".join(words)))
                room -= len(lines[-1][1]) + 1
            lines = lines[:-1] or [([b"a"], b"a")]
            payload = b"\n".join(line for _, line in lines)
            six = rng.randrange(4) == 0
            src, dst = ("fd00::1", "fd00::2") if six else (f"10.1.0.{rng.randrange(1, 250)}",
                                                           "10.99.0.2")
            good = kind < 7
            if kind == 9:
                frame = f.ether(payload[:rng.randrange(10, 200)], 0x88B5)
            else:
                frame = f.udp_frame(payload, src, dst, rng.randrange(1024, 60000),
                                    9001 if kind == 8 else 9000, "bad" if kind == 7 else "good")
            if good:
                self.words.update(w for words, _ in lines for w in words)
            self.sizes[0x88B5 if kind == 9 else 0x86DD if six else 0x0800, len(frame)] += 1
            self.frames.append(frame)

    def capture(self, path):
        return write(path, f.pcap([(i * 1000, frame) for i, frame in enumerate(self.frames)]))


def port(device, keys="mode: mirror"):
    return f"  net0: {{ device: \"{device}\", {keys} }}\n"


def last_values(result, stream):
    """Of a running sum: the last value of each key."""
    values = {}
    for row in map(json.loads, result.out.splitlines()):
        if row["stream"] == stream:
            key = row["key"]
            values[tuple(key) if isinstance(key, list) else key.encode()] = row["value"]
    return values


def check(result, traffic, times=1):
    """The answers and the ledger of traffic that came whole, so many times."""
    sent = times * len(traffic.frames)
    equal(result.job()["packets"], {"offered": sent, "processed": sent, "dropped": {}}, "packets")
    equal(last_values(result, "words"), {w: times * n for w, n in traffic.words.items()}, "words")
    equal(last_values(result, "sizes"), {k: times * n for k, n in traffic.sizes.items()}, "sizes")


def send_raw(raw, live, traffic, queues=1):
    """Sends frames no faster than they are taken."""
    for i, frame in enumerate(traffic.frames, 1):
        raw.send(frame)
        if i % 100 == 0 or i == len(traffic.frames):
            live.wait(f"frame {i}",
                      lambda i=i: sum(live.received(queue=q) for q in range(queues)) >= i)


# ---- net_memif ------------------------------------------------------------------------------------


class Testpmd:
    """Another DPDK process, which sends a capture into a memif."""

    def __init__(self, capture, memif, name):
        self.prefix = name
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", "dpdk-testpmd", "--no-huge", "-m", "256", "--no-pci", "--no-telemetry",
             "--file-prefix", name, "--lcores", "0@0,1@1" if os.cpu_count() > 1 else "(0-1)@0",
             "--vdev", f"net_pcap0,rx_pcap={capture}", "--vdev", memif, "--", "-i",
             "--forward-mode=io", "--no-flush-rx", "--total-num-mbufs=4096", "--mbuf-size=10240"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.text = b""

    def __enter__(self):
        try:
            self.until_prompt()
        except Failed:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(f"/var/run/dpdk/{self.prefix}", ignore_errors=True)

    def until_prompt(self):
        while not self.text.endswith(b"testpmd> "):
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                raise Failed(f"testpmd ended:\n{self.text.decode(errors='replace')}")
            self.text += piece
        text, self.text = self.text, b""
        return text

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return self.until_prompt()

    def send(self, live, cnt):
        """Sends all; waits until all has come. The memif is its port 1."""
        live.wait("the link", lambda: b"Link status: up" in self.say("show port info 1"))
        self.say("set fwd io retry")
        self.say("set burst tx delay 100 retry 10000")
        before = live.received()
        self.say("start")
        live.wait("all frames", lambda: live.received() - before == cnt)
        sent = int(re.search(rb"TX-packets: (\d+)", self.say("show port stats 1")).group(1))
        equal(sent, cnt, "packets that testpmd sent")
        self.say("stop")
        self.process.stdin.write(b"quit\n")
        self.process.stdin.close()
        self.process.stdin = None
        try:
            self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            raise Failed("testpmd does not end") from None


def memif(role):
    """Buffers hold the longest frame: a chain of them comes damaged when the ring was full."""
    where = f"socket-abstract=no,socket={os.getcwd()}/memif.sock"
    return f"net_memif0,role={role},id=0,bsize=4096,{where}"


@test
def memif_takes_all():
    """The sender goes, another comes, and the run goes on."""
    if not shutil.which("dpdk-testpmd"):
        lacks("there is no dpdk-testpmd")
        return
    traffic = Traffic(1, longest=4000)
    capture = traffic.capture("in.pcap")
    with Live(None, JOB, config=appliance(PAIR, ports=port(memif("server")))) as live:
        live.begun(0.5)
        for i in range(2):
            with Testpmd(capture, memif("client"), f"{live.instance}-sender{i}") as sender:
                sender.send(live, FRAMES)
        r = live.stop()
    check(r, traffic, times=2)


@test
def memif_client_waits_for_its_server():
    """Millrace is the client, and there before its server."""
    if not shutil.which("dpdk-testpmd"):
        lacks("there is no dpdk-testpmd")
        return
    traffic = Traffic(2, longest=1500)
    capture = traffic.capture("in.pcap")
    with Live(None, JOB, config=appliance(PAIR, ports=port(memif("client")))) as live:
        live.begun(0.5)
        with Testpmd(capture, memif("server"), f"{live.instance}-sender") as sender:
            sender.send(live, FRAMES)
        r = live.stop()
    true("the link is down" in r.err, f"it does not say that it waits: {r.err}")
    check(r, traffic)


# ---- net_tap --------------------------------------------------------------------------------------


def has_tap():
    if os.path.exists("/dev/net/tun"):
        return True
    lacks("there is no /dev/net/tun")
    return False


def tap(keys="mode: mirror"):
    return appliance(PAIR, ports=port("net_tap0,iface=tap0", keys))


@test
def tap_takes_all():
    """Whatever is sent on its interface comes; larger frames where the MTU allows them."""
    if not has_tap():
        return
    traffic = Traffic(3, longest=4000)
    with Net(pairs=0) as net, Live(net, JOB, config=tap("mode: mirror, mtu: 4100")) as live:
        live.begun(0.5)
        with net.raw("tap0") as raw:
            send_raw(raw, live, traffic)
        r = live.stop()
    check(r, traffic)
    true("MTU 4100" in r.err, f"its MTU: {r.err}")


@test
def tap_spreads_flows():
    """Two queues: the kernel gives each flow to one of them."""
    if not has_tap():
        return
    traffic = Traffic(4, longest=1500)
    with Net(pairs=0) as net, Live(net, JOB, config=tap("mode: mirror, queues: 2")) as live:
        live.begun(0.5)
        with net.raw("tap0") as raw:
            send_raw(raw, live, traffic, queues=2)
        got = [live.received(queue=q) for q in (0, 1)]
        r = live.stop()
    check(r, traffic)
    within(min(got), FRAMES // 10, FRAMES // 2, f"packets of the queue that got fewer ({got})")
    share = re.search(r"the busiest of 2 queues took (\d+) % of 3000 packets", r.err)
    true(share, f"the imbalance is not shown: {r.err}")
    within(int(share.group(1)), max(got) * 100 // FRAMES, max(got) * 100 // FRAMES + 1, "its share")


def both_ways_on_one_queue(net, interface, config):
    """Both directions of a conversation come to one queue, and not all of them to the same."""
    with Live(net, LOAD_JOB, config=config) as live:
        live.begun(0.5)
        with net.raw(interface) as raw:
            for i, frame in enumerate(f.conversations(6), 1):
                raw.send(frame)
                if i % 100 == 0:
                    live.wait("frames", lambda i=i: sum(live.received(queue=q) for q in range(4)) >= i)
        live.wait("all frames", lambda: sum(live.received(queue=q) for q in range(4)) == 4 ** 6 - 1)
        queues = [live.received(queue=q) for q in range(4)]
        live.stop()
    equal(f.torn(queues, 6), [], f"conversations on several queues: {queues}")
    true(max(queues) < sum(queues), f"one queue got all: {queues}")


@test
def tap_is_symmetric():
    if has_tap():
        with Net(pairs=0) as net:
            both_ways_on_one_queue(net, "tap0", tap("mode: mirror, queues: 4, rss: symmetric"))


@test
def af_packet_is_symmetric():
    device = port("net_af_packet0,iface=port0", "mode: mirror, queues: 4, rss: symmetric")
    with Net() as net:
        both_ways_on_one_queue(net, "host0", appliance(PAIR, ports=device))


@test
def no_rss_is_said():
    """The sender on a memif chooses the queue; a device that has fewer queues is refused."""
    keys = "mode: mirror, queues: 2, rss: symmetric"
    with Live(None, LOAD_JOB, config=appliance(PAIR, ports=port(memif("server"), keys))) as live:
        live.running()
        r = live.stop()
    true(re.search(r"^port net0: no RSS here: the device or its sender chooses", r.err, re.M), r.err)
    capture = Traffic(8, longest=1500).capture("in.pcap")
    args, _ = run_args(JOB, config=appliance(ports=port(f"net_pcap0,rx_pcap={capture}", "queues: 2")))
    refused = command(*args, code=69)
    true("device 'net_pcap0' has 1 receive and 1 send queues, not 2" in refused.err, refused.err)


@test
def tap_is_a_host():
    """It answers the kernel, and takes what the kernel sends to its address."""
    if not has_tap():
        return
    with Net(pairs=0) as net:
        with Live(net, JOB, config=tap("mode: host, address: 10.98.0.2")) as live:
            live.running()
            net.ip("address", "add", "10.98.0.1/24", "dev", "tap0")
            net.ip("link", "set", "tap0", "up")
            live.begun(0.5)
            with net.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as echo:
                echo.settimeout(5)
                echo.sendto(f.icmp(b"are you there?", 8, 0, 42), ("10.98.0.2", 0))
                equal(echo.recv(2048)[20:], f.icmp(b"are you there?", 0, 0, 42), "the answer to a ping")
            with net.udp(address="10.98.0.2") as udp:
                for i in range(1000):
                    udp.send(b"%d\n" % (i % 10))
                    if i % 50 == 0:
                        time.sleep(0.002)
                live.wait("all lines", lambda: live.records("devices") >= 2000)
            r = live.stop()
    equal(last_values(r, "words"), {b"%d" % d: 100 for d in range(10)}, "lines")
    equal(r.job()["records"]["processed"], 1000 + r.job()["packets"]["processed"], "records")


@test
def a_tap_is_not_shared():
    """A second process would get some of the flows: it is refused, until the first has gone."""
    if not has_tap():
        return
    with Net(pairs=0) as net:
        def another():
            args, _ = run_args(JOB, "--for", "500ms", config=tap())
            return subprocess.run(net.inside(MILLRACE, *args), capture_output=True, timeout=60,
                                  stdin=subprocess.DEVNULL, text=True, check=False)

        with Live(net, JOB, config=tap()) as live:
            live.running()
            got = another()
            equal(got.returncode, 69, f"exit of the second: {got.stderr}")
            true(re.search(r"^millrace: port net0: interface 'tap0' is in use", got.stderr, re.M),
                 got.stderr)
            live.stop()
        equal(another().returncode, 0, "exit when the first has gone")
        net.ip("tuntap", "add", "tap0", "mode", "tap", "multi_queue")
        equal(another().returncode, 0, "exit on a tap that is there and that nobody has")


# ---- net_ring, net_pcap, net_null -----------------------------------------------------------------


def build_feeder():
    flags = subprocess.run(["pkg-config", "--cflags", "libdpdk"], capture_output=True, text=True,
                           check=True).stdout.split()
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", *flags,
                    f"{TOP}/tests/e2e/feed_ring.c", "-o", "feed_ring.so"], check=True)
    return os.path.abspath("feed_ring.so")


@contextlib.contextmanager
def environment(**variables):
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@test
def ring_takes_all():
    """What a thread of the same process sends, in chains of small buffers."""
    traffic = Traffic(5, longest=4000)
    feeder = build_feeder()
    os.mkfifo("feed")
    config = appliance(PAIR, ports=port("net_ring0"))
    with environment(LD_PRELOAD=feeder, FEED_RING=os.path.abspath("feed")):
        live = Live(None, JOB, config=config)
    with live:
        live.begun(0.5)
        with open("feed", "wb") as feed:
            for frame in traffic.frames:
                feed.write(struct.pack("=I", len(frame)) + frame)
        live.wait("all frames", lambda: live.received() == FRAMES)
        r = live.stop()
    check(r, traffic)


@test
def pcap_reads_an_interface():
    """net_pcap on a Linux interface, through libpcap."""
    traffic = Traffic(6, longest=1500)
    with Net() as net, net.raw() as raw:
        config = appliance(PAIR, ports=port("net_pcap0,iface=port0"))
        with Live(net, JOB, config=config) as live:
            live.begun(0.5)
            send_raw(raw, live, traffic)
            r = live.stop()
    check(r, traffic)


def check_load(r, sizes):
    """Load without an end: what was taken is in the answer, however much it was."""
    got, packets = last_values(r, "sizes"), r.job()["packets"]
    equal(sum(got.values()), packets["processed"], "packets in the answer")
    equal(set(got), set(sizes), "sizes in the answer")
    true(packets["processed"] > 10 * FRAMES, f"almost nothing came: {packets}")
    equal(set(packets["dropped"]) - {"shed", "before_start", "after_end", "no_memory"}, set(),
          "reasons of drops")


@test
def pcap_gives_load():
    """A capture again and again, as fast as it is taken."""
    traffic = Traffic(7, longest=1500)
    capture = traffic.capture("in.pcap")
    config = appliance(PAIR, blocks="128MB", ports=port(f"net_pcap0,rx_pcap={capture},infinite_rx=1"))
    with Live(None, LOAD_JOB, config=config) as live:
        live.wait("load", lambda: live.records("devices") > 20 * FRAMES)
        r = live.stop()
    check_load(r, traffic.sizes)
    cycles = [n / traffic.sizes[k] for k, n in last_values(r, "sizes").items()]
    true(min(cycles) > 0, "a frame of the capture never came")


@test
def null_gives_load():
    """Empty frames for --for; and by a signal."""
    for options in (("--for", "1500ms"), ()):
        with Live(None, LOAD_JOB, *options, config=appliance(PAIR, ports=port("net_null0"))) as live:
            if not options:
                live.wait("load", lambda: live.records("devices") > 20 * FRAMES)
            r = live.end() if options else live.stop()
        check_load(r, {(0, 64)})
        if options:
            equal(r.job()["intervals"], 3)


if __name__ == "__main__":
    main()
