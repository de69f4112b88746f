#!/usr/bin/env python3
"""The stock jobs through a port, against what the parts alone can do.

  R   packets/s of a bare loop that polls the port and frees (perf/port --bare), in records
  I   the same of ingest alone, which seals blocks that nobody reads
  E   records/s of the job from sealed blocks, from the row of bench.json
  one lcore does ingest and worker      against 1 / (1/R + 1/E)
  two lcores, ingest and worker         against the smaller of R and E

The port replays frames as fast as they are polled (perf/port_replay.h). Rates are by the CPU time
of the lcore; on two lcores by that of the worker, or what ingest alone does where that is less (the
lcore of ingest polls and waits all the time, so its CPU time says nothing); by wall time beside it. On two lcores the largest rate
is searched that arrives by the clock and neither loses a packet nor takes longer than an interval
to process one, for half a minute. Rows with "feed": "port" are added to bench.json.

With PORT=DEVICE in the environment the port is that one, as an appliance file names it, and its traffic
comes from a wire: from perf/gen on another box, or, with GEN=DEVICE, from perf/gen on this one.

usage: perf/port.py BUILD [JOB...]
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

FRAMES = {"top-talkers": "packets"}
ROW_NAME = {"top-talkers": "talkers"}
JOBS = ["grep", "wordcount", "topk", "top-talkers"]
SEARCHED = ["wordcount", "top-talkers"]  # in a run over all jobs: of each kind of frames one
SECONDS = 5
REPETITIONS = 3
SEARCH_STEPS, SEARCH_SECONDS, SEARCH_SPAN = 7, 3, 256
CONFIRM_TRIES, CONFIRM_SECONDS, CONFIRM_LESS = 6, 30, 0.75
NO_RESOURCE, MEMORY_TRIES = 69, 6
OUTSIDE = ("before_start", "after_end")  # what came beside the run is not lost
APPLIANCE = """ports: {{ net0: {{ device: "{device}", mode: mirror, rxd: 4096, mtu: 1500 }} }}
lcores: {lcores}
memory: {{ blocks: {blocks}, state: {state} }}
idle: {idle}
instance: bench-port
"""
LCORES = {1: ("{ all: 0 }", "busy"), 2: ("{ control: 0, ingest: [0], workers: [1] }", "adaptive")}


class Bench:
    def __init__(self, build, folder):
        self.build, self.folder = build, folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def appliance(self, lcores, device=os.environ.get("PORT") or "net_null0", blocks="256MB", state="128MB"):
        roles, idle = LCORES[lcores]
        with open(self.path("appliance.yaml"), "w", encoding="utf-8") as f:
            f.write(APPLIANCE.format(device=device, lcores=roles, idle=idle, blocks=blocks,
                                     state=state))

    def run(self, command, args):
        with open(self.path("log"), "w", encoding="utf-8") as log:
            run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
            sender = self.sender(args)
            code = run.wait()
            if sender:
                sender.send_signal(signal.SIGINT)
                sender.wait()
        return code

    def port(self, job, *args):
        """Runs perf/port; returns what it says."""
        command = [f"{self.build}/perf/port", "--config", self.path("appliance.yaml"),
                   "--job", job, "--out", self.path("out"), "--stats", self.path("stats"), *args]
        for _ in range(MEMORY_TRIES):
            code = self.run(command, args)
            if code != NO_RESOURCE:
                break
            time.sleep(5)  # hugepages of another program may come back
        if code:
            with open(self.path("log"), encoding="utf-8") as f:
                sys.exit(f"perf/port.py: {' '.join(command)}: exit {code}\n{f.read()}")
        with open(self.path("out"), encoding="utf-8") as f:
            return json.load(f)

    def sender(self, args):
        """perf/gen, where the traffic comes from a wire and this box has its other end."""
        device = os.environ.get("GEN")
        if not device:
            return None
        given = dict(zip(args, args[1:]))
        rate = ["--rate", given["--rate"]] if "--rate" in given else []
        return subprocess.Popen([f"{self.build}/perf/gen", "--device", device, "--cpu",
                                 str(os.cpu_count() - 1), "--frames", given["--frames"], *rate],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def alone(self, job, frames, mode):
        """Records/s of a loop without a job."""
        self.appliance(1)
        out = self.port(f"configs/{job}.yaml", "--frames", frames, "--seconds", "1", mode)
        return out["packets_per_s"] * out["records_per_packet"]

    def stats(self):
        with open(self.path("stats"), encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def check_ledgers(self, final):
        for kind in ("packets", "records"):
            ledger = final["jobs"][0][kind]
            assert ledger["offered"] == ledger["processed"] + sum(ledger["dropped"].values()), ledger

    def job(self, job, frames, lcores):
        """Records/s by CPU time of the worker's lcore, and by wall time."""
        self.appliance(lcores)
        out = self.port(f"configs/{job}.yaml", "--frames", frames, "--seconds", str(SECONDS))
        self.check_ledgers(self.stats()[-1])
        return out["records"] / out["cpu_s"], out["records"] / out["wall_s"]


def median(values):
    return sorted(values)[len(values) // 2]


def holds(bench, job, frames, lcores, packets_per_s, seconds):
    """No loss, and processing time below the interval, all the time?"""
    bench.appliance(lcores)
    out = bench.port(f"configs/{job}.yaml", "--frames", frames, "--seconds", str(seconds),
                     "--rate", str(packets_per_s), "--lossless")
    *lines, final = bench.stats()
    dropped = final["jobs"][0]["packets"]["dropped"]
    lost = out["missed"] + sum(n for why, n in dropped.items() if why not in OUTSIDE)
    return lost == 0 and all(line["processing_ns"] < 1e9 for line in lines)


def sustained(bench, job, frames, lcores, most):
    """The largest rate of packets that holds, by search, and then for half a minute. A pause of an
    lcore is long or short, so the search is by factors."""
    low, high = most / SEARCH_SPAN, most
    for _ in range(SEARCH_STEPS):
        rate = (low * high) ** 0.5
        if holds(bench, job, frames, lcores, rate, SEARCH_SECONDS):
            low = rate
        else:
            high = rate
    for _ in range(CONFIRM_TRIES):
        if holds(bench, job, frames, lcores, low, CONFIRM_SECONDS):
            return low
        low *= CONFIRM_LESS
    return None


def measure(bench, job, rate_of_blocks, searched, alone):
    """(rows, details) of a job on one lcore and on two. alone: what was found out about frames."""
    frames = FRAMES.get(job, "text")
    per_packet = 14 if frames == "text" else 1
    bare, ingest = alone.setdefault(frames, ([], []))
    rates = {1: [], 2: []}
    for i in range(REPETITIONS):
        if len(bare) <= i:
            bare.append(bench.alone(job, frames, "--bare"))
            ingest.append(bench.alone(job, frames, "--ingest"))
        for lcores in (1, 2) if os.cpu_count() > 1 else (1,):
            rates[lcores].append(bench.job(job, frames, lcores))
    r, e = median(bare), rate_of_blocks
    rows, details = [], []
    for lcores, pairs in rates.items():
        if not pairs:
            continue
        most = median(ingest) if lcores > 1 else float("inf")
        by_cpu, by_wall = [min(p[0], most) for p in pairs], median([p[1] for p in pairs])
        rate = median(by_cpu)
        limit = None if not e else 1 / (1 / r + 1 / e) if lcores == 1 else min(r, e)
        head = {"job": ROW_NAME.get(job, job), "feed": "port", "lcores": lcores}
        rows.append(head | {"records_per_s": rate, "limit_records_per_s": limit,
                            "ratio": rate / limit if limit else None,
                            "spread": (max(by_cpu) - min(by_cpu)) / rate, "answer_agrees": None})
        held = None
        if searched and (lcores == os.cpu_count() or lcores == 2):
            held = sustained(bench, job, frames, lcores, 1.2 * by_wall / per_packet)
        details.append(head | {"wanted": 0.80, "wall_records_per_s": by_wall,
                               "bare_records_per_s": r, "ingest_records_per_s": median(ingest),
                               "blocks_records_per_s": e,
                               "sustained_records_per_s": held and held * per_packet,
                               "used_up": f"the {'lcore' if lcores == 1 else 'lcores'}; a bare loop "
                                          f"on the port does {r / 1e6:.0f} M/s"})
    return rows, details


def show(row, detail):
    def million(x):
        return "-" if x is None else f"{x / 1e6:.2f}"
    print(f"{row['job']:<10} port {row['lcores']} lcores {million(row['records_per_s']):>8} M/s (wall "
          f"{million(detail['wall_records_per_s'])}) of {million(row['limit_records_per_s'])}: "
          f"{row['ratio'] or 0:.2f}; R {million(detail['bare_records_per_s'])}, ingest alone "
          f"{million(detail['ingest_records_per_s'])}, E {million(detail['blocks_records_per_s'])}, "
          f"sustained {million(detail['sustained_records_per_s'])}", flush=True)


def main():
    build, *jobs = sys.argv[1:]
    path = os.path.join(build, "bench.json")
    with open(path, encoding="utf-8") as f:
        data = json.load(f)
    jobs = [j for j in JOBS if not jobs or j in jobs or ROW_NAME.get(j) in jobs]
    names = {ROW_NAME.get(j, j) for j in jobs}
    for part in ("rows", "details"):
        data[part] = [r for r in data.get(part, []) if r["feed"] != "port" or r["job"] not in names]
    blocks = {r["job"]: r["records_per_s"] for r in data["rows"]
              if r["feed"] == "blocks" and r["lcores"] == 1}
    with tempfile.TemporaryDirectory(prefix="millrace-bench.") as folder:
        bench, alone = Bench(build, folder), {}
        for job in jobs:
            rows, details = measure(bench, job, blocks.get(ROW_NAME.get(job, job)),
                                    len(jobs) < len(JOBS) or job in SEARCHED, alone)
            for row, detail in zip(rows, details):
                show(row, detail)
            data["rows"] += rows
            data["details"] += details
    with open(path, "w", encoding="utf-8") as f:
        json.dump(data, f, indent=1)


if __name__ == "__main__":
    main()
