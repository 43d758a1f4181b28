#!/usr/bin/env python3
"""Measures `halcyon guard`: thaw latency, what the proxy adds, and what guard itself uses while its server is frozen.

    bench/guard.py build/release/halcyon [--cycles 1000] [--idle 60]

The guarded server is `halcyon serve` with the embedded model, and at last one of the tests that spins on every core. Direct and
proxied requests take turns; medians and percentiles are printed.
"""
import argparse
import http.client
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time


SERVER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "e2e" / "guarded_server.py"


class Guard:
    def __init__(self, program, *options, command=None):
        self.log = tempfile.NamedTemporaryFile("w+")
        command = command or [program, "serve", "--port", "{port}", "--threads", "1"]
        self.process = subprocess.Popen([program, "guard", "--listen", "127.0.0.1:0", *options, "--", *command],
                                        stderr=self.log, stdout=self.log)
        while not (found := re.search(r"listening on http://127\.0\.0\.1:(\d+); /guard", pathlib.Path(self.log.name).read_text())):
            if self.process.poll() is not None:
                raise SystemExit(pathlib.Path(self.log.name).read_text())
            time.sleep(0.01)
        self.port = int(found.group(1))
        self.upstream = self.wait_for("idle", "frozen")["port"]

    def status(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", "/guard/status")
        status = json.loads(connection.getresponse().read())
        connection.close()
        return status

    def wait_for(self, *states):
        while (status := self.status())["state"] not in states:
            time.sleep(0.001)
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Connection:
    """Sends a request's bytes and takes the time to the first byte of the answer, and to its last."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path):
        begin = time.perf_counter()
        self.socket.sendall(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path)
        data = self.socket.recv(65536)
        first = time.perf_counter() - begin
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"Content-Length: (\d+)", head).group(1))
        while len(body) < length:
            body += self.socket.recv(65536)
        return first, time.perf_counter() - begin


def stream(port, tokens):
    """Seconds from event to event of one streamed answer, and the answer's own seconds of computing."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/completion", json.dumps({
        "prompt": "Once upon a time", "n_predict": tokens, "stream": True, "ignore_eos": True, "cache_prompt": False, "temperature": 0}))
    answer = connection.getresponse()
    times = [time.perf_counter() for line in answer if line.startswith(b"data")]
    connection.close()
    return times[-1] - times[0], len(times) - 1


def cpu_ms(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(n) for n in pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[:1]) / 1e6 if fields else 0


def wakeups(pid):
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M).group(1))


def percentiles(values, scale=1e3):
    ordered = sorted(values)
    at = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))] * scale
    return f"median {at(0.5):.3f}, p90 {at(0.9):.3f}, p99 {at(0.99):.3f}, most {ordered[-1] * scale:.3f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--cycles", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--idle", type=int, default=60, help="seconds")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.2f}")

    with Guard(options.program, "--freeze-after", "never") as guard:
        direct, proxied = Connection(guard.upstream), Connection(guard.port)
        # Direct requests have a connection each, too: so much of the difference is the server's.
        times = {"direct": [], "new": [], "proxied": []}
        for _ in range(options.requests):
            times["direct"].append(direct.get(b"/health")[1])
            begin = time.perf_counter()
            fresh = Connection(guard.upstream)
            fresh.get(b"/health")
            times["new"].append(time.perf_counter() - begin)
            fresh.socket.close()
            times["proxied"].append(proxied.get(b"/health")[1])
        for name, text in (("direct", "direct, kept alive"), ("new", "direct, a connection each"), ("proxied", "through the guard")):
            print(f"{text:26} ms: {percentiles(times[name])}")
        added = statistics.median(times["proxied"]) - statistics.median(times["direct"])
        print(f"added per request: {added * 1e3:.3f} ms")
        rounds = []
        for _ in range(7):
            pair = [stream(port, 1000) for port in (guard.upstream, guard.port)]
            rounds.append(tuple(seconds / events * 1e6 for seconds, events in pair))
        added = [proxied - direct for direct, proxied in rounds]
        print(f"added per event: median {statistics.median(added):.1f} us of 7 rounds ({min(added):.1f} to {max(added):.1f}); "
              f"an event takes {statistics.median(direct for direct, _ in rounds):.0f} us")
        before = cpu_ms(guard.process.pid)
        _, events = stream(guard.port, 2000)
        print(f"guard's CPU per event: {(cpu_ms(guard.process.pid) - before) / events * 1e3:.1f} us")

    with Guard(options.program, "--freeze-after", "1ms", "--verify", "never") as guard:
        first = []
        for _ in range(options.cycles):
            guard.wait_for("frozen")
            first.append(Connection(guard.port).get(b"/props")[0])
        thaws = guard.status()["thaws"]
        print(f"thaw to first byte, ms, {thaws['count']} cycles, seen by the client: {percentiles(first)}")
        print(f"the same by guard's own clock: mean {thaws['mean_ms']:.3f}, longest {thaws['longest_ms']:.3f}")

    spinner = [sys.executable, str(SERVER), "--port", "{port}", "--spin", str(os.cpu_count())]
    with Guard(options.program, "--freeze-after", "never", command=spinner) as guard:
        direct = []
        for _ in range(options.cycles):
            time.sleep(0.003)
            direct.append(Connection(guard.upstream).get(b"/pid")[0])
        print(f"a server that spins on every core, asked directly, ms: {percentiles(direct)}")
    with Guard(options.program, "--freeze-after", "1ms", "--verify", "never", command=spinner) as guard:
        first = []
        for _ in range(options.cycles):
            guard.wait_for("frozen")
            first.append(Connection(guard.port).get(b"/pid")[0])
        print(f"the same, thawed for each request, ms: {percentiles(first)}")

    with Guard(options.program, "--freeze-after", "1s", "--verify", "5s") as guard:
        guard.wait_for("frozen")
        time.sleep(1)
        pid = guard.process.pid
        cpu, switches = cpu_ms(pid), wakeups(pid)
        time.sleep(options.idle)
        print(f"guard while frozen, {options.idle} s: {cpu_ms(pid) - cpu:.2f} ms of CPU "
              f"({(cpu_ms(pid) - cpu) / options.idle / 10:.4f} %), {wakeups(pid) - switches} wake-ups")


if __name__ == "__main__":
    sys.exit(main())
