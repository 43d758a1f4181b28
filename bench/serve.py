#!/usr/bin/env python3
"""Measures `halcyon serve`: what batching gains, how long a first token takes among others, what HTTP adds.

    bench/serve.py build/release/halcyon [-m MODEL] [--rounds 5]

One client and eight take turns in each round; medians are printed, with the ratios of each round's pair. The model should be
one that takes longer for a token than a client for reading it; what HTTP adds is measured with the embedded one.
"""
import argparse
import concurrent.futures
import http.client
import json
import pathlib
import re
import statistics
import subprocess
import time

WORDS = "the fox and the owl went to the river with a lantern because it was dark there "


class Server:
    def __init__(self, program, *options):
        self.process = subprocess.Popen([program, "serve", "--port", "0", *options], stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if found := re.search(r"listening on http://[^:]+:(\d+)", line):
                self.port = int(found.group(1))
                break
        else:
            raise SystemExit("the server did not start")
        self.process.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Client:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(self, **body):
        self.connection.request("POST", "/completion", json.dumps({"cache_prompt": False, "ignore_eos": True, **body}))
        return json.loads(self.connection.getresponse().read())

    def stream(self, **body):
        """The times at which the pieces of an answer came."""
        self.connection.request("POST", "/completion", json.dumps(
            {"cache_prompt": False, "ignore_eos": True, "stream": True, **body}))
        response = self.connection.getresponse()
        times = [time.perf_counter() for line in response if line.startswith(b"data")]
        response.read()  # the end of the last chunk
        return times


def timed(function):
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def prompt(i, n_words=8):
    return f"{i} {(WORDS * n_words)[:n_words * 5]}"


def throughput(port, rounds, n_tokens):
    """tokens/s of one client and of eight together, in turns."""
    clients = [Client(port) for _ in range(8)]
    one, eight = [], []
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for r in range(rounds + 1):
            alone, _ = timed(lambda: clients[0].ask(prompt=prompt(r), n_predict=n_tokens))
            together, _ = timed(lambda: list(pool.map(
                lambda i: clients[i].ask(prompt=prompt(f"{r} {i}"), n_predict=n_tokens), range(8))))
            if r > 0:  # the first round warms up
                one.append(n_tokens / alone)
                eight.append(8 * n_tokens / together)
    return one, eight


def first_token(port, rounds, n_tokens):
    """Seconds to the first token of a prompt of some 100 tokens, alone and while seven others generate, in turns."""
    clients = [Client(port) for _ in range(8)]
    alone, among = [], []
    text = lambda r: f"{r} " + WORDS * 6
    with concurrent.futures.ThreadPoolExecutor(7) as pool:
        for r in range(rounds + 1):
            start = time.perf_counter()
            quiet = clients[0].stream(prompt=text(r), n_predict=2)[0] - start
            others = [pool.submit(clients[i].ask, prompt=prompt(f"{r} {i}"), n_predict=n_tokens) for i in range(1, 8)]
            time.sleep(0.5)
            start = time.perf_counter()
            busy = clients[0].stream(prompt=text(-r - 1), n_predict=2)[0] - start
            still_busy = not any(other.done() for other in others)
            concurrent.futures.wait(others)
            if r > 0 and still_busy:
                alone.append(quiet)
                among.append(busy)
    return alone, among


def http_cost(port, rounds):
    """Milliseconds that a request takes beyond the engine's own time, and microseconds per streamed token likewise."""
    client = Client(port)
    request, token = [], []
    for _ in range(rounds * 20):
        seconds, answer = timed(lambda: client.ask(prompt="Hi", n_predict=1))
        request.append(seconds * 1e3 - answer["timings"]["prompt_ms"] - answer["timings"]["predicted_ms"])
    for _ in range(rounds):
        seconds, answer = timed(lambda: client.ask(prompt="Hi", n_predict=1000))
        streamed, _ = timed(lambda: client.stream(prompt="Hi", n_predict=1000))
        token.append((streamed - seconds) * 1e6 / 1000)
    return request, token


def show(name, values, unit):
    print(f"{name:58} {statistics.median(values):9.2f} {unit}   ({min(values):.2f} to {max(values):.2f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("-m", "--model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=64)
    args = parser.parse_args()
    model = ["-m", args.model] if args.model else []
    with Server(args.program, "--parallel", "8", *model) as server:
        one, eight = throughput(server.port, args.rounds, args.tokens)
        show("one client", one, "tokens/s")
        show("eight clients together", eight, "tokens/s")
        show("  ratio", [b / a for a, b in zip(one, eight)], "x")
        alone, among = first_token(server.port, args.rounds, 10 * args.tokens)
        if among:
            show("first token of some 100, alone", [t * 1e3 for t in alone], "ms")
            show("first token of some 100, among seven that generate", [t * 1e3 for t in among], "ms")
            show("  ratio", [b / a for a, b in zip(alone, among)], "x")
    with Server(args.program) as server:
        request, token = http_cost(server.port, args.rounds)
        show("added to a request, embedded model", request, "ms")
        show("added to a streamed token, embedded model", token, "us")


if __name__ == "__main__":
    main()
