#!/usr/bin/env python3
"""What does not work is said in a sentence with its remedy: exit 78 for a job or appliance file, 69
for what the machine lacks, 64 for wrong usage. Nothing is started then, and nothing ever crashes."""
import os
import re
import subprocess
import sys
import time

import frames as f
from e2e import (MILLRACE, NS, PAIR, Live, Net, Result, appliance, command, equal, folder, main, run,
                 run_args, test, true, within, write)

JOB = """
job: fine
interval: 1s
sources:
  lines: { type: udp, port: net0, listen: 9000 }
program: |
  lines.output(rows)
sinks:
  rows: { type: file, path: rows, format: jsonl }
"""


def refused(args, code, *sentences, prefix=()):
    """Runs millrace ARGS; it must end with `code`, say all sentences and leave nothing."""
    p = subprocess.run([*prefix, MILLRACE, *args], capture_output=True, timeout=60,
                       stdin=subprocess.DEVNULL, check=False)
    err = p.stderr.decode(errors="replace")
    what = f"millrace {' '.join(args)}"
    true(p.returncode == code, f"{what}: exit {p.returncode}, not {code}\n{err}")
    for sentence in sentences:
        true(re.search(sentence, err), f"{what}: no '{sentence}' in\n{err}")
    true("PANIC" not in err and "Sanitizer" not in err, err)
    equal(p.stdout, b"", f"standard output of {what}")
    return err


def run_refused(job, options, code, *sentences, config=None, prefix=(), huge=None):
    args, _ = run_args(job, *options, config=config, huge=huge)
    err = refused(args, code, *sentences, prefix=prefix)
    if code == 69:
        lines = [line for line in err.splitlines() if line.startswith("millrace: ")]
        true(lines, f"no sentence of ours in\n{err}")
    return err


@test
def all_errors_of_a_job_at_once():
    """check and run say the same, with places, and nothing is started."""
    bad = write("bad.yaml", """job: bad
interval: 1s
sources:
  wire: { type: packets, prot: net0, filter: "ip or" }
  lines: { type: udp, port: net0, listen: 9000 }
program: |
  bytes = wire.map(p => (p.src_ipp, p.wire_len))
  lines.map(r => (r.line, 1)).reduceByKey((a, b) => a + c).output(rows)
  lines.join(lines).output(rows)
  words = lines.flatMap(r => r.line)
sinks:
  rows: { type: file, path: rows }
extra: 1
""")
    places = [r"bad\.yaml:4:26: error: unknown key 'prot'", r"did you mean 'port'",
              r"bad\.yaml:4:\d+: error: .*filter", r"bad\.yaml:7:\d+: error: .*'src_ipp'",
              r"did you mean 'src_ip'", r"bad\.yaml:8:\d+: error: .*'c'",
              r"bad\.yaml:9:\d+: error: .*'join'.* not built", r"bad\.yaml:10:\d+: error: ",
              r"bad\.yaml:13:\d+: error: .*'extra'",
              r"errors\. Not started\."]
    said = refused(["check", bad], 78, *places)
    again = refused(["run", bad, "--config", appliance()], 78, *places)
    equal(again.count("error:"), said.count("error:"), "errors of run and check")
    true(not os.path.exists("rows"), "a folder was made")
    good = write("good.yaml", JOB)
    equal(command("check", good).err.count("error"), 0, "errors of a good job")
    equal(command("check", good, bad, code=78).err.count("error:"), said.count("error:"), "errors")
    refused(["check", "missing.yaml"], 78, "missing.yaml")
    refused(["check", os.getcwd()], 78, "error")
    write("binary.yaml", os.urandom(5000))
    refused(["check", "binary.yaml"], 78, "error")
    write("empty.yaml", "")
    refused(["check", "empty.yaml"], 78, "error")


@test
def errors_of_an_appliance():
    job = write("job.yaml", JOB)
    base = "lcores: { control: 0, ingest: [0], workers: [1] }\n"
    for text, sentence in (
            ("ports: { net0: { device: net_null0, speed: 9 } }\n" + base, "unknown key 'speed'"),
            ("ports: { net0: { device: net_null0, mode: host } }\n" + base, "address"),
            ("ports: { net1: { device: net_null0 } }\n" + base, "net0"),
            ("lcores: { control: 0, ingest: [0] }\n", "worker"),
            ("memory: { blocks: 4 }\n" + base, "unit"),
            ("instance: ${E2E_NO_SUCH_VARIABLE}\n" + base, "E2E_NO_SUCH_VARIABLE"),
            ("cluster: x\n" + base, "cluster"), ("lcores: [", "error")):
        config = write("bad.yaml", text)
        refused(["run", job, "--config", config], 78, sentence, "Not started")
    refused(["run", job, "--config", "missing.yaml"], 78, "missing.yaml")


@test
def wrong_usage():
    job = write("job.yaml", JOB)
    for args in (["run"], ["run", job, "--bogus"], ["run", job, "--input", "x"], ["nonsense"],
                 ["run", job, "--for", "10"], ["run", job, "--rate", "fast"], ["run", job, "--pace"],
                 ["run", job, "--pcap", "a", "--input", "lines=b"], ["run", job, "--simd", "mmx"]):
        refused(args, 64)


@test
def missing_resources():
    """Devices, interfaces, files, folders."""
    write("lines", b"a\nb\n")
    write("file", b"")
    devices = (("net_nosuch0", "net_nosuch0"), ("net_af_packet0,iface=nosuch0", "nosuch0"),
               ("net_af_packet0", "iface"), ("0000:ff:1f.7", "0000:ff:1f.7"),
               ("net_pcap0,rx_pcap=missing.pcap", "missing.pcap"))
    for device, sentence in devices:
        config = appliance(ports=f"  net0: {{ device: \"{device}\" }}\n")
        run_refused(JOB, [], 69, r"millrace: .*" + sentence, config=config)
    for options, sentence in ((["--input", "lines=missing"], "missing"),
                              (["--input", f"lines={os.getcwd()}"], "directory"),
                              (["--input", "other=lines"], "other"),
                              (["--pcap", "net7=lines"], "net7"), (["--replay", "missing"], "missing"),
                              (["--input", "lines=lines", "--record", "file/x"], "file/x"),
                              (["--input", "lines=lines", "--stats", "file/x"], "file/x"),
                              (["--input", "lines=lines", "--", "--bogus-of-eal"], "EAL")):
        run_refused(JOB, options, 69, r"millrace: .*" + sentence)
    run_refused(JOB.replace("port: net0, ", ""), ["--pcap", "lines"], 69, r"millrace: .*add port: NAME")
    for path in ("file/rows", "/proc/rows"):
        run_refused(JOB.replace("path: rows", f"path: {path}"), ["--input", "lines=lines"], 69,
                    rf"millrace: .*{path}")
    run_refused([JOB, JOB.replace("job: fine", "job: other")], ["--input", "lines=lines"], 69,
                r"millrace: .*path of its own")


@test
def too_little_memory():
    write("lines", b"a\n")
    much = appliance(blocks="900GB")
    for huge in (True, False):
        run_refused(JOB, ["--input", "lines=lines"], 69, r"memory\.blocks", config=much, huge=huge)
    little = appliance(state="1MB")
    job = JOB.replace("lines.output", "lines.map(r => (r.line, 1)).reduceByKeyAndWindow((a, b) => "
                      "a + b, \"30s\").output")
    run_refused(job, ["--input", "lines=lines"], 78, r"memory\.state of 1 MB is too little",
                config=little)
    hidden = ["unshare", "-m", "sh", "-c",
              "mount -t tmpfs none /sys/kernel/mm/hugepages && exec \"$0\" \"$@\""]
    run_refused(JOB, ["--input", "lines=lines"], 69, "no hugepages", r"--no-huge", prefix=hidden,
                huge=True)
    args, _ = run_args(JOB, "--input", "lines=lines", "--no-huge", huge=True)
    p = subprocess.run([*hidden, MILLRACE, *args], capture_output=True, timeout=60, check=False)
    equal(p.returncode, 0, f"exit without hugepages: {p.stderr.decode(errors='replace')}")


@test
def a_second_instance():
    """The same name twice, two sinks in one folder, and the way on: another name."""
    ports = "  net0: { device: \"net_null0\" }\n"
    config = appliance(ports=ports)
    with Live(None, JOB, config=config) as live:
        live.running()
        run_refused(JOB, [], 69, rf"already running \(pid {live.process.pid}\)", "instance:",
                    config=config)
        run_refused(JOB, [], 69, "path of its own", config=appliance(ports=ports))
        other = run(JOB.replace("path: rows", "path: other"), "--for", "1s",
                    config=appliance(ports=ports))
        equal(other.job()["intervals"], 1)
        live.stop()
    with Live(None, JOB, config=config) as live:  # the name is free again, also after a kill -9
        live.running()
        live.kill()
    run(JOB, "--for", "1s", config=config)


@test
def a_busy_port():
    with Net() as net:
        ports = f"  net0: {{ device: \"net_memif0,role=server,socket={os.getcwd()}/memif\" }}\n"
        with Live(net, JOB, config=appliance(ports=ports)) as live:
            live.running()
            run_refused(JOB.replace("path: rows", "path: other"), [], 69, r"millrace: .*in use",
                        config=appliance(ports=ports), prefix=net.inside())
            live.stop()


# ---- what goes wrong later ------------------------------------------------------------------------


class Tiny:
    """A file system of 256 kB at ./disk."""

    def __enter__(self):
        os.mkdir("disk")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", "disk"], check=True)

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", "disk"], check=False)


@test
def a_full_disk():
    """Rows that could not be written are counted and said; what is there is whole."""
    write("lines", b"".join(b"%060d\n" % i for i in range(20000)))
    job = JOB.replace("path: rows", "path: disk/rows")
    with Tiny():
        args, stats = run_args(job, "--input", "lines=lines", "--rate", "1000")
        r = command(*args, code=69)
        result = Result(r.code, r.out, r.err, stats)
        true(re.search(r"^millrace: .*disk/rows.*No space left", r.err, re.M), r.err)
        lost = result.job()["lost_outputs"]
        within(lost, 1, 20, "lost outputs")
        files = folder("disk/rows/lines")
        equal(len(files), 20 - lost, f"files: {sorted(files)}")
        for name, text in files.items():
            equal(text.count(b"\n"), 1000, f"lines of {name}")
        true("offered" in r.err, f"no summary: {r.err}")
    os.rmdir("disk")
    with Tiny():
        args, _ = run_args(JOB, "--input", "lines=lines", "--record", "disk/kept")
        err = command(*args, code=69).err
        true(re.search(r"^millrace: .*record.*No space left", err, re.M), err)


@test
def full_outputs():
    """Standard output and stats that take nothing, or that nobody reads any more."""
    write("lines", b"".join(b"%d\n" % i for i in range(50000)))
    job = JOB.replace("{ type: file, path: rows, format: jsonl }", "{ type: console, format: jsonl }")
    args, _ = run_args(job, "--input", "lines=lines", "--rate", "10000")
    with open("/dev/full", "wb") as full:
        p = subprocess.run([MILLRACE, *args], stdout=full, stderr=subprocess.PIPE, timeout=60,
                           check=False)
    true(p.returncode == 69 and b"No space left" in p.stderr, f"exit {p.returncode}: {p.stderr}")
    p = subprocess.Popen([MILLRACE, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.read(1000)
    p.stdout.close()
    err = p.stderr.read()
    code = p.wait(60)
    true(code in (0, 69) and b"offered" in err, f"exit {code}: {err}")
    args = [a for a in args if not a.startswith("/dev/null")]
    args[args.index("--stats") + 1] = "/dev/full"
    r = command(*args, code=69)
    true("No space left" in r.err, r.err)


@test
def an_input_that_fails():
    """A file that is taken away, and a pipe whose writer dies, end the run as files do."""
    script = "head -c 100000 /dev/zero | tr '\\0' 'x' | fold -w 50; kill -9 $$"
    p = subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    r = run(JOB, "--input", "lines=-", stdin=p.stdout)
    p.wait()
    equal(r.job()["records"]["processed"], 2000)
    capture = f.pcap([(i * NS // 1000, f.udp_frame(b"x\n", "10.0.0.1", "10.0.0.2", 1, 9000), None)
                      for i in range(1000)])
    write("in.pcap", capture)
    with open("in.pcap", "rb") as pipe:
        r = run(JOB, "--pcap", "-", stdin=pipe)
    equal(r.job()["records"]["processed"], 1000)


@test
def no_machine_code():
    """A system that forbids memory to be written and executed: which rows of a regular expression
    fail would differ there, so it is refused."""
    job = write("job.yaml", """
job: j
interval: 1s
sources:
  lines: { type: udp, format: text }
program: |
  lines.filter(l => matches(l.line, "^a+b$")).output(out)
sinks:
  out: { type: console, format: jsonl }
""")
    deny = "import ctypes, os, sys\n" \
           "if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0): sys.exit(77)\n" \
           "os.execv(sys.argv[1], sys.argv[1:])"
    p = subprocess.run([sys.executable, "-c", deny, MILLRACE, "check", job], capture_output=True, text=True,
                       check=False)
    if p.returncode == 77:  # Linux before 6.3 has no such switch
        return
    equal(p.returncode, 78, f"exit code; {p.stderr}")
    true("does not let programs make machine code" in p.stderr, p.stderr)
    command("check", job)


if __name__ == "__main__":
    main()
