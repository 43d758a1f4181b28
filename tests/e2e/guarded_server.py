"""A server for a guard to guard: speaks HTTP by hand, so that it can do what a library would not.

    guarded_server.py --port N [--seen FILE] [--spin N] [--loading SECONDS] [--deaf] [--fork] [--never-ready]

    GET  /health, /v1/models, /metrics, /pid
    POST /echo                the body back; X-Id of the request is appended to FILE
    GET  /stream?n=5&every=10 so many server-sent events, one every so many ms
    GET  /chunks              chunks with an extension and a trailer
    GET  /until-close         a body that ends with the connection
    GET  /early               an answer before the request's body was read
    GET  /interim             103 Early Hints before the answer
    GET  /upgrade             101, then what comes is sent back in capitals
    GET  /work?s=3            an answer, and then that many seconds of work that nobody asked for
    GET  /crash, /crash-mid   the process ends with status 7, without or within its answer
    GET  /half                closes the connection in the middle of an answer
    GET  /gone                how many requests were left by their clients before their answer
"""
import argparse
import asyncio
import json
import os
import signal
import sys
import threading
import time
from urllib.parse import parse_qs, urlsplit

gone = 0


def burn(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


class Connection:
    def __init__(self, options, reader, writer):
        self.options, self.reader, self.writer = options, reader, writer

    async def serve(self):
        global gone
        try:
            while await self.serve_one():
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            gone += 1
        finally:
            self.writer.close()

    async def serve_one(self):
        first = await self.reader.readline()
        if not first:
            return False
        method, target, version = first.decode().split()
        self.headers = {}
        while (line := (await self.reader.readline()).strip()):
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()
        url = urlsplit(target)
        self.query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/early":
            await self.answer({"early": True}, 413, more="Connection: close\r\n")
            return False
        if self.headers.get("expect") == "100-continue":
            await self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.body = await self.read_body()
        if self.options.never_ready:
            await self.answer({"error": "loading"}, 503)
            return True
        page = getattr(self, "page" + url.path.replace("/", "_").replace("-", "_"), None)
        if page is None:
            await self.answer({"error": "not found", "path": url.path}, 404)
        elif await page(method) is False:
            return False
        return version == "HTTP/1.1" and self.headers.get("connection", "").lower() != "close"

    async def read_body(self):
        if self.headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int((await self.reader.readline()).split(b";")[0], 16):
                body += await self.reader.readexactly(size)
                await self.reader.readexactly(2)
            while (await self.reader.readline()).strip():
                pass
            return body
        return await self.reader.readexactly(int(self.headers.get("content-length", 0)))

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body, status=200, more=""):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n{more}\r\n"
        await self.send(head.encode() + data)

    async def page_health(self, _):
        await self.answer({"status": "ok"})

    async def page_v1_models(self, _):
        await self.answer({"object": "list", "data": [{"id": self.options.name, "object": "model"}]})

    async def page_metrics(self, _):
        await self.answer(b"seen_total 1\n")

    async def page_pid(self, _):
        await self.answer({"pid": os.getpid(), "name": self.options.name})

    async def page_gone(self, _):
        await self.answer({"gone": gone})

    async def page_echo(self, method):
        if self.options.seen:
            fd = os.open(self.options.seen, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(fd, (self.headers.get("x-id", "?") + "\n").encode())
            os.close(fd)
        data = b"" if method == "HEAD" else self.body
        await self.send(b"HTTP/1.1 200 Fine\r\nX-Odd:  as  it is\r\nx-id: " + self.headers.get("x-id", "").encode() +
                        b"\r\nContent-Length: %d\r\n\r\n" % len(self.body) + data)

    page_v1_chat_completions = page_echo

    async def page_stream(self, _):
        await self.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(int(self.query.get("n", 5))):
            event = b"data: %d %.6f\n\n" % (i, time.monotonic())
            await self.send(b"%x\r\n%s\r\n" % (len(event), event))
            await asyncio.sleep(float(self.query.get("every", 10)) / 1000)
        await self.send(b"0\r\n\r\n")

    async def page_chunks(self, _):
        await self.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                        b"5;name=value\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 6\r\n\r\n")

    async def page_until_close(self, _):
        await self.send(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")
        return False

    async def page_interim(self, _):
        await self.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await self.answer({"late": True})

    async def page_upgrade(self, _):
        await self.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: capitals\r\nConnection: Upgrade\r\n\r\n")
        while data := await self.reader.read(1000):
            await self.send(data.upper())
        return False

    async def page_work(self, _):
        threading.Thread(target=burn, args=(float(self.query["s"]),), daemon=True).start()
        await self.answer({"working": True})

    async def page_crash(self, _):
        os._exit(7)

    async def page_crash_mid(self, _):
        await self.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
        await asyncio.sleep(0.05)
        os._exit(7)

    async def page_half(self, _):
        await self.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
        return False


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", default="fake-7b")
    parser.add_argument("--seen")
    parser.add_argument("--spin", type=int, default=0)
    parser.add_argument("--loading", type=float, default=0)
    parser.add_argument("--deaf", action="store_true", help="ignores SIGTERM")
    parser.add_argument("--fork", action="store_true", help="the server is a child")
    parser.add_argument("--never-ready", action="store_true")
    options = parser.parse_args()
    if options.deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for _ in range(options.spin):
        if os.fork() == 0:
            while True:
                pass
    time.sleep(options.loading)
    server = await asyncio.start_server(lambda r, w: Connection(options, r, w).serve(), "127.0.0.1", options.port,
                                        backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    if "--fork" in sys.argv and os.fork() != 0:
        os.wait()
        sys.exit(0)
    asyncio.run(main())
