#!/usr/bin/env python3
"""The four stock jobs, end to end over a virtual port, at random layouts, datagram sizes, rates and
SIMD levels. Each run is recorded; its output must be, byte for byte, what the sequential reference
(tests/tools/reference_of.c) computes from the records and intervals that were kept."""
import os
import random
import re
import subprocess
import time

from e2e import (MILLRACE, TOP, Net, Failed, appliance, equal, has_hugepages, main, test, true, write)

LAYOUTS = ["{ all: 0 }", "{ control: 0, ingest: [0], workers: [1] }",
           "{ control: 0, ingest: [1], workers: [1] }",
           "{ control: 0, ingest: [1], workers: [2, 3] }"]
REFERENCE = os.path.join(os.path.dirname(MILLRACE), "tools", "reference_of")
SEED = int(os.environ.get("SEED", "1"))


def stock_job(name, interval):
    """A job of configs/, with JSON lines instead of tables and shorter intervals."""
    text = open(os.path.join(TOP, "configs", name + ".yaml"), encoding="utf-8").read()
    text = text.replace("format: table", "format: jsonl")
    text = text.replace("interval: 1s", f"interval: {interval}")
    return write(name + ".yaml", text.replace('"30s", "1s"', f'"{4 * int(interval[:-2])}ms"'))


def text_of(rng):
    words = ["the", "of", "thesis", "a", "\xe9t\xe9", "x" * 40, "zz", "other"]
    lines = (" ".join(rng.choice(words) for _ in range(rng.randrange(12))) for _ in range(4000))
    return write("text", "\n".join(lines) + "\n")


def run_live(rng, net, name):
    interval = rng.choice(["100ms", "200ms", "250ms"])
    job, text = stock_job(name, interval), text_of(rng)
    port = '  net0: { device: "net_af_packet0,iface=port0", mode: host, address: 10.99.0.2 }\n'
    config = appliance(rng.choice(LAYOUTS), ports=port)
    args = ["run", job, "--config", config, "--for", "2s", "--record", "record"]
    args += [] if has_hugepages(256) else ["--no-huge"]
    args += ["--simd", rng.choice(["scalar", "avx2"])]
    args += ["--burst", str(rng.choice([1, 3, 32, 64])), "--block-rows", str(rng.choice([7, 300, 9999]))]
    send = [MILLRACE, "send", "--to", "10.99.0.2:9000", "--rate", rng.choice(["2k", "40k", "200k"]),
            "--size", str(rng.choice([300, 1400, 8900])), "--loop", text]
    with open("out", "wb") as out, open("err", "wb") as err:
        run = subprocess.Popen(net.inside(MILLRACE, *args), stdout=out, stderr=err)
        sender = subprocess.Popen(net.inside(*send), stderr=subprocess.DEVNULL)
        try:
            code = run.wait(timeout=60)
        finally:
            sender.terminate()
            sender.wait()
            run.kill()
    if code:
        raise Failed(open("err", encoding="utf-8", errors="replace").read())
    want = subprocess.run([REFERENCE, job, "record"], capture_output=True, check=True).stdout
    equal(open("out", "rb").read(), want, f"{name}, interval {interval}, {' '.join(args[6:])}")
    true(re.search(rb'"value": [^0]', want), f"{name}: nothing came")


@test
def live_jobs_agree_with_the_reference():
    rng = random.Random(SEED)
    net = Net()
    for i, name in enumerate(["wordcount", "grep", "topk", "top-talkers"] * 2):
        os.mkdir(str(i))
        os.chdir(str(i))
        run_live(rng, net, name)
        os.chdir("..")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
