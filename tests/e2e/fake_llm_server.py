"""A server that looks like llama-server, Ollama or one with OpenAI's API, and misbehaves if it is told to.

    fake_llm_server.py --dialect llama-server --rate 200 --fault die-mid-stream --after 3

It prints "listening on PORT". A token is a word; words come at --rate per second, a prompt is "evaluated" at
--prefill-rate. A fault begins with the generation number --after (from 0). Faults:

    answers    garbage (no HTTP), garbage-events (no JSON), bad-utf8, bad-chunks, short-body (less than Content-Length),
               endless-head, endless-stream (words without end), endless-event (a line without end), redirect,
               error-event, one-piece (everything in the last moment)
    figures    no-usage, lie (twice the tokens there were), boast (twice the rates)
    silence    hang (no answer), stall (none after three words), die-mid-stream (closes the connection)
    statuses   status-400, status-401, status-500, status-503
    process    exit-mid-stream (status 3)

--spin N runs N threads named hsa-poll that poll in --spinner, a shared library, as case study A's server does;
--wakeups N wakes up N times a second.
"""
import argparse
import ctypes
import http.server
import itertools
import json
import os
import signal
import socket
import threading
import time

MODEL = "fake-7b"
CHAT_OVERHEAD = 7  # tokens of a chat template
POLL = "_ZN7spinner21poll_completion_queueERVKmm"  # bool spinner::poll_completion_queue(const volatile uint64_t&, uint64_t)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, options):
        self.address_family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        super().__init__((options.host, options.port), Handler)
        self.options = options
        self.started = time.monotonic()
        self.generations = itertools.count()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    @property
    def options(self):
        return self.server.options

    def reply(self, body, status=200):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def error(self, status, message):
        if self.options.dialect == "ollama":
            return self.reply({"error": message}, status)
        return self.reply({"error": {"code": status, "message": message, "type": "server_error"}}, status)

    def refused(self):
        """Answers what a server refuses whatever is asked."""
        if self.options.key and self.headers["Authorization"] != f"Bearer {self.options.key}":
            self.error(401, "Invalid API Key")
        elif time.monotonic() - self.server.started < self.options.loading:
            self.error(503, "Loading model")
        elif self.options.fault == "hang" and self.options.after < 0:
            time.sleep(3600)
        else:
            return False
        return True

    def do_GET(self):
        if self.refused():
            return
        model = {"name": MODEL, "model": MODEL, "digest": "0123abcd", "details": {}}
        pages = {
            "llama-server": {
                "/health": {"status": "ok"},
                "/props": {"default_generation_settings": {"n_ctx": self.options.context}, "total_slots": 1,
                           "model_path": f"/models/{MODEL}.gguf", "build_info": "b1234-fake"},
                "/v1/models": {"object": "list", "data": [{"id": MODEL, "object": "model"}]},
            },
            "ollama": {
                "/api/version": {"version": "0.9.9"},
                "/api/tags": {"models": [model]},
                "/api/ps": {"models": [{**model, "context_length": self.options.context}] if self.options.loaded else []},
            },
            "openai": {"/v1/models": {"object": "list", "data": [{"id": MODEL, "object": "model",
                                                                  "max_model_len": self.options.context}]}},
        }
        pages["openai-chat"] = pages["openai"]
        page = pages[self.options.dialect].get(self.path)
        self.reply(page) if page else self.error(404, "not found")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.refused():
            return
        routes = {
            "llama-server": {"/completion": LlamaAnswer, "/tokenize": None},
            "ollama": {"/api/generate": OllamaAnswer},
            "openai": {"/v1/completions": OpenAiAnswer},
            "openai-chat": {"/v1/chat/completions": ChatAnswer},
        }[self.options.dialect]
        if self.path not in routes:
            self.error(404, "not found")
        elif self.path == "/tokenize":
            self.reply({"tokens": [len(word) for word in body["content"].split()]})
        elif not body.get("prompt", body.get("messages")):  # only loads
            self.options.loaded = True
            self.reply({"model": MODEL, "done": True, "stop": True})
        else:
            self.generate(routes[self.path](body, self.options))

    def generate(self, answer):
        number = next(self.server.generations)
        fault = self.options.fault if number >= self.options.after else None
        if fault in ("garbage", "hang", "endless-head", "redirect") or (fault or "").startswith("status-"):
            self.fail_at_once(fault)
            self.close_connection = True
            return
        begin = time.monotonic()
        time.sleep(answer.prompt_tokens / self.options.prefill_rate)
        first = time.monotonic()
        self.send_response(200)
        self.send_header("Content-Type", answer.content_type)
        if fault == "short-body":
            self.send_header("Content-Length", "1000000")
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        write = self.wfile.write if fault == "short-body" else self.write_chunk
        words = itertools.count() if fault == "endless-stream" else range(answer.max_tokens)
        pieces = []
        for i in words:
            if fault and i == 3 and self.fail_in_the_middle(fault, write):
                self.close_connection = True
                return
            time.sleep(max(0.0, first + i / self.options.rate - time.monotonic()))
            piece = answer.frame(answer.piece(f"word{i} "))
            pieces.append(piece)
            if fault != "one-piece":
                write(piece)
        if fault == "one-piece":
            write(b"".join(pieces))
        end = time.monotonic()
        tokens = answer.max_tokens * (2 if fault == "lie" else 1)
        faster = 2 if fault == "boast" else 1
        for event in answer.ending(fault != "no-usage", tokens, (first - begin) / faster,
                                   (end - first) / faster):
            write(event if isinstance(event, bytes) else answer.frame(event))
        if fault != "short-body":
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def write_chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def fail_at_once(self, fault):
        if fault == "garbage":
            self.wfile.write(os.urandom(4096))
        elif fault == "hang":
            time.sleep(3600)
        elif fault == "endless-head":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                self.wfile.write(b"X-Again: " + b"a" * 1000 + b"\r\n")
        elif fault == "redirect":
            self.send_response(307)
            self.send_header("Location", "http://elsewhere.example/")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.error(int(fault.removeprefix("status-")), "as I was told")

    def fail_in_the_middle(self, fault, write):
        """True if the answer ends with that."""
        if fault == "garbage-events":
            write(b"data: {\"content\": \n\n" if self.options.dialect != "ollama" else b"{\"response\": \n")
        elif fault == "bad-utf8":
            write(b"data: {\"content\": \"\xff\xfe\"}\n\n" if self.options.dialect != "ollama" else b"{\"response\": \"\xff\"}\n")
        elif fault == "bad-chunks":
            self.wfile.write(b"this is no chunk\r\n")
        elif fault == "endless-event":
            while True:
                write(b"data: " + b"x" * 60000)
        elif fault == "error-event":
            write(b'data: {"error": {"message": "out of memory"}}\n\n' if self.options.dialect != "ollama"
                  else b'{"error": "out of memory"}\n')
        elif fault == "stall":
            time.sleep(3600)
        elif fault == "exit-mid-stream":
            os._exit(3)
        else:
            return fault in ("die-mid-stream", "short-body")
        return True


class Answer:
    content_type = "text/event-stream"

    def __init__(self, body, options):
        prompt = body.get("prompt", "")
        self.prompt_tokens = len(prompt) if isinstance(prompt, list) else len(prompt.split())
        self.max_tokens = body.get("max_tokens", body.get("n_predict", 0))

    def frame(self, event):
        return b"data: " + json.dumps(event).encode() + b"\n\n"


class LlamaAnswer(Answer):
    def piece(self, text):
        return {"index": 0, "content": text, "stop": False}

    def ending(self, usage, generated, prompt_s, generation_s):
        event = {"index": 0, "content": "", "stop": True, "stop_type": "limit"}
        if usage:
            event.update(tokens_predicted=generated, tokens_evaluated=self.prompt_tokens, timings={
                "cache_n": 0, "prompt_n": self.prompt_tokens, "prompt_per_second": self.prompt_tokens / prompt_s,
                "predicted_n": generated, "predicted_per_second": self.max_tokens / generation_s})
        return [event]


class OllamaAnswer(Answer):
    content_type = "application/x-ndjson"

    def __init__(self, body, options):
        super().__init__(body, options)
        self.max_tokens = body["options"]["num_predict"]

    def frame(self, event):
        return json.dumps(event).encode() + b"\n"

    def piece(self, text):
        return {"model": MODEL, "response": text, "done": False}

    def ending(self, usage, generated, prompt_s, generation_s):
        event = {"model": MODEL, "response": "", "done": True, "done_reason": "length"}
        if usage:
            event.update(prompt_eval_count=self.prompt_tokens, prompt_eval_duration=int(prompt_s * 1e9),
                         eval_count=generated, eval_duration=int(generation_s * 1e9), load_duration=1000)
        return [event]


class OpenAiAnswer(Answer):
    def piece(self, text):
        return {"object": "text_completion", "choices": [{"index": 0, "text": text, "finish_reason": None}]}

    def ending(self, usage, generated, prompt_s, generation_s):
        events = [self.last()]
        if usage:
            events.append({"choices": [], "usage": {"prompt_tokens": self.prompt_tokens, "completion_tokens": generated}})
        return [*events, b"data: [DONE]\n\n"]

    def last(self):
        return {"object": "text_completion", "choices": [{"index": 0, "text": "", "finish_reason": "length"}]}


class ChatAnswer(OpenAiAnswer):
    def __init__(self, body, options):
        super().__init__(body, options)
        self.prompt_tokens = CHAT_OVERHEAD + len(body["messages"][0]["content"].split())
        self.max_tokens = body["max_tokens"]

    def piece(self, text):
        return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}

    def last(self):
        return {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}


def name_thread(name):
    ctypes.CDLL(None).prctl(15, name.encode(), 0, 0, 0)  # PR_SET_NAME


def spin(library):
    """Polls for ever, as a runtime does that has no interrupt event. ctypes lets Python go on meanwhile."""
    name_thread("hsa-poll")
    never = ctypes.c_uint64(0)
    poll = getattr(ctypes.CDLL(library), POLL)
    poll.argtypes = [ctypes.POINTER(ctypes.c_uint64), ctypes.c_uint64]
    while True:
        poll(ctypes.byref(never), 2**63)


def wake_up(times):
    name_thread("waker")
    while True:
        time.sleep(1 / times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--dialect", choices=["llama-server", "ollama", "openai", "openai-chat"], default="llama-server")
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--prefill-rate", type=float, default=20000)
    parser.add_argument("--context", type=int, default=8192)
    parser.add_argument("--loading", type=float, default=0, help="seconds")
    parser.add_argument("--loaded", action="store_true", help="Ollama: the model is in memory")
    parser.add_argument("--key", help="that clients must show")
    parser.add_argument("--fault")
    parser.add_argument("--after", type=int, default=0, help="-1: hang already when asked what it is")
    parser.add_argument("--spin", type=int, default=0)
    parser.add_argument("--spinner")
    parser.add_argument("--wakeups", type=float, default=0)
    parser.add_argument("--deaf", action="store_true", help="ignores SIGTERM")
    options = parser.parse_args()
    if options.deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server = Server(options)
    for _ in range(options.spin):
        threading.Thread(target=spin, args=[options.spinner], daemon=True).start()
    if options.wakeups:
        threading.Thread(target=wake_up, args=[options.wakeups], daemon=True).start()
    print(f"listening on {server.server_port}", flush=True)
    server.serve_forever(poll_interval=3600)


if __name__ == "__main__":
    main()
