#!/usr/bin/env python3
"""Records through a port: the stock jobs as `millrace run` runs them, on a DPDK port that replays
datagrams from memory (net_pcap, infinite_rx) as fast as the ingest lcore polls it.

The port never waits, so the appliance is always overloaded: what it cannot take is shed at ingest and
counted. The figure is what it processed, per second of wall time, over whole intervals; the ledger is
checked to close. Rows with "feed": "port" are added to bench.json beside those of the blocks, with
the limit program of the same job and their ratio to it.

usage: perf/port.py MILLRACE BENCH_JSON [JOB...]
"""
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

SECONDS = 6
DATAGRAMS = 800  # a capture that a queue's buffers hold
RECORDS = 14     # of 100 bytes in a datagram


def records(rng, n):
    """100-byte lines of Zipf words, 10,000 distinct, as gen_text makes them."""
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randrange(2, 12)))
             for _ in range(10000)]
    weights = [1 / (i + 1) for i in range(len(words))]
    pool = iter(rng.choices(words, weights, k=n * 40))
    for _ in range(n):
        line = next(pool)
        while len(line) < 99:
            line += " " + next(pool)
        yield line[:99].encode() + b"\n"


def checksum(header):
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def frame(i, payload):
    udp = struct.pack(">HHHH", 1024 + i % 500, 9000, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), i, 0, 64, 17, 0,
                     bytes([10, 99, 0, 1]), bytes([10, 99, 0, 2]))
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    return bytes([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]) + ip + udp


def write_capture(path):
    lines = records(random.Random(1), DATAGRAMS * RECORDS)
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i in range(DATAGRAMS):
            data = frame(i, b"".join(next(lines) for _ in range(RECORDS)))
            f.write(struct.pack("<IIII", 0, i, len(data), len(data)) + data)


def run_job(millrace, folder, job):
    config = os.path.join(folder, "appliance.yaml")
    stats = os.path.join(folder, "stats")
    lcores = "{ control: 0, ingest: [0], workers: [1] }" if os.cpu_count() > 1 else "{ all: 0 }"
    with open(config, "w", encoding="utf-8") as f:
        f.write(f'ports: {{ net0: {{ device: "net_pcap0,rx_pcap={folder}/load.pcap,infinite_rx=1", '
                f"mode: mirror }} }}\nlcores: {lcores}\n"
                "memory: { blocks: 512MB, state: 128MB }\ninstance: bench-port\n")
    subprocess.run([millrace, "run", f"configs/{job}.yaml", "--config", config, "--stats", stats,
                    "--for", f"{SECONDS}s"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    with open(stats, encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    final = lines[-1]["jobs"][0]
    for kind in ("packets", "records"):
        ledger = final[kind]
        assert ledger["offered"] == ledger["processed"] + sum(ledger["dropped"].values()), ledger
    per_s = [line["records_per_s"] for line in lines[1:-1]]  # the first interval warms up
    return sorted(per_s)[len(per_s) // 2], (max(per_s) - min(per_s)) / max(1, sorted(per_s)[len(per_s) // 2])


def main():
    millrace, out, *jobs = sys.argv[1:]
    with open(out, encoding="utf-8") as f:
        bench = json.load(f)
    bench["rows"] = [r for r in bench["rows"] if r["feed"] != "port"]
    limits = {r["job"]: r["limit_records_per_s"] for r in bench["rows"]}
    with tempfile.TemporaryDirectory(prefix="millrace-bench.") as folder:
        write_capture(os.path.join(folder, "load.pcap"))
        for job in jobs or ["grep", "wordcount", "topk"]:
            rate, spread = run_job(millrace, folder, job)
            limit = limits.get(job)
            bench["rows"].append({"job": job, "feed": "port", "lcores": 2, "records_per_s": rate,
                                  "limit_records_per_s": limit, "spread": spread,
                                  "ratio": rate / limit if limit else None, "answer_agrees": None})
            share = f"{rate / limit:7.2f}" if limit else "      -"
            print(f"{job:<10} port          2 {rate / 1e6:10.2f} {(limit or 0) / 1e6:12.2f}{share}"
                  f"{100 * spread:7.0f}%  by wall time")
    with open(out, "w", encoding="utf-8") as f:
        json.dump(bench, f, indent=1)


if __name__ == "__main__":
    main()
