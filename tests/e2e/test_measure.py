"""halcyon measure: what a server costs. The servers are fake_llm_server.py, which can misbehave in every way."""
import atexit
import concurrent.futures
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from cli import HALCYON, CliTestCase

FAKE = pathlib.Path(__file__).resolve().parent / "fake_llm_server.py"
SPINNER = pathlib.Path(HALCYON).resolve().parent / "tests" / "probe" / "libspinner.so"
HURRY = {"--time-scale": "0.05", "--timeout": "20"}


def fake_command(*options):
    return [sys.executable, "-B", str(FAKE), *options]


class Fake:
    """A fake server that runs on a free port."""

    def __init__(self, *options):
        self.process = subprocess.Popen(fake_command(*options), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = "http://127.0.0.1:" + self.process.stdout.readline().split()[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Run:
    """`halcyon measure` in a folder of its own, with a history of its own."""

    def __init__(self, *args, hurry=HURRY, preexec_fn=None):
        self.path = pathlib.Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, self.path)
        hurry = [word for option in hurry.items() if option[0] not in args for word in option]
        env = {**os.environ, "XDG_DATA_HOME": str(self.path / "data")}
        self.process = subprocess.Popen([HALCYON, "measure", "-o", self.path / "out", *hurry, *args], env=env, text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        preexec_fn=preexec_fn)

    def wait(self, timeout=120):
        try:
            self.stdout, self.stderr = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.stdout, self.stderr = self.process.communicate()
            raise
        self.status = self.process.returncode
        return self

    @property
    def document(self):
        return json.loads((self.path / "out" / "measurement.json").read_text())

    def wait_for(self, found, timeout=60):
        """Until `found(document)` is true."""
        for _ in range(int(timeout / 0.05)):
            try:
                if found(self.document):
                    return
            except FileNotFoundError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"not after {timeout} s: {self.document}")


def measured(*args, **options):
    return Run(*args, **options).wait()


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Measure(CliTestCase):
    def assert_gone(self, pid):
        for _ in range(400):
            if not is_running(pid):
                return
            time.sleep(0.05)
        self.fail(f"process {pid} is still there")

    def assert_priced(self, run, rate):
        """All figures of a server that generates `rate` tokens per second are there."""
        self.assertEqual(run.status, 0, run.stderr + run.stdout)
        document = run.document
        self.assertTrue(document["complete"], document["problems"])
        for window in ("after_load", "after_generation"):
            idle = document["idle"][window]
            self.assertLess(idle["cpu_percent"], 20)
            self.assertGreater(idle["rss_bytes"], 1e6)
            self.assertGreaterEqual(len(idle["series"]), 10)
        prefill = document["throughput"]["prefill"]
        self.assertEqual([rates["tokens"] for rates in prefill][-2:], [128, 512])
        for rates in prefill:
            self.assertEqual(len(rates["tps"]), 3)
            self.assertGreater(rates["median_tps"], 0)
        decode = document["throughput"]["decode"]
        self.assertEqual(decode["tokens"], 128)
        self.assertEqual(len(decode["warm"]), 3)
        # Tokens come by the clock: a busy machine can be late with one, but never early.
        self.assertLess(decode["warm_tps"], 1.05 * rate)
        self.assertGreater(decode["warm_tps"], 0.5 * rate)
        self.assertGreater(decode["cold_tps"], 0)
        energy = document["energy"]
        self.assertGreater(energy["j_per_token"]["decode"], 0)
        self.assertTrue(energy["source"])
        self.assertEqual(document["burn"]["cause"], "none")
        self.assertEqual(len(document["tasks"]), 9)
        for task in document["tasks"]:
            self.assertIsNone(task["error"])
            self.assertEqual(task["generated_tokens"], 64)
        self.assertIn("kernel", document["versions"])
        self.assertTrue((run.path / "data" / "halcyon" / "history.db").exists())
        self.assertRegex(run.stdout, r"generation, warm +[\d.]+ ± [\d.]+ t/s, 128 tokens")
        return document

    # The three dialects

    def test_prices_llama_server_by_its_address(self):
        with Fake("--dialect", "llama-server", "--rate", "400") as fake:
            document = self.assert_priced(measured("--url", fake.url, "--name", "mine"), 400)
            self.assertEqual(document["target"], {"name": "mine", "url": fake.url, "dialect": "llama-server", "model": "fake-7b",
                                                  "command": None, "pid": fake.process.pid})
            self.assertEqual(document["throughput"]["prefill"][0]["tokens"], 16)
            self.assertEqual(document["versions"]["server"], "b1234-fake")
            self.assertEqual(document["problems"], [])

    def test_prices_ollama_and_the_time_it_loads(self):
        with Fake("--dialect", "ollama", "--rate", "400") as fake:
            document = self.assert_priced(measured("--url", fake.url), 400)
            self.assertEqual(document["target"]["dialect"], "ollama")
            self.assertGreater(document["load_seconds"], 0)
            self.assertGreater(document["memory"]["rss_before_load"], 1e6)

    def test_prices_openai_completions(self):
        with Fake("--dialect", "openai", "--rate", "400") as fake:
            document = self.assert_priced(measured("--url", fake.url + "/v1"), 400)
            self.assertEqual(document["throughput"]["prefill"][0]["tokens"], 16)

    def test_prices_openai_chat_where_there_is_nothing_else(self):
        with Fake("--dialect", "openai-chat", "--rate", "400") as fake:
            document = self.assert_priced(measured("--url", fake.url), 400)
            self.assertEqual(document["target"]["dialect"], "openai")

    def test_json_is_the_document(self):
        with Fake() as fake:
            run = measured("--url", fake.url, "--json")
            self.assertEqual(json.loads(run.stdout), run.document)

    # A command

    def test_starts_a_command_on_a_free_port_and_stops_it(self):
        run = measured("--", *fake_command("--port", "{port}", "--loading", "0.5", "--rate", "400"))
        document = self.assert_priced(run, 400)
        self.assertGreater(document["load_seconds"], 0.5)
        self.assertIsNone(document["idle"]["before"]["cpu_percent"])
        self.assertIn("listening on", (run.path / "out" / "server.log").read_text())
        self.assert_gone(document["target"]["pid"])

    def test_finds_the_port_of_a_command_that_does_not_say(self):
        run = measured("--", *fake_command("--deaf"))
        self.assertEqual(run.status, 0, run.stderr)
        self.assert_gone(run.document["target"]["pid"])

    def test_a_port_that_another_server_has_is_said(self):
        with Fake() as fake:
            run = measured("--url", fake.url, "--", "sleep", "600")
            self.assertRegex(" ".join(run.document["problems"]), "is held by process .* none of the command's")
            self.assertEqual(run.document["target"]["pid"], fake.process.pid)

    def test_a_command_that_ends_early_or_never_gets_ready(self):
        for options, message in ((["--", "sh", "-c", "echo no model; exit 7"], "ended with status 7 before it was ready"),
                                 (["--timeout", "1", "--", "sleep", "60"], "not ready after 1 s .* listens on no port"),
                                 (["--", "no-such-server"], "cannot be started")):
            run = measured(*options)
            self.assertEqual(run.status, 1)
            self.assertRegex(run.document["problems"][-1], message)
            self.assertFalse(run.document["complete"])

    def test_finds_a_command_that_listens_on_ipv6_only(self):
        with socket.socket(socket.AF_INET6) as probe:
            try:
                probe.bind(("::1", 0))
            except OSError:
                self.skipTest("no IPv6 here")
            port = str(probe.getsockname()[1])
        for port in (port, "0"):
            run = measured("--", *fake_command("--host", "::1", "--port", port))
            self.assertEqual(run.status, 0, run.stderr)
            self.assertTrue(run.document["target"]["url"].startswith("http://[::1]:"), run.document["target"])

    def test_a_program_that_is_not_there_is_said_at_once(self):
        begin = time.monotonic()
        run = measured("--time-scale", "1", "--", "no-such-server")
        self.assertLess(time.monotonic() - begin, 10)
        self.assertRegex(run.stderr, "cannot be started")
        self.assertIsNone(run.document["idle"]["before"])

    def test_secrets_are_kept_nowhere(self):
        run = measured("--json", "--", *fake_command("--port", "{port}", "--key", "sesame"))
        self.assertIn("--port {port} --key ***", run.document["target"]["command"])
        for file in (run.path / "out" / "measurement.json", *(run.path / "data").rglob("*.db")):
            self.assertNotIn(b"sesame", file.read_bytes())
        self.assertNotIn("sesame", run.stdout + run.stderr)

    def test_a_server_that_forks_away_is_said(self):
        run = measured("--", "sh", "-c", "setsid sleep 600 & sleep 0.5")
        pid = int(re.search(r"process (\d+) of the server still runs: stop it", " ".join(run.document["problems"]))[1])
        self.assertTrue(is_running(pid))
        os.kill(pid, signal.SIGKILL)

    def test_a_complete_measurement_is_not_overwritten(self):
        with Fake() as fake:
            run = measured("--url", fake.url)
            before = run.document
            self.assertIn("give another folder with -o",
                          self.assert_fails("measure", "-o", run.path / "out", "--", "no-such-server"))
            self.assertEqual(run.document, before)

    # Processes that can't be seen

    def assert_unpriced(self, document):
        energy = document["energy"]
        for figure in (*energy["j_per_token"].values(), *energy["j_per_token_above_idle"].values(),
                       energy["active_watts"], energy["server_idle_watts"], document["idle"]["after_generation"]["watts"],
                       *(task["joules"] for task in document["tasks"])):
            self.assertIsNone(figure, energy)

    def test_an_estimate_ends_with_its_process(self):
        with Fake() as fake, subprocess.Popen(["sleep", "1"]) as other:
            run = measured("--url", fake.url, "--pid", str(other.pid))
        document = run.document
        self.assertEqual(run.status, 0, run.stderr)
        said = " ".join(document["problems"])
        self.assertRegex(said, rf"port \d+ is held by process {fake.process.pid}, not by {other.pid}")
        self.assertEqual(said.count(f"process {other.pid} ended while it was measured"), 1)
        if not document["energy"]["measured"]:
            self.assert_unpriced(document)

    def test_a_parent_or_child_of_the_listener_is_no_wrong_pid(self):
        with Fake() as fake:
            run = measured("--url", fake.url, "--pid", str(os.getpid()))
        self.assertEqual(run.document["problems"], [])

    def test_a_process_that_is_not_there(self):
        with Fake() as fake:
            self.assertIn("there is no process 4194304",
                          self.assert_fails("measure", "--url", fake.url, "--pid", "4194304"))

    # What goes wrong

    def assert_survives(self, fault, problem, status=1, options=(), timeout="2"):
        """With this fault from the third generation on the rest is measured, and the problem is said."""
        with Fake("--fault", fault, "--after", "3", *options) as fake:
            run = measured("--url", fake.url, "--timeout", timeout)
        self.assertEqual(run.status, status, f"{fault}: {run.stderr}")
        document = run.document
        self.assertEqual(document["complete"], status == 0)
        said = json.dumps([document["problems"], document["throughput"]["prefill"]], ensure_ascii=False)
        self.assertRegex(said, problem, fault)
        self.assertIsNotNone(document["idle"]["after_load"], fault)
        self.assertGreater(document["throughput"]["decode"]["cold_tps"], 0, fault)
        return document

    def assert_survives_all(self, faults):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for result in [pool.submit(self.assert_survives, *fault) for fault in faults]:
                result.result()

    def test_survives_answers_that_are_none(self):
        self.assert_survives_all([
            ("garbage", "is not HTTP/1.1"),
            ("garbage-events", "not JSON"),
            ("bad-utf8", r"not JSON.*\\xff"),
            ("bad-chunks", "is not HTTP/1.1"),
            ("endless-head", "head of the answer does not end"),
            ("endless-event", "longer than 4194304 bytes"),
            ("redirect", "redirects to .*elsewhere.example"),
            ("error-event", "the server reports .*out of memory"),
        ])

    def test_survives_answers_that_break_off(self):
        self.assert_survives_all([
            ("short-body", "closed the connection in the middle"),
            ("die-mid-stream", "closed the connection in the middle"),
            ("stall", "rest of the answer took longer than 2 s"),
            ("hang", "answer took longer than 2 s"),
        ])

    def test_survives_statuses(self):
        self.assert_survives_all([
            ("status-400", "refused: status 400.*as I was told"),
            ("status-401", "status 401 .it wants a key"),
            ("status-500", "status 500.*as I was told"),
            ("status-503", "status 503"),
        ])

    def test_survives_faults_in_the_other_dialects(self):
        self.assert_survives_all([
            ("garbage-events", "not JSON", 1, ["--dialect", "ollama"]),
            ("error-event", "out of memory", 1, ["--dialect", "ollama"]),
            ("die-mid-stream", "closed the connection", 1, ["--dialect", "openai"]),
            ("endless-stream", "the server does not stop", 1, ["--dialect", "openai-chat"]),
        ])

    def test_says_which_figures_are_not_to_be_trusted(self):
        document = self.assert_survives("no-usage", "the server gives no usage", status=0)
        self.assertIsNone(document["throughput"]["prefill"][-1]["median_tps"])
        self.assertEqual(document["throughput"]["decode"]["tokens"], 128)
        self.assert_survives("lie", "the server counts 256 generated tokens, though at most 128", status=0)
        self.assert_survives("boast", r"the server says [\d.]+ t/s, this clock [\d.]+: \d+ % apart", status=0,
                             options=["--prefill-rate", "500"])
        document = self.assert_survives("one-piece", "answers in one piece", status=0)
        self.assertIsNone(document["throughput"]["decode"]["warm_tps"])

    def test_a_server_that_ends_is_told_from_one_that_fails(self):
        run = measured("--", *fake_command("--port", "{port}", "--fault", "exit-mid-stream", "--after", "3"))
        self.assertEqual(run.status, 1)
        self.assertRegex(" ".join(run.document["problems"]), "the server is gone: it ended with status 3.*server.log")
        self.assertIsNotNone(run.document["throughput"]["decode"]["cold_tps"])

    def test_a_server_that_never_answers(self):
        with Fake("--fault", "hang", "--after", "-1") as fake:
            run = measured("--url", fake.url, "--timeout", "1")
        self.assertEqual(run.status, 1)
        self.assertRegex(run.document["problems"][-1], "answer took longer than 1 s")

    def test_nobody_listens(self):
        with Fake() as fake:
            pass
        run = measured("--url", fake.url)
        self.assertEqual(run.status, 1)
        self.assertRegex(run.stderr, "connection refused: nobody listens there")

    def test_a_key(self):
        with Fake("--key", "sesame") as fake, tempfile.NamedTemporaryFile("w", suffix=".key") as key:
            run = measured("--url", fake.url)
            self.assertRegex(run.document["problems"][-1], "wants a key: give it with --api-key-file")
            key.write("sesame\n")
            key.flush()
            run = measured("--url", fake.url, "--api-key-file", key.name)
            self.assertEqual(run.status, 0, run.stderr)
            self.assertNotIn("sesame", json.dumps(run.document))

    def test_a_model_that_is_not_there(self):
        with Fake() as fake:
            run = measured("--url", fake.url, "--model", "other")
        self.assertRegex(run.document["problems"][-1], '"other" is none; choose another with --model: the server has "fake-7b"')

    def test_prompts_longer_than_the_context_are_left_out(self):
        with Fake("--context", "300") as fake:
            run = measured("--url", fake.url)
        self.assertEqual(run.status, 0, run.stderr)
        self.assertIn("context has 300 positions", run.document["throughput"]["prefill"][-1]["note"])

    # Interrupted

    def test_ctrl_c_leaves_a_valid_document_and_no_server(self):
        run = Run("--", *fake_command("--port", "{port}", "--rate", "20"))
        run.wait_for(lambda document: document["idle"]["after_load"])
        run.process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        run.wait()
        self.assertLess(time.monotonic() - begin, 10)
        self.assertEqual(run.status, 130)
        self.assertFalse(run.document["complete"])
        self.assertIn("stopped before the end", run.document["problems"])
        self.assert_gone(run.document["target"]["pid"])
        self.assertTrue((run.path / "data" / "halcyon" / "history.db").exists())

    def test_kill_leaves_a_valid_document_and_no_server(self):
        run = Run("--", *fake_command("--port", "{port}", "--rate", "20"))
        run.wait_for(lambda document: document["idle"]["after_load"])
        run.process.kill()
        run.wait()
        self.assertFalse(run.document["complete"])
        self.assertIsNotNone(run.document["idle"]["after_load"])
        self.assert_gone(run.document["target"]["pid"])

    def test_a_full_disk_keeps_what_was_written_before(self):
        def little_room():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

        with Fake() as fake:
            run = measured("--url", fake.url, preexec_fn=little_room)
        self.assertEqual(run.status, 1)
        self.assertRegex(run.stderr, "measurement.json: cannot write: File too large")
        self.assertFalse(run.document["complete"])

    def test_what_can_not_be_written_is_printed_and_in_the_history(self):
        with Fake() as fake:
            run = Run("--url", fake.url)
            run.wait_for(lambda document: document["idle"]["before"])
            (run.path / "out").rename(run.path / "moved")
            run.wait()
        self.assertEqual(run.status, 1)
        self.assertRegex(run.stderr, "measurement.json: cannot write")
        self.assertRegex(run.stdout, "generation, warm")
        self.assertIn(b"fake-7b", (run.path / "data" / "halcyon" / "history.db").read_bytes())

    # Idle burn

    def test_says_where_a_server_spins(self):
        if not SPINNER.exists():
            self.skipTest(f"no {SPINNER}: build everything")
        with Fake("--spin", "1", "--spinner", str(SPINNER), "--rate", "400") as fake:
            run = measured("--url", fake.url, "--time-scale", "0.2")
        self.assertEqual(run.status, 0, run.stderr)
        document = run.document
        idle = document["idle"]["after_generation"]
        self.assertGreater(idle["cpu_percent"], 30)  # 100 if there is a core for it
        self.assertEqual(idle["threads"][0]["name"], "hsa-poll")
        self.assertEqual(document["burn"]["cause"], "cpu_spin")
        if not document["burn"]["hot_ranges"]:
            self.skipTest("sampling is refused here: " + " ".join(document["problems"]))
        hottest = document["burn"]["hot_ranges"][0]
        self.assertEqual(pathlib.Path(hottest["object"]).name, "libspinner.so")
        self.assertIn("poll_completion_queue", hottest["symbol"])
        self.assertGreater(hottest["share"], 0.9)
        self.assertRegex(run.stdout, r"burn +cpu_spin")

    def test_says_how_often_a_server_wakes_up(self):
        with Fake("--wakeups", "50") as fake:
            run = measured("--url", fake.url, "--time-scale", "0.2")
        self.assertEqual(run.document["burn"]["cause"], "none")
        self.assertAlmostEqual(run.document["idle"]["after_generation"]["wakeups_per_second"], 50, delta=10)

    def test_costs_less_than_half_a_percent_itself(self):
        with Fake() as fake:
            run = Run("--url", fake.url, hurry={})
            run.wait_for(lambda document: document["idle"]["before"])
            tasks = pathlib.Path(f"/proc/{run.process.pid}/task")

            def cpu_ns():
                return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir())

            for _ in range(60):  # until the load is over: on a busy machine it takes longer
                before = cpu_ns()
                time.sleep(1)
                if cpu_ns() - before < 0.05e9:
                    break
            begin, before = time.monotonic(), cpu_ns()
            time.sleep(10)
            percent = (cpu_ns() - before) / 1e7 / (time.monotonic() - begin)
            run.process.send_signal(signal.SIGINT)
            run.wait()
        self.assertLess(percent, 0.5)
        self.assertGreater(percent, 0)

    # The command line

    def test_usage(self):
        self.assertIn("--url", self.assert_fails("measure"))
        self.assertIn("neither http", self.assert_fails("measure", "--url", "ftp://host"))
        self.assertIn("--pid", self.assert_fails("measure", "--pid", "1", "--", "sleep", "1"))
        self.assert_usage_error("measure", "--url", "host", "--protocol", "slow")
        self.assertNotIn("time-scale", self.assert_ok("measure", "--help"))


if __name__ == "__main__":
    unittest.main()
