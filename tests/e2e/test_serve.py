"""halcyon serve: one quiet server, asked over HTTP, with the embedded model."""
import concurrent.futures
import json
import signal
import socket
import tempfile
import time
import unittest

from cli import CliTestCase, halcyon
from server import Server

CHAT = "/v1/chat/completions"
STORY = {"messages": [{"role": "user", "content": "Tell me a story about a fox and a lantern."}], "temperature": 0}
ENDLESS = {"prompt": "Once upon a time", "n_predict": -1, "ignore_eos": True, "temperature": 0}


class Serve(unittest.TestCase):
    def server(self, *options, **more):
        server = Server(*options, **more)
        self.addCleanup(server.stop)
        return server


class Answers(Serve):
    def test_a_chat_is_answered_as_on_the_command_line(self):
        status, answer = self.server().post(CHAT, {**STORY, "max_tokens": 40})
        self.assertEqual(status, 200, answer)
        text = halcyon("run", "-p", STORY["messages"][0]["content"], "-n", "40", "--temp", "0").stdout.strip()
        self.assertEqual(answer["choices"][0]["message"]["content"].strip(), text)
        self.assertEqual(answer["usage"]["completion_tokens"], 40)
        self.assertEqual(answer["choices"][0]["finish_reason"], "length")

    def test_a_stream_has_the_same_text_as_a_whole_answer(self):
        server = self.server()
        whole = server.post(CHAT, {**STORY, "max_tokens": 60})[1]["choices"][0]["message"]["content"]
        chunks = list(server.stream(CHAT, {**STORY, "max_tokens": 60, "stream": True}))
        self.assertEqual("".join(c["choices"][0]["delta"].get("content") or "" for c in chunks), whole)
        self.assertGreater(len(chunks), 40)

    def test_a_request_says_the_same_alone_and_among_seven_others(self):
        server = self.server("--parallel", "8")
        ask = lambda i: server.post("/completion", {
            "prompt": f"Once upon a time {i}", "n_predict": 60, "temperature": 0.9, "seed": i})[1]["content"]
        alone = [ask(i) for i in range(8)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            self.assertEqual(list(pool.map(ask, range(8))), alone)

    def test_a_beginning_that_is_known_is_not_computed_again(self):
        server = self.server("--ctx", "4096")
        beginning = "the fox and the owl went to the river and " * 180  # some 2,000 tokens
        first = server.post("/completion", {"prompt": beginning + "slept", "n_predict": 4})[1]["timings"]
        second = server.post("/completion", {"prompt": beginning + "sang", "n_predict": 4})[1]["timings"]
        self.assertGreater(first["prompt_n"], 1800)
        self.assertGreater(second["cache_n"], first["prompt_n"] - 8)
        self.assertLess(second["prompt_n"], 8)


class Load(Serve):
    def test_past_the_queue_requests_are_refused_at_once(self):
        server = self.server("--parallel", "8", "--max-queue", "64")
        results = []
        with concurrent.futures.ThreadPoolExecutor(200) as pool:
            for status, headers, _ in pool.map(lambda i: server.request("POST", "/completion", {
                    "prompt": f"{i} Once upon a time", "n_predict": 100, "ignore_eos": True}), range(200)):
                results.append(status)
                if status == 503:
                    self.assertTrue(headers["Retry-After"])
        self.assertEqual(set(results) - {200, 503}, set())
        self.assertGreaterEqual(results.count(200), 72)

    def test_a_client_that_leaves_is_forgotten_within_a_step(self):
        server = self.server("--parallel", "1", "--ctx", "100000")
        connection = server.connect()
        connection.request("POST", "/completion", json.dumps({**ENDLESS, "stream": True}))
        connection.getresponse().readline()
        connection.sock.close()
        connection.close()
        self.assertEqual(server.post("/completion", {"prompt": "Hi", "n_predict": 1})[0], 200)
        deadline = time.monotonic() + 20
        while any(slot["is_processing"] for slot in server.get("/slots")[1]):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def test_it_is_forgotten_too_if_it_has_sent_more_than_its_request(self):
        server = self.server("--parallel", "1", "--ctx", "100000")
        body = json.dumps(ENDLESS)
        with socket.create_connection(("127.0.0.1", server.port)) as leaver:
            leaver.sendall(f"POST /completion HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}\r\nGET".encode())
            while not any(slot["is_processing"] for slot in server.get("/slots")[1]):
                time.sleep(0.05)
        deadline = time.monotonic() + 20
        while any(slot["is_processing"] for slot in server.get("/slots")[1]):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def test_large_prompts_do_not_hold_up_others(self):
        server = self.server()
        server.post("/completion", {"prompt": "Hi", "n_predict": 1})
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            large = [pool.submit(server.post, "/completion", {"prompt": " " * 20_000_000}) for _ in range(4)]
            answered = 0
            while not all(request.done() for request in large):
                self.assertEqual(server.get("/health")[0], 200)
                answered += 1
        self.assertGreater(answered, 10)
        for request in large:
            self.assertEqual(request.result()[1]["error"]["type"], "exceed_context_size_error")

    def test_a_client_that_does_not_read_costs_others_nothing(self):
        server = self.server("--parallel", "1", "--ctx", "100000")
        lazy = socket.socket()
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect(("127.0.0.1", server.port))
        body = json.dumps({**ENDLESS, "stream": True})
        lazy.sendall(f"POST /completion HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        for _ in range(3):
            self.assertEqual(server.post("/completion", {"prompt": "Hi", "n_predict": 5})[0], 200)
        lazy.close()

    def test_memory_does_not_grow_over_ten_thousand_requests(self):
        server = self.server("--parallel", "4")
        connections = [server.connect() for _ in range(4)]

        def ask(connection, n):
            for i in range(n):
                connection.request("POST", "/completion", json.dumps(
                    {"prompt": f"The number {i % 97}", "n_predict": 1 + i % 3, "stream": i % 2 == 0}))
                connection.getresponse().read()

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda c: ask(c, 500), connections))
            before = server.resident()
            list(pool.map(lambda c: ask(c, 2000), connections))
        self.assertLess(server.resident() - before, 2_000_000)


class Still(Serve):
    def measure(self, server, seconds=60, minutes=3):
        """The quietest of up to three minutes: on a busy machine the one wake-up that a timer of the last request
        leaves behind is interrupted by others, and a virtual one charges the time that its host takes away to
        whoever is running. A server that polls fails all three."""
        server.post("/completion", {"prompt": "Hi", "n_predict": 3})
        time.sleep(1)
        used = []
        for _ in range(minutes):
            cpu, switches = server.cpu_ns(), server.switches()
            time.sleep(seconds)
            used.append((server.cpu_ns() - cpu, server.switches() - switches))
            if used[-1][0] <= 1_000_000 and used[-1][1] <= seconds / 10:
                return
        self.fail(f"ns of CPU and switches in each minute: {used}")

    def test_a_loaded_model_without_a_request_does_nothing_for_a_minute(self):
        self.measure(self.server())

    def test_a_hundred_idle_connections_do_not_change_that(self):
        server = self.server()
        connections = [server.connect() for _ in range(100)]
        for connection in connections:
            connection.request("GET", "/health")
            self.assertEqual(connection.getresponse().read(), b'{"status":"ok"}')
        self.measure(server)
        for connection in connections:
            connection.request("GET", "/health")
            self.assertEqual(connection.getresponse().status, 200)

    def test_polls_neither_load_nor_keep_a_model_nor_wake_its_engine(self):
        server = self.server("--metrics", "--unload-after", "2s")
        for path in ("/health", "/metrics", "/v1/models", "/props", "/slots", "/api/tags", "/api/ps", "/api/version"):
            self.assertEqual(server.request("GET", path)[0], 200, path)
        self.assertEqual(server.get("/api/ps")[1]["models"], [])
        server.post("/completion", {"prompt": "Hi", "n_predict": 1})
        engine = next(task for task in server.threads() if (task / "comm").read_text() == "engine\n")
        time.sleep(0.3)
        before = (engine / "schedstat").read_text()
        for _ in range(20):
            server.request("GET", "/metrics"), server.request("GET", "/health"), server.request("GET", "/slots")
        self.assertEqual((engine / "schedstat").read_text(), before)
        deadline = time.monotonic() + 30
        while server.get("/api/ps")[1]["models"]:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.2)


class Life(Serve):
    def test_sigterm_lets_running_answers_end(self):
        server = self.server()
        answer = server.stream("/completion", {"prompt": "Once", "n_predict": 2000, "ignore_eos": True, "stream": True})
        next(answer)
        server.process.send_signal(signal.SIGTERM)
        self.assertTrue(list(answer)[-1]["stop"])
        self.assertEqual(server.process.wait(30), 0)

    def test_after_the_grace_period_the_rest_is_cut_off(self):
        server = self.server("--grace", "1s", "--ctx", "1000000")
        answer = server.stream("/completion", {**ENDLESS, "stream": True})
        next(answer)
        start = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        try:
            for _ in answer:
                pass
        except Exception:  # the stream breaks off
            pass
        self.assertEqual(server.process.wait(30), 0)
        self.assertLess(time.monotonic() - start, 20)

    def test_several_models_are_served_by_name(self):
        with tempfile.TemporaryDirectory() as folder:
            from test_run import MODEL
            import shutil
            other = f"{folder}/other.gguf"
            shutil.copy(MODEL.with_name("halcyon-tiny-draft.gguf"), other)
            server = self.server("-m", str(MODEL), "-m", other)
            names = [m["id"] for m in server.get("/v1/models")[1]["data"]]
            self.assertEqual(names, ["halcyon-tiny", "other"])
            self.assertEqual(server.get("/api/ps")[1]["models"], [])
            for name in names:
                status, answer = server.post("/completion", {"model": name, "prompt": "Hi", "n_predict": 1})
                self.assertEqual((status, answer["model"]), (200, name))
            self.assertEqual(len(server.get("/api/ps")[1]["models"]), 2)
            self.assertEqual(server.post("/completion", {"model": "third", "prompt": "Hi"})[0], 404)

    def test_keys_are_asked_for_and_never_logged(self):
        with tempfile.NamedTemporaryFile("w") as keys:
            keys.write("sesame-open-up\n")
            keys.flush()
            server = self.server("--api-key-file", keys.name)
            body = {"prompt": "Hi", "n_predict": 1}
            self.assertEqual(server.post("/completion", body)[0], 401)
            self.assertEqual(server.post("/completion", body, headers={"Authorization": "Bearer wrong"})[0], 401)
            for headers in ({"Authorization": "Bearer sesame-open-up"}, {"X-Api-Key": "sesame-open-up"}):
                self.assertEqual(server.post("/completion", body, headers=headers)[0], 200)
            self.assertEqual(server.get("/health")[0], 200)
            server.stop()
            self.assertNotIn("sesame", "".join(server.log))

    def test_the_log_can_be_json(self):
        server = self.server("--log-json")
        server.get("/health")
        server.stop()
        for line in server.log:
            self.assertIn("message", json.loads(line))


class CommandLine(CliTestCase):
    def test_the_network_is_refused_without_a_key(self):
        self.assertIn("--insecure", self.assert_fails("serve", "--host", "0.0.0.0", "--port", "0"))

    def test_a_port_that_is_taken_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.assertIn(str(port), self.assert_fails("serve", "--port", str(port)))

    def test_print_config_says_where_settings_come_from(self):
        with tempfile.TemporaryDirectory() as folder:
            text = self.assert_ok("serve", "--print-config", "--parallel", "3",
                                  env={"HALCYON_PORT": "1234", "HOME": folder})
        self.assertRegex(text, r"parallel = 3 +# .*command line")
        self.assertRegex(text, r"port = 1234 +# .*HALCYON_PORT")


if __name__ == "__main__":
    unittest.main()
