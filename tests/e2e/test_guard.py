"""halcyon guard: freezes another server while it has nothing to do. The server is guarded_server.py."""
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from cli import HALCYON, CliTestCase
from guard import Guard, cpu_ticks, guarded, runs, tree, voluntary_switches


class GuardTestCase(CliTestCase):
    def guard(self, *options, **more):
        guard = Guard(*options, **more)
        self.addCleanup(guard.stop)
        return guard

    def assert_error(self, *args):
        """It ends with status 1 and an error, which is returned."""
        done = subprocess.run([HALCYON, *args], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stderr.split("halcyon: error: ")[-1]


class Transparent(GuardTestCase):
    """The proxy changes nothing."""

    @classmethod
    def setUpClass(cls):
        cls.shared = Guard("--freeze-after", "never")
        cls.shared.wait_for_state("idle")

    @classmethod
    def tearDownClass(cls):
        cls.shared.stop()

    def exchange(self, request):
        return self.shared.raw(request.replace(b"\n", b"\r\n"))

    def test_heads_and_bodies_come_as_they_were_sent(self):
        answer = self.exchange(b"POST /echo HTTP/1.1\nHost: a\nx-ID: 7\nContent-Length: 4\nConnection: close\n\nbody")
        self.assertEqual(answer, b"HTTP/1.1 200 Fine\r\nX-Odd:  as  it is\r\nx-id: 7\r\nContent-Length: 4\r\n\r\nbody")

    def test_chunks_extensions_and_trailers(self):
        answer = self.exchange(b"GET /chunks HTTP/1.1\nHost: a\nConnection: close\n\n")
        self.assertTrue(answer.endswith(b"\r\n\r\n5;name=value\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 6\r\n\r\n"), answer)

    def test_chunked_requests(self):
        answer = self.exchange(b"POST /echo HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nConnection: close\n\n"
                               b"3;x=y\nabc\n2\nde\n0\nTrailer: 1\n\n")
        self.assertTrue(answer.endswith(b"\r\n\r\nabcde"), answer)

    def test_a_body_that_ends_with_the_connection(self):
        answer = self.exchange(b"GET /until-close HTTP/1.1\nHost: a\n\n")
        self.assertEqual(answer, b"HTTP/1.1 200 OK\r\n\r\nuntil the end")

    def test_interim_answers(self):
        answer = self.exchange(b"GET /interim HTTP/1.1\nHost: a\nConnection: close\n\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 X\r\n"), answer)

    def test_expect_100_continue(self):
        with socket.create_connection(("127.0.0.1", self.shared.port), 20) as client:
            client.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(client.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
            client.sendall(b"ok")
            self.assertIn(b"200 Fine", client.recv(1000))

    def test_other_protocols(self):
        with socket.create_connection(("127.0.0.1", self.shared.port), 20) as client:
            client.sendall(b"GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: capitals\r\n\r\nearly ")
            self.assertIn(b"101 Switching", client.recv(1000))
            got = b""
            for word in (b"one ", b"two"):
                client.sendall(word)
                while not got.endswith(word.upper()):
                    got += client.recv(100)
            self.assertEqual(got, b"EARLY ONE TWO")
            self.assertEqual(self.shared.status()["state"], "busy")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(100), b"")
        self.shared.wait_for_state("idle")

    def test_head_has_no_body_and_the_connection_goes_on(self):
        answer = self.exchange(b"HEAD /echo HTTP/1.1\nHost: a\n\nGET /pid HTTP/1.1\nHost: a\nConnection: close\n\n")
        self.assertEqual(answer.count(b"HTTP/1.1 200"), 2, answer)

    def test_pipelined_requests_are_answered_in_order(self):
        requests = b"".join(b"POST /echo HTTP/1.1\nHost: a\nx-id: %d\nContent-Length: 1\n\n%d" % (i, i) for i in range(9))
        answer = self.exchange(requests + b"GET /pid HTTP/1.1\nHost: a\nConnection: close\n\n")
        self.assertEqual([line for line in answer.split(b"\r\n") if line.startswith(b"x-id")],
                         [b"x-id: %d" % i for i in range(9)])

    def test_an_answer_before_the_body_was_sent(self):
        with socket.create_connection(("127.0.0.1", self.shared.port), 20) as client:
            client.sendall(b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 100000)
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        self.assertIn(b'{"early": true}', answer)

    def test_http_1_0(self):
        self.assertIn(b'"pid"', self.exchange(b"GET /pid HTTP/1.0\n\n"))

    def test_large_bodies_both_ways(self):
        body = os.urandom(20_000_000)
        self.assertEqual(self.shared.request("POST", "/echo", body)[2], body)

    def test_events_come_as_they_are_sent(self):
        connection = self.shared.connect()
        connection.request("GET", "/stream?n=20&every=20")
        answer = connection.getresponse()
        delays = []
        while line := answer.readline():
            if line.startswith(b"data:"):
                delays.append(time.monotonic() - float(line.split()[2]))
        self.assertEqual(len(delays), 20)
        self.assertLess(sorted(delays)[10], 0.02, "an event waits for the next one")

    def test_200_streams_at_once(self):
        def events(_):
            return self.shared.request("GET", "/stream?n=20&every=25")[2].count(b"data:")
        with concurrent.futures.ThreadPoolExecutor(200) as pool:
            self.assertEqual(set(pool.map(events, range(200))), {20})

    def test_a_connection_that_breaks_within_an_answer_breaks_for_the_client(self):
        with self.assertRaises(Exception):
            self.shared.request("GET", "/half")

    def test_a_client_that_leaves_is_seen_by_the_server(self):
        before = self.shared.get("/gone")[1]["gone"]
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", self.shared.port), 20) as client:
                client.sendall(b"GET /stream?n=1000&every=10 HTTP/1.1\r\nHost: a\r\n\r\n")
                client.recv(100)
        self.shared.wait_for_state("idle")
        deadline = time.monotonic() + 20
        while self.shared.get("/gone")[1]["gone"] < before + 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertGreaterEqual(self.shared.get("/gone")[1]["gone"], before + 5)

    def test_what_two_programs_could_read_differently_is_refused(self):
        for wrong in (b"GET / HTTP/1.1\n\n", b"noise\n\n", b"GET / HTTP/2.0\nHost: a\n\n",
                      b"POST /echo HTTP/1.1\nHost: a\nContent-Length: 1\nContent-Length: 2\n\n",
                      b"POST /echo HTTP/1.1\nHost: a\nContent-Length: 1\nTransfer-Encoding: chunked\n\n"):
            with self.subTest(wrong):
                self.assertRegex(self.exchange(wrong), rb"^HTTP/1.1 (400|505) ")

    def test_a_request_whose_chunks_are_broken_is_refused(self):
        answer = self.exchange(b"POST /echo HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\nzz\nbody\n")
        self.assertRegex(answer, rb"^HTTP/1.1 400 ")

    def test_oversized_headers_are_refused(self):
        self.assertRegex(self.exchange(b"GET / HTTP/1.1\nHost: a\nX: " + b"x" * 100_000 + b"\n\n"), rb"^HTTP/1.1 431 ")

    def test_it_tells_how_it_is(self):
        status = self.shared.status()
        self.assertEqual(set(status["seconds_in_state"]), {"starting", "busy", "idle", "frozen", "stopped", "failed"})
        self.assertIn("thaw_ms", status)
        self.assertEqual(set(status["saved"]), {"cpu_hours", "wh", "source"})
        metrics = self.shared.request("GET", "/guard/metrics")[2].decode()
        self.assertIn('halcyon_guard_state{server="server",state="frozen"} 0', metrics)
        self.assertEqual(self.shared.request("GET", "/guard/nothing")[0], 404)


class Sleeping(GuardTestCase):
    def test_without_requests_it_is_frozen_and_uses_no_cpu(self):
        guard = self.guard("--freeze-after", "1s", "--verify", "3s", server=["--spin", str(os.cpu_count())])
        guard.wait_for_state("frozen")
        pids = tree(guard.server_pid())
        self.assertEqual(len(pids), 1 + os.cpu_count())
        time.sleep(1)
        before, switches = cpu_ticks(pids), voluntary_switches(guard.process.pid)
        time.sleep(5)
        self.assertEqual(cpu_ticks(pids), before)
        self.assertLessEqual(voluntary_switches(guard.process.pid) - switches, 1)
        spin = guard.status()["spin_cpu_percent"]
        self.assertGreater(spin, 20)
        self.assertGreater(guard.status()["saved"]["cpu_hours"], 0)

    def test_the_next_request_thaws_it(self):
        guard = self.guard("--freeze-after", "300ms")
        pid = guard.get("/pid")[1]["pid"]
        for _ in range(3):
            guard.wait_for_state("frozen")
            self.assertEqual(guard.get("/pid")[1]["pid"], pid)
        self.assertGreater(guard.status()["thaw_ms"], 0)
        self.assertRegex(guard.text(), r"server: idle → frozen: no request for 0\.3 s\n.*server: frozen → busy: a request")

    def test_sigstop_where_there_are_no_control_groups(self):
        guard = self.guard("--freeze-after", "300ms", "--freezer", "signal", server=["--spin", "1"])
        self.assertEqual(guard.wait_for_state("frozen")["freezer"], "SIGSTOP")
        pids = tree(guard.server_pid())
        time.sleep(0.1)
        before = cpu_ticks(pids)
        time.sleep(1)
        self.assertEqual(cpu_ticks(pids), before)
        self.assertEqual(guard.get("/pid")[0], 200)

    def test_monitors_wake_nothing(self):
        guard = self.guard("--freeze-after", "500ms", "--stop-after", "3s")
        guard.wait_for_state("frozen")
        for path in ("/health", "/v1/models"):
            status, headers, body = guard.request("GET", path)
            self.assertEqual(status, 200)
            self.assertIn("the server sleeps", headers["X-Halcyon-Guard"])
            self.assertIn(b"ok" if path == "/health" else b"fake-7b", body)
        self.assertEqual(guard.status()["state"], "frozen")
        guard.wait_for_state("stopped")
        self.assertEqual(guard.request("GET", "/metrics")[2], b"seen_total 1\n")
        self.assertEqual(guard.status()["state"], "stopped")

    def test_wake_on_names_what_wakes_it(self):
        guard = self.guard("--freeze-after", "300ms", "--wake-on", "/metrics")
        guard.wait_for_state("frozen")
        self.assertNotIn("X-Halcyon-Guard", guard.request("GET", "/metrics")[1])
        self.assertIn("X-Halcyon-Guard", guard.request("GET", "/health")[1] if
                      guard.wait_for_state("frozen") else {})

    def test_after_long_it_is_stopped_and_the_next_request_starts_it(self):
        guard = self.guard("--freeze-after", "200ms", "--stop-after", "600ms")
        first = guard.get("/pid")[1]["pid"]
        guard.wait_for_state("stopped")
        self.assertFalse(runs(first))
        second = guard.get("/pid")[1]["pid"]
        self.assertNotEqual(first, second)
        self.assertEqual(guard.status()["restarts"], 1)

    def test_work_of_its_own_is_not_cut_off(self):
        guard = self.guard("--freeze-after", "500ms")
        guard.wait_for_state("frozen")  # its spin is known: none
        guard.get("/work?s=4")
        begin = time.monotonic()
        guard.wait_for_state("frozen")
        self.assertGreater(time.monotonic() - begin, 4)

    def test_what_freezing_does_not_cure_is_stopped(self):
        # A process that left the group before it was frozen goes on.
        escape = ("import os,sys,signal; "
                  "os.fork() or (os.setsid(), [None for _ in iter(int, 1)]); "
                  f"os.execv(sys.executable, [sys.executable, '-B', {guarded()[2]!r}, '--port', sys.argv[1]])")
        guard = self.guard("--freeze-after", "500ms", "--verify", "1s", "--freezer", "signal",
                           command=[sys.executable, "-c", escape, "{port}"])
        guard.wait_for_state("stopped")
        self.assertRegex(guard.text(), r"freezing does not help: its processes still use \d")


class Never(GuardTestCase):
    """It never strands anything."""

    def test_killed_it_takes_the_server_with_it(self):
        for frozen in (False, True):
            for freezer in ("cgroup", "signal"):
                with self.subTest(frozen=frozen, freezer=freezer):
                    guard = self.guard("--freeze-after", "100ms" if frozen else "never", "--freezer", freezer,
                                       server=["--spin", "1"])
                    guard.wait_for_state("frozen" if frozen else "idle")
                    pids = tree(guard.server_pid())
                    guard.process.kill()
                    guard.process.wait()
                    deadline = time.monotonic() + 15
                    while any(map(runs, pids)) and time.monotonic() < deadline:
                        time.sleep(0.01)
                    self.assertFalse([pid for pid in pids if runs(pid)])

    def test_a_crash_is_answered_with_502_and_the_reason(self):
        guard = self.guard()
        guard.wait_for_state("idle")
        status, body = guard.get("/crash")
        self.assertEqual(status, 502)
        self.assertIn("it ended with status 7", body["error"]["message"])
        self.assertEqual(guard.get("/pid")[0], 200)
        with self.assertRaises(Exception):
            guard.request("GET", "/crash-mid")
        self.assertEqual(guard.get("/pid")[0], 200)

    def test_many_crashes_stop_the_restarts(self):
        guard = self.guard("--max-crashes", "3")
        guard.wait_for_state("idle")
        for _ in range(3):
            self.assertEqual(guard.get("/crash")[0], 502)
        status, headers, body = guard.request("GET", "/pid")
        self.assertEqual(status, 502)
        self.assertIn(b"ended 3 times within 60 s", body)
        self.assertIn("Retry-After", headers)
        self.assertEqual(guard.status()["state"], "failed")

    def test_what_waits_when_it_ends_is_told_so(self):
        guard = self.guard(server=["--loading", "30"])
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(guard.request, "GET", "/pid") for _ in range(3)]
            while guard.status()["queued"] < 3:
                time.sleep(0.01)
            guard.process.send_signal(signal.SIGTERM)
            answers = [answer.result() for answer in waiting]
        self.assertEqual([status for status, _, _ in answers], [503] * 3)
        self.assertEqual(guard.process.wait(20), 0)

    def test_what_waits_for_a_server_that_does_not_start_is_told_why(self):
        guard = self.guard(command=["sh", "-c", "sleep 2; exit 3 # {port}"])
        status, body = guard.get("/pid")
        self.assertIn(status, (502, 503))
        self.assertIn("message", body["error"])
        self.assertEqual(guard.process.wait(20), 1)

    def test_after_a_crash_nothing_says_that_all_is_well(self):
        guard = self.guard("--max-crashes", "1")
        guard.wait_for_state("idle")
        self.assertEqual(guard.request("GET", "/health")[0], 200)
        self.assertEqual(guard.get("/crash")[0], 502)
        self.assertEqual(guard.request("GET", "/health")[0], 502)

    def test_idle_connections_make_room_for_others(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 4096:
            self.skipTest(f"at most {hard} files may be open here")
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        guard = self.guard("--freeze-after", "never")
        guard.wait_for_state("idle")
        silent = [socket.create_connection(("127.0.0.1", guard.port)) for _ in range(1030)]
        self.addCleanup(lambda: [client.close() for client in silent])
        self.assertEqual(guard.get("/pid")[0], 200)

    def test_past_the_queue_requests_are_refused(self):
        guard = self.guard("--max-queue", "2", server=["--loading", "3"])
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: guard.request("GET", "/pid"), range(8)))
        statuses = collections.Counter(status for status, _, _ in answers)
        self.assertEqual(statuses, {200: 2, 503: 6})
        self.assertTrue(all("Retry-After" in headers for status, headers, _ in answers if status == 503))

    def test_clients_that_leave_the_queue_are_forgotten(self):
        guard = self.guard(server=["--loading", "2"])
        for _ in range(5):
            client = socket.create_connection(("127.0.0.1", guard.port))
            client.sendall(b"GET /pid HTTP/1.1\r\nHost: a\r\n\r\n")
            client.close()
        time.sleep(0.3)
        self.assertEqual(guard.status()["queued"], 0)
        self.assertEqual(guard.get("/pid")[0], 200)

    def test_a_server_that_ignores_sigterm_is_killed(self):
        guard = self.guard(server=["--deaf"])
        guard.wait_for_state("idle")
        pid = guard.server_pid()
        guard.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        self.assertTrue(runs(pid))
        guard.process.send_signal(signal.SIGTERM)  # again: at once
        self.assertEqual(guard.process.wait(5), 0)
        self.assertFalse(runs(pid))

    def test_what_the_server_forked_ends_with_it(self):
        guard = self.guard(server=["--fork"])
        guard.wait_for_state("idle")
        pids = tree(guard.server_pid())
        self.assertEqual(len(pids), 2)
        guard.stop()
        self.assertFalse([pid for pid in pids if runs(pid)])

    def test_around_the_freeze_no_request_is_lost_or_answered_twice(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        seen = pathlib.Path(folder, "seen")
        guard = self.guard("--freeze-after", "4ms", "--max-crashes", "100000", "--max-queue", "64", server=["--seen", str(seen)])
        guard.wait_for_state("frozen", "idle")
        answers = collections.Counter()
        numbers, lock = iter(range(10_000)), threading.Lock()
        answered = set()

        def client(seed):
            chance = random.Random(seed)
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                # Four of these leave the server alone for 4 ms after about every fifth request.
                time.sleep(chance.choice((0, 0, 0.004, 0.02, 0.03)) * chance.uniform(0.8, 1.2))
                kind = chance.random()
                request = f"POST /echo HTTP/1.1\r\nHost: a\r\nX-Id: {number}\r\nContent-Length: 5\r\n\r\nhello".encode()
                if kind < 0.0003:
                    status = guard.request("GET", "/crash", timeout=30)[0]
                elif kind < 0.1:  # leaves at some moment
                    with socket.create_connection(("127.0.0.1", guard.port), 30) as connection:
                        connection.sendall(request[:chance.randrange(len(request))] if kind < 0.05 else request)
                    status = "left"
                else:
                    status, headers, body = guard.request("POST", "/echo", b"hello", {"X-Id": str(number)}, timeout=30)
                    if status == 200:
                        self.assertEqual((headers["x-id"], body), (str(number), b"hello"))
                        answered.add(str(number))
                    else:
                        self.assertIn("error", json.loads(body))
                answers[status] += 1

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(client, range(4)))
        self.assertLessEqual(set(answers), {200, 502, 503, "left"})
        self.assertEqual(sum(answers.values()), 10_000)
        self.assertGreater(answers[200], 7_000, answers)
        times = collections.Counter(seen.read_text().split())
        self.assertEqual([number for number in answered if times[number] != 1], [])
        self.assertEqual([number for number, n in times.items() if n > 1], [])
        status = guard.wait_for_state("frozen", "stopped")
        self.assertEqual((status["in_flight"], status["queued"]), (0, 0))
        self.assertGreater(status["thaws"]["count"], 100, "it was hardly ever frozen")


class Several(GuardTestCase):
    def guard_of(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False) as file:
            file.write(text)
        self.addCleanup(os.unlink, file.name)
        return self.guard("--config", file.name)

    def config(self, *, exclusive, memory="1K"):
        servers = ""
        for name in ("small", "large"):
            command = json.dumps(guarded("--name", name))
            servers += (f'[server.{name}]\ncommand = {command}\nmodels = ["{name}-model"]\n'
                        f'exclusive = "{exclusive}"\nmemory = "{memory}"\n')
        return '[guard]\nfreeze_after = "1s"\n' + servers

    def ask(self, guard, model):
        status, _, body = guard.request("POST", "/v1/chat/completions", json.dumps({"messages": [], "model": model}))
        return status

    def states(self, guard):
        return {server["name"]: server["state"] for server in guard.status()["servers"]}

    def test_requests_go_by_their_model(self):
        guard = self.guard_of(self.config(exclusive=""))
        self.assertEqual(self.states(guard), {"small": "stopped", "large": "stopped"})
        self.assertEqual(self.ask(guard, "large-model"), 200)
        self.assertEqual(self.states(guard)["small"], "stopped")
        self.assertEqual(self.ask(guard, "small-model"), 200)
        self.assertEqual(self.ask(guard, "no-model"), 404)
        self.assertEqual([model["id"] for model in guard.get("/v1/models")[1]["data"]], ["small-model", "large-model"])

    def test_those_of_a_group_take_turns(self):
        guard = self.guard_of(self.config(exclusive="gpu"))
        for _ in range(2):
            for name, other in (("small", "large"), ("large", "small")):
                self.assertEqual(self.ask(guard, f"{name}-model"), 200)
                states = self.states(guard)
                self.assertIn(states[name], ("busy", "idle"))
                self.assertIn(states[other], ("frozen", "stopped"))
        self.assertEqual({server["restarts"] for server in guard.status()["servers"]}, {0}, "memory holds both")

    def test_what_memory_does_not_hold_is_stopped(self):
        guard = self.guard_of(self.config(exclusive="gpu", memory="900000G"))
        self.assertEqual(self.ask(guard, "small-model"), 200)
        self.assertEqual(self.ask(guard, "large-model"), 200)
        self.assertEqual(self.states(guard)["small"], "stopped")

    def test_many_requests_for_both_are_all_answered(self):
        guard = self.guard_of(self.config(exclusive="gpu"))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            statuses = set(pool.map(lambda i: self.ask(guard, ("small-model", "large-model")[i % 2]), range(60)))
        self.assertEqual(statuses, {200})

    def test_mistakes_in_the_file_are_named_with_their_line(self):
        for text, message in (("[server.a]\nfreeze = 1\n", r"toml:2: unknown setting \"freeze\""),
                              ("[server.a]\ncommand = ['x']\n", r"write \{port\}"), ("", r"it has no \[server.NAME\]"),
                              ("[guard\n", r"toml:1: ")):
            with self.subTest(text), tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                file.write(text)
                file.flush()
                self.assertRegex(self.assert_error("guard", "--config", file.name), message)


class Mistakes(GuardTestCase):
    def test_commands_that_can_not_be(self):
        for command, message in ((["no-such-server", "{port}"], "cannot be started: No such file"),
                                 (["sh", "-c", "exit 3 # {port}"], "it ended with status 3"),
                                 (["sleep", "100"], r"write \{port\} where it goes"),
                                 (["llama-server", "--port", "8080"], "the command fixes port 8080"),
                                 ([], "nothing to guard")):
            with self.subTest(command):
                self.assertRegex(self.assert_error("guard", "--listen", "127.0.0.1:0", "--", *command), message)

    def test_a_server_that_never_gets_ready(self):
        error = self.assert_error("guard", "--listen", "127.0.0.1:0", "--start-timeout", "1s", "--", *guarded("--never-ready"))
        self.assertRegex(error, "it was not ready within 1 s: /health answers 503")

    def test_ports_that_are_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.assertRegex(self.assert_error("guard", "--listen", f"127.0.0.1:{port}", "--", *guarded()),
                             "address already in use")
            self.assertRegex(self.assert_error("guard", "--listen", "127.0.0.1:0", "--upstream-port", str(port), "--",
                                               *guarded()), rf"port {port} is taken by process {os.getpid()}")

    def test_values_that_make_no_sense(self):
        for option, value in (("--freeze-after", "soon"), ("--max-queue", "-1"), ("--health", "health"),
                              ("--freezer", "ice"), ("--upstream-port", "0"), ("--listen", "a:b:c")):
            with self.subTest(option):
                self.assertIn(value, self.assert_error("guard", option, value, "--", *guarded()))


class Burst(GuardTestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.jobs, self.answers = self.folder / "jobs.jsonl", self.folder / "answers.jsonl"

    def write_jobs(self, n):
        self.jobs.write_text("".join(json.dumps({"custom_id": f"job-{i}", "method": "POST", "url": "/v1/chat/completions",
                                                 "body": {"n": i}}) + "\n" for i in range(n)))

    def command(self, *options, server=()):
        return [HALCYON, "guard", "--once", "--jobs", str(self.jobs), "-o", str(self.answers), *options, "--", *guarded(*server)]

    def lines(self):
        return [json.loads(line) for line in self.answers.read_text().splitlines()]

    def test_a_batch_is_worked_off_and_priced(self):
        self.write_jobs(50)
        done = subprocess.run(self.command("--parallel", "4"), capture_output=True, text=True, timeout=100)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"50 jobs in .*: 50 answered, 0 refused, 0 failed")
        self.assertRegex(done.stdout, r"\d+ J = .* Wh")
        self.assertEqual({line["custom_id"]: line["response"]["body"]["n"] for line in self.lines()},
                         {f"job-{i}": i for i in range(50)})

    def test_after_ctrl_c_or_a_crash_it_goes_on_where_it_was(self):
        self.write_jobs(400)
        for how in (signal.SIGINT, signal.SIGKILL):
            process = subprocess.Popen(self.command("--parallel", "2"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            n = len(self.lines()) if self.answers.exists() else 0
            deadline = time.monotonic() + 60
            while (not self.answers.exists() or self.answers.read_bytes().count(b"\n") < n + 20) and time.monotonic() < deadline:
                time.sleep(0.005)
            process.send_signal(how)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, 130 if how == signal.SIGINT else -9)
            self.assertLess(self.answers.read_bytes().count(b"\n"), 400)
        done = subprocess.run(self.command(), capture_output=True, text=True, timeout=100)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"400 jobs in .*, \d+ done before")
        self.assertEqual(sorted(line["response"]["body"]["n"] for line in self.lines()), list(range(400)))

    def test_a_server_that_does_not_start_ends_it(self):
        self.write_jobs(3)
        done = subprocess.run([HALCYON, "guard", "--once", "--jobs", str(self.jobs), "-o", str(self.answers), "--", "false", "{port}"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("it ended with status 1", done.stderr)

    def test_without_a_place_for_answers_it_does_not_begin(self):
        self.assertIn("give -o", self.assert_error("guard", "--once", "--", *guarded()))


class Others(GuardTestCase):
    """Servers that others have written."""

    def test_pythons_http_server(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "file").write_text("content")
            guard = self.guard("--freeze-after", "300ms", command=[
                sys.executable, "-m", "http.server", "{port}", "--bind", "127.0.0.1", "--directory", folder])
            for _ in range(3):
                guard.wait_for_state("frozen")
                self.assertEqual(guard.request("GET", "/file")[2], b"content")

    def test_nginx(self):
        if not shutil.which("nginx"):
            self.skipTest("there is no nginx here")
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "file").write_text("content")
            configuration = pathlib.Path(folder, "nginx.conf")
            text = ("daemon off; pid %s/pid; error_log stderr; events {} http { access_log off; server { "
                    "listen 127.0.0.1:PORT; root %s; } }" % (folder, folder))
            guard = self.guard("--freeze-after", "300ms", command=[
                "sh", "-c", f"echo '{text}' | sed s/PORT/$1/ > {configuration}; exec nginx -c {configuration}", "sh", "{port}"])
            for _ in range(3):
                guard.wait_for_state("frozen")
                self.assertEqual(guard.request("GET", "/file")[2], b"content")


if __name__ == "__main__":
    unittest.main()
