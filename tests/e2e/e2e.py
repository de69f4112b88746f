"""What the end-to-end tests share: running Millrace, network namespaces, and rows as text.

A test is a function under @test; it runs in an empty folder of its own, which goes away. What it
expects is computed here and in the tests by plain Python, never taken from an earlier run.
main() runs them one after the other (or those named as arguments) and prints the counts.

Nothing is left behind: processes, namespaces and folders are taken down whatever happens.
"""
import contextlib
import ctypes
import ipaddress
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MILLRACE = os.path.join(TOP, os.environ.get("BUILD", "build"), "millrace")
NS = 1_000_000_000
_tests = []
_instances = itertools.count()
_cleanups = contextlib.ExitStack()


class Failed(Exception):
    pass


def test(fn):
    _tests.append(fn)
    return fn


def skip(why):
    print(why)
    sys.exit(77)


def main():
    """Runs the tests of the file; the last line is "N passed, M failed"."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if os.geteuid() != 0:
        skip("only root may run the appliance")
    wanted = [t for t in _tests if not sys.argv[1:] or t.__name__ in sys.argv[1:]]
    failed = 0
    with _cleanups:
        for t in wanted:
            start = time.monotonic()
            folder = tempfile.mkdtemp(prefix="millrace-e2e.")
            os.chdir(folder)
            try:
                t()
                verdict = "passed"
            except Exception:  # a failed test, whatever it is, leaves the others alone
                traceback.print_exc(file=sys.stdout)
                verdict, failed = "FAILED", failed + 1
            finally:
                os.chdir("/")
                shutil.rmtree(folder, ignore_errors=True)
            print(f"{t.__name__:<32} {verdict} {time.monotonic() - start:6.1f} s", flush=True)
    print(f"{len(wanted) - failed} passed, {failed} failed")
    sys.exit(failed != 0)


# ---- comparing ------------------------------------------------------------------------------------


def equal(got, want, what="value"):
    """Fails with the first difference of two values, or of two texts line by line."""
    if got == want:
        return
    if isinstance(got, bytes) and isinstance(want, bytes):
        a, b = got.split(b"\n"), want.split(b"\n")
        at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        raise Failed(f"{what}: line {at + 1} differs\n  got  {a[at:at + 1]}\n  want {b[at:at + 1]}\n"
                     f"  ({len(a) - 1} lines, {len(b) - 1} wanted)")
    raise Failed(f"{what}\n  got  {got!r}\n  want {want!r}")


def true(condition, what):
    if not condition:
        raise Failed(what)


def within(value, low, high, what):
    true(low <= value <= high, f"{what}: {value} is not from {low} to {high}")


# ---- rows as text ---------------------------------------------------------------------------------
#
# Strings are bytes here, as they are in Millrace; times are Time(ns), addresses those of ipaddress.

NO_KEY = object()


class Time(int):
    pass


def time_text(ns, digits=None):
    seconds, rest = divmod(ns, NS)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    frac = f"{rest:09d}"
    if digits is None:
        frac = frac.rstrip("0")
    else:
        frac = frac[:digits]
    return text + ("." + frac if frac else "") + "Z"


def digits_of(interval_ns):
    return len(f"{interval_ns % NS:09d}".rstrip("0"))


def ip_text(ip):
    mapped = getattr(ip, "ipv4_mapped", None)
    return str(mapped or ip)


def plain(v):
    """A value as json.dumps takes it."""
    if isinstance(v, bytes):
        return v.decode("utf-8", "surrogateescape")
    if isinstance(v, Time):
        return time_text(v)
    if isinstance(v, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
        return ip_text(v)
    if isinstance(v, float) and (v != v or v in (float("inf"), float("-inf"))):
        return "NaN" if v != v else "Infinity" if v > 0 else "-Infinity"
    if isinstance(v, (tuple, list)):
        return [plain(x) for x in v]
    return v


def json_text(v):
    return json.dumps(plain(v), ensure_ascii=False).encode("utf-8", "backslashreplace")


class Stream:
    """One output of a job, as it is to come out: rows by interval."""

    def __init__(self, name, interval_ns=NS):
        self.name, self.interval_ns, self.intervals = name, interval_ns, {}

    def put(self, interval, rows, complete=True):
        """rows: (key, value) or (NO_KEY, value), in their order."""
        self.intervals[interval] = (list(rows), complete)

    def pairs(self, interval, pairs, complete=True):
        """A dict or pairs; they leave in the order of the keys."""
        items = pairs.items() if isinstance(pairs, dict) else pairs
        self.put(interval, sorted(items, key=lambda kv: order(kv[0])), complete)

    def values(self, interval, values, complete=True):
        self.put(interval, [(NO_KEY, v) for v in values], complete)

    def end(self, interval):
        return time_text((interval + 1) * self.interval_ns, digits_of(self.interval_ns))

    def jsonl(self, interval):
        rows, complete = self.intervals[interval]
        head = f'{{"interval": {interval}, "end": "{self.end(interval)}", "stream": '.encode()
        head += json_text(self.name.encode())
        tail = b"}\n" if complete else b', "complete": false}\n'
        return b"".join(head + (b"" if k is NO_KEY else b', "key": ' + json_text(k)) +
                        b', "value": ' + json_text(v) + tail for k, v in rows)

    def csv(self, interval):
        rows, complete = self.intervals[interval]
        out = []
        for k, v in rows:
            cells = [str(interval).encode(), self.end(interval).encode(), self.name.encode()]
            cells += ([] if k is NO_KEY else csv_cells(k)) + csv_cells(v)
            out.append(b",".join(cells + [b"true" if complete else b"false"]) + b"\r\n")
        return b"".join(out)

    def files(self, suffix="jsonl", roll=1, header=b""):
        """{name: bytes} of a file sink; roll in intervals."""
        files = {}
        for _, group in itertools.groupby(sorted(self.intervals), key=lambda n: n // roll):
            group = list(group)
            body = b"".join(self.jsonl(n) if suffix == "jsonl" else self.csv(n) for n in group)
            files[f"{group[0]}.{suffix}"] = header + body
        return files


def order(key):
    """Canonical order of keys: strings bytewise, numbers and addresses by value."""
    if isinstance(key, tuple):
        return tuple(order(k) for k in key)
    if isinstance(key, ipaddress.IPv4Address):
        return 0xFFFF << 32 | int(key)
    if isinstance(key, ipaddress.IPv6Address):
        return int(key)
    return key


def top(pairs, n):
    """The n best by value, ties to the smaller key."""
    items = pairs.items() if isinstance(pairs, dict) else pairs
    by_key = sorted(items, key=lambda kv: order(kv[0]))
    return sorted(by_key, key=lambda kv: order(kv[1]), reverse=True)[:n]


def csv_cells(v):
    if isinstance(v, tuple):
        return [cell for part in v for cell in csv_cells(part)]
    if isinstance(v, list):
        text = json_text(v)
    elif isinstance(v, bool):
        text = b"true" if v else b"false"
    elif isinstance(v, bytes):
        text = v.decode("utf-8", "surrogateescape").encode("utf-8", "backslashreplace")
        if text != v or b"\\udc" in v:
            text = v.replace(b"\\", b"\\\\").decode("utf-8", "surrogateescape")
            text = text.encode("utf-8", "backslashreplace")
    else:
        text = str(plain(v)).encode()
    if any(c in text for c in b',"\n\r'):
        text = b'"' + text.replace(b'"', b'""') + b'"'
    return [text]


def screen(streams, intervals):
    """What a console sink prints: by interval, in the order of the program."""
    return b"".join(s.jsonl(n) for n in intervals for s in streams if n in s.intervals)


def folder(path):
    """{file name: bytes} of the files of a sink's stream; dot-files must not be left."""
    return {name: open(os.path.join(path, name), "rb").read() for name in sorted(os.listdir(path))}


def equal_files(path, want, what=None):
    got = folder(path)
    equal(sorted(got), sorted(want), f"files in {what or path}")
    for name in want:
        equal(got[name], want[name], f"{what or path}/{name}")


# ---- running --------------------------------------------------------------------------------------


def has_hugepages(need_mb=512):
    free = size = 0
    for line in open("/proc/meminfo", encoding="ascii"):
        if line.startswith("HugePages_Free:"):
            free = int(line.split()[1])
        elif line.startswith("Hugepagesize:"):
            size = int(line.split()[1])
    return free * size // 1024 >= need_mb


def write(path, text):
    with open(path, "wb" if isinstance(text, bytes) else "w") as f:
        f.write(text)
    return os.path.abspath(path)


def remove(path):
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


ONE = "{ all: 0 }"
PAIR = "{ control: 0, ingest: [0], workers: [1] }"
TWO = "{ control: 0, ingest: [0], workers: [1, 2] }"


def appliance(lcores=PAIR, blocks="64MB", state="32MB", ports="", idle="adaptive", instance=None):
    """Writes an appliance file with an instance of its own; returns its path."""
    instance = instance or f"e2e-{os.getpid()}-{next(_instances)}"
    _cleanups.callback(shutil.rmtree, f"/var/run/dpdk/{instance}", ignore_errors=True)
    _cleanups.callback(remove, f"/run/millrace/{instance}.lock")
    text = f"lcores: {lcores}\nmemory: {{ blocks: {blocks}, state: {state} }}\n"
    text += f"idle: {idle}\ninstance: {instance}\n"
    if ports:
        text += f"ports:\n{ports}"
    return write(f"{instance}.yaml", text)


class Result:
    """A process that has ended; .stats are its stats lines, .final the last of them."""

    def __init__(self, code, out, err, stats_path=None):
        self.code, self.out, self.err = code, out, err
        self.lines, self.final = [], None
        if stats_path and os.path.exists(stats_path):
            lines = [json.loads(line) for line in open(stats_path, encoding="utf-8")]
            self.lines = [line for line in lines if not line.get("final")]
            self.final = next((line for line in lines if line.get("final")), None)

    def job(self, name=None):
        jobs = {j["job"]: j for j in self.final["jobs"]}
        return jobs[name] if name else next(iter(jobs.values()))

    def digests(self, job=None):
        return [(s["interval"], s["digest"]) for s in self.lines if job in (None, s["job"])]


def closed(ledger, what):
    dropped = sum(ledger["dropped"].values())
    equal(ledger["offered"], ledger["processed"] + dropped, f"ledger of {what} is open: {ledger}")


def check_ledgers(result):
    true(result.final, "there is no final stats line")
    for j in result.final["jobs"]:
        closed(j["packets"], f"packets of {j['job']}")
        closed(j["records"], f"records of {j['job']}")
        for kind in ("packets", "records"):
            for count in ("offered", "processed"):
                total = sum(s[kind][count] for s in result.lines if s["job"] == j["job"])
                true(total <= j[kind][count], f"the lines count more {kind} than the end does")


def command(*args, code=0, timeout=60, stdin=None, env=None):
    """Runs millrace ARGS to its end; fails unless it exits with `code` (None: any)."""
    try:
        p = subprocess.run([MILLRACE, *args], stdin=stdin or subprocess.DEVNULL,
                           capture_output=True, timeout=timeout, env=env)
    except subprocess.TimeoutExpired as e:
        raise Failed(f"millrace {' '.join(args)}: still running after {timeout} s\n"
                     f"{(e.stderr or b'').decode(errors='replace')}") from None
    if code is not None and p.returncode != code:
        raise Failed(f"millrace {' '.join(args)}: exit {p.returncode}, not {code}\n"
                     f"{p.stderr.decode(errors='replace')}")
    return Result(p.returncode, p.stdout, p.stderr.decode(errors="replace"))


def run_args(jobs, *options, config=None, huge=None):
    """The arguments of `millrace run` for job texts, and where its stats go."""
    jobs = [jobs] if isinstance(jobs, str) else jobs
    files = [write(f"job{i}.yaml", text) for i, text in enumerate(jobs)]
    stats = os.path.abspath(f"stats{next(_instances)}.jsonl")
    args = ["run", *files, "--config", config or appliance(), "--stats", stats]
    if not (has_hugepages() if huge is None else huge):
        args.append("--no-huge")
    return args + list(options), stats


def run(jobs, *options, config=None, huge=None, code=0, timeout=60, stdin=None):
    """Runs jobs over files to the end, checks that all ledgers close."""
    args, stats = run_args(jobs, *options, config=config, huge=huge)
    r = command(*args, code=code, timeout=timeout, stdin=stdin)
    result = Result(r.code, r.out, r.err, stats)
    if code == 0:
        check_ledgers(result)
    return result


# ---- live -----------------------------------------------------------------------------------------

ADDRESS = "10.99.0.2"  # of Millrace on the first pair of a Net
HOST_PORT = "  net0: {{ device: \"net_af_packet0,iface=port0{}\", mode: host, address: 10.99.0.2{} }}\n"
MIRROR_PORT = "  net0: { device: \"net_af_packet0,iface=port0\", mode: mirror }\n"


class Net:
    """A network namespace with pairs host<i> (Linux, 10.99.<i>.1) and port<i> (for DPDK)."""

    def __init__(self, pairs=1, mtu=9000):
        self.name = f"e2e-{os.getpid()}-{next(_instances)}"
        made = subprocess.run([f"{TOP}/scripts/netns", "create", self.name, str(mtu), str(pairs)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if made.returncode:
            skip(f"no network namespaces here: {made.stderr.strip()}")
        _cleanups.callback(self.close)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        subprocess.run([f"{TOP}/scripts/netns", "destroy", self.name], stdin=subprocess.DEVNULL,
                       capture_output=True, check=False)

    def ip(self, *args):
        return subprocess.run(["ip", "-n", self.name, *args], stdin=subprocess.DEVNULL, check=True,
                              capture_output=True, text=True).stdout

    def inside(self, *args):
        """A command line that runs args in the namespace, under the pid of its process."""
        return ["nsenter", f"--net=/run/netns/{self.name}", *args]

    def socket(self, *args):
        """A socket of the namespace, in this process."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/self/ns/net", "rb") as home, open(f"/run/netns/{self.name}", "rb") as there:
            true(libc.setns(there.fileno(), 0x40000000) == 0, "setns failed")
            try:
                return socket.socket(*args)
            finally:
                true(libc.setns(home.fileno(), 0x40000000) == 0, "setns back failed")

    def udp(self, port=9000, address=ADDRESS):
        s = self.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect((address, port))
        return s

    def raw(self, interface="host0"):
        """A socket that sends and receives whole frames."""
        s = self.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.bind((interface, 0))
        return s


class Live:
    """A run that goes on until it is told to end; whatever happens, it does not outlive the test."""

    def __init__(self, net, jobs, *options, config, huge=None, stdout=None):
        args, self.stats = run_args(jobs, *options, config=config, huge=huge)
        self.out_path, self.err_path = f"{self.stats}.out", f"{self.stats}.err"
        self.instance = os.path.basename(config)[:-len(".yaml")]
        line = [MILLRACE, *args]
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.process = subprocess.Popen(net.inside(*line) if net else line, stdout=stdout or out,
                                            stderr=err, stdin=subprocess.DEVNULL)
        _cleanups.callback(self.kill)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def err(self):
        return open(self.err_path, encoding="utf-8", errors="replace").read()

    def wait(self, what, condition, seconds=20):
        """Waits until condition() is true while the run goes on."""
        until = time.monotonic() + seconds
        while not condition():
            true(self.process.poll() is None, f"it ended before {what}:\n{self.err()}")
            true(time.monotonic() < until, f"{what} did not come in {seconds} s:\n{self.err()}")
            time.sleep(0.02)

    def ask(self, line):
        """The answer of DPDK's telemetry; None while there is none."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(5)
            try:
                s.connect(f"/var/run/dpdk/{self.instance}/dpdk_telemetry.v2")
                s.recv(16384)
                s.send(line.encode())
                return json.loads(s.recv(65536))[line.split(",")[0]]
            except (FileNotFoundError, ConnectionRefusedError):
                return None

    def received(self, port="net0", queue=0):
        """Packets that a queue has given to Millrace."""
        return (self.ask(f"/millrace/queues/{port}_{queue}") or {}).get("received", 0)

    def records(self, job):
        """Records that a job has read."""
        return (self.ask("/millrace/jobs") or {}).get(f"{job}_records_offered", 0)

    def settled(self):
        """Waits until nothing more comes."""
        was = -1
        while was != self.received():
            was = self.received()
            time.sleep(0.6)

    def running(self):
        self.wait("its telemetry", lambda: self.ask("/millrace/lcores"))

    def begun(self, interval_s):
        """Waits for the begin of an interval, from the first one of the run on: now all counts."""
        self.running()
        time.sleep(interval_s - time.time() % interval_s + 0.03)

    def stop(self, code=0, seconds=20):
        self.process.send_signal(signal.SIGINT)
        return self.end(code, seconds)

    def end(self, code=0, seconds=20):
        try:
            got = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"it did not end in {seconds} s:\n{self.err()}") from None
        true(got == code, f"exit {got}, not {code}:\n{self.err()}")
        result = Result(got, open(self.out_path, "rb").read(), self.err(), self.stats)
        if code == 0:
            check_ledgers(result)
        return result
