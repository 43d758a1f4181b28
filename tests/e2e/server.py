"""A running `halcyon serve` for tests, and a small HTTP client."""
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import threading

from cli import HALCYON


class Server:
    """Starts `halcyon serve` on a free port and waits until it listens."""

    def __init__(self, *options, env=None):
        self.process = subprocess.Popen([HALCYON, "serve", "--port", "0", *options], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, **(env or {})})
        self.log = []
        for line in self.process.stderr:
            self.log.append(line)
            if found := re.search(r"listening on https?://[^:]+:(\d+)", line):
                self.port = int(found.group(1))
                break
        else:
            raise AssertionError("the server did not start: " + "".join(self.log))
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, timeout=60):
        """SIGTERM; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.reader.join(timeout)
        self.process.stderr.close()
        return status

    def connect(self, timeout=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None, timeout=60):
        """(status, headers, body as text)."""
        connection = self.connect(timeout)
        data = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, response.headers, text

    def get(self, path, **options):
        status, _, text = self.request("GET", path, **options)
        return status, json.loads(text) if text[:1] in "[{" else text

    def post(self, path, body, **options):
        status, _, text = self.request("POST", path, body, **options)
        return status, json.loads(text)

    def stream(self, path, body, timeout=60):
        """The JSON objects of a streamed answer, as they come."""
        connection = self.connect(timeout)
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert response.status == 200, response.read()
        for line in response:
            text = line.decode().strip().removeprefix("data: ")
            if text and text != "[DONE]":
                yield json.loads(text)
        connection.close()

    def threads(self):
        return list(pathlib.Path(f"/proc/{self.process.pid}/task").iterdir())

    def cpu_ns(self):
        """CPU time of all threads, from the scheduler's own accounting."""
        return sum(int((task / "schedstat").read_text().split()[0]) for task in self.threads())

    def switches(self):
        """How often a thread went to sleep or was made to stop."""
        return sum(int(count) for task in self.threads()
                   for count in re.findall(r"ctxt_switches:\s+(\d+)", (task / "status").read_text()))

    def resident(self):
        """Bytes."""
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())[1]) * 1024
