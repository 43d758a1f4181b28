"""A running `halcyon guard` in front of guarded_server.py."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from cli import HALCYON

SERVER = pathlib.Path(__file__).resolve().parent / "guarded_server.py"


def guarded(*options):
    return [sys.executable, "-B", str(SERVER), "--port", "{port}", *options]


class Guard:
    def __init__(self, *options, command=None, server=()):
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log")
        words = [HALCYON, "guard", "--listen", "127.0.0.1:0", *options]
        if "--config" not in options:
            words += ["--", *(command or guarded(*server))]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.port = int(self.wait_for_line(r"listening on http://127\.0\.0\.1:(\d+)").group(1))

    def text(self):
        return pathlib.Path(self.log.name).read_text()

    def wait_for_line(self, pattern, timeout=60):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.text()):
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise AssertionError(f"no line like {pattern!r} in:\n{self.text()}")

    def connect(self, timeout=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=None, headers={}, timeout=60):
        connection = self.connect(timeout)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def raw(self, data, timeout=60):
        """All that comes back until the guard closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as client:
            client.sendall(data)
            return b"".join(iter(lambda: client.recv(65536), b""))

    def get(self, path, **more):
        status, _, body = self.request("GET", path, **more)
        return status, json.loads(body)

    def status(self):
        return self.get("/guard/status")[1]

    def wait_for_state(self, *states, timeout=60):
        deadline = time.monotonic() + timeout
        while (status := self.status())["state"] not in states:
            if time.monotonic() > deadline:
                raise AssertionError(f"it is {status['state']} and not {states}:\n{self.text()}")
            time.sleep(0.01)
        return status

    def server_pid(self):
        return self.status()["pid"]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.returncode not in (0, -signal.SIGKILL):
            print(f"halcyon guard ended with {self.process.returncode}:\n{self.text()}", file=sys.stderr)
        self.log.close()


def runs(pid):
    """Whether there is such a process that is no zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def tree(pid):
    """The process and its descendants."""
    pids = [pid]
    for parent in pids:
        for task in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
            pids += [int(child) for child in task.read_text().split()]
    return pids


def cpu_ticks(pids):
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total


def voluntary_switches(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.MULTILINE).group(1))
