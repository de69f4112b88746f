#!/usr/bin/env python3
"""The stock jobs through a port, against what the parts alone can do.

  R   packets/s of a bare loop that polls the port and frees (perf/port --bare), in records
  I   the same of ingest alone, which seals blocks that nobody reads
  E   records/s of the job from sealed blocks, from the row of bench.json
  one lcore does ingest and worker      against 1 / (1/R + 1/E)
  two lcores, ingest and worker         against the smaller of R and E

The port replays frames as fast as they are polled (perf/port_replay.h). Rates are by the CPU time
of the lcore, of the busier one of two, over whole intervals; by wall time beside it. Rows with "feed": "port"
are added to bench.json.

usage: perf/port.py BUILD [JOB...]
"""
import json
import os
import subprocess
import sys
import tempfile

FRAMES = {"top-talkers": "packets"}
ROW_NAME = {"top-talkers": "talkers"}
JOBS = ["grep", "wordcount", "topk", "top-talkers"]
SECONDS = 7
REPETITIONS = 3
APPLIANCE = """ports: {{ net0: {{ device: "{device}", mode: mirror, rxd: 1024 }} }}
lcores: {lcores}
memory: {{ blocks: {blocks}, state: 128MB }}
idle: {idle}
instance: bench-port
"""
LCORES = {1: ("{ all: 0 }", "busy"), 2: ("{ control: 0, ingest: [0], workers: [1] }", "adaptive")}


class Bench:
    def __init__(self, build, folder):
        self.build, self.folder = build, folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def appliance(self, lcores, device="net_null0", blocks="512MB"):
        roles, idle = LCORES[lcores]
        with open(self.path("appliance.yaml"), "w", encoding="utf-8") as f:
            f.write(APPLIANCE.format(device=device, lcores=roles, idle=idle, blocks=blocks))

    def port(self, job, *args):
        """Runs perf/port; returns what it says."""
        command = [f"{self.build}/perf/port", "--config", self.path("appliance.yaml"),
                   "--job", job, "--out", self.path("out"), "--stats", self.path("stats"), *args]
        with open(self.path("log"), "w", encoding="utf-8") as log:
            code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=log).returncode
        if code:
            with open(self.path("log"), encoding="utf-8") as f:
                sys.exit(f"perf/port.py: {' '.join(command)}: exit {code}\n{f.read()}")
        with open(self.path("out"), encoding="utf-8") as f:
            return json.load(f)

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
        """Records/s by CPU time of the busier lcore, and by wall time."""
        self.appliance(lcores)
        out = self.port(f"configs/{job}.yaml", "--frames", frames, "--seconds", str(SECONDS))
        self.check_ledgers(self.stats()[-1])
        return out["records"] / out["cpu_s"], out["records"] / out["wall_s"]


def median(values):
    return sorted(values)[len(values) // 2]


def measure(bench, job, rate_of_blocks):
    frames = FRAMES.get(job, "text")
    parts = {"R": [], "I": []}
    rates = {1: [], 2: []}
    for _ in range(REPETITIONS):
        parts["R"].append(bench.alone(job, frames, "--bare"))
        parts["I"].append(bench.alone(job, frames, "--ingest"))
        for lcores in (1, 2) if os.cpu_count() > 1 else (1,):
            rates[lcores].append(bench.job(job, frames, lcores))
    bare, ingest = median(parts["R"]), median(parts["I"])
    rows = []
    for lcores, pairs in rates.items():
        if not pairs:
            continue
        by_cpu = [p[0] for p in pairs]
        rate, e = median(by_cpu), rate_of_blocks
        limit = None if not e else 1 / (1 / bare + 1 / e) if lcores == 1 else min(bare, e)
        rows.append({"job": ROW_NAME.get(job, job), "feed": "port", "lcores": lcores,
                     "records_per_s": rate, "limit_records_per_s": limit,
                     "ratio": rate / limit if limit else None,
                     "spread": (max(by_cpu) - min(by_cpu)) / rate, "answer_agrees": None,
                     "wall_records_per_s": median([p[1] for p in pairs]),
                     "bare_records_per_s": bare, "ingest_records_per_s": ingest,
                     "blocks_records_per_s": e})
    return rows


def show(row):
    limit = row["limit_records_per_s"]
    print(f"{row['job']:<10} port   {row['lcores']:>8} {row['records_per_s'] / 1e6:12.2f}"
          f"{(limit or 0) / 1e6:13.2f}{row['ratio'] or 0:7.2f}{100 * row['spread']:7.0f}%"
          f"  ({row['wall_records_per_s'] / 1e6:.2f})  R {row['bare_records_per_s'] / 1e6:.0f}, "
          f"ingest {row['ingest_records_per_s'] / 1e6:.0f}, "
          f"E {(row['blocks_records_per_s'] or 0) / 1e6:.2f}", flush=True)


def main():
    build, *jobs = sys.argv[1:]
    path = os.path.join(build, "bench.json")
    with open(path, encoding="utf-8") as f:
        data = json.load(f)
    jobs = [j for j in JOBS if not jobs or j in jobs or ROW_NAME.get(j) in jobs]
    names = {ROW_NAME.get(j, j) for j in jobs}
    data["rows"] = [r for r in data["rows"] if r["feed"] != "port" or r["job"] not in names]
    blocks = {r["job"]: r["records_per_s"] for r in data["rows"]
              if r["feed"] == "blocks" and r["lcores"] == 1}
    with tempfile.TemporaryDirectory(prefix="millrace-bench.") as folder:
        bench = Bench(build, folder)
        for job in jobs:
            rows = measure(bench, job, blocks.get(ROW_NAME.get(job, job)))
            for row in rows:
                show(row)
            data["rows"] += rows
    with open(path, "w", encoding="utf-8") as f:
        json.dump(data, f, indent=1)


if __name__ == "__main__":
    main()
