"""A TCP proxy that does to connections what bad networks do, by a seed.

    tcp_proxy.py LISTEN TO SEED [--delay-ms N] [--cut P] [--stall P] [--stall-ms N] [--corrupt P] [--for S]

LISTEN and TO are ADDRESS:PORT. Every piece that passes is held for the delay, in order. Each second each connection is cut with the
probability P of --cut, or stands still for --stall-ms with that of --stall. A byte of a piece is changed with the
probability of --corrupt. After --for seconds it does nothing more to what passes. At SIGTERM it prints what it did, as JSON.
"""
import asyncio
import collections
import json
import os
import random
import signal
import sys
import time

PIECE = 65536


class Proxy:
    def __init__(self, words):
        options = dict(zip(words[3::2], words[4::2]))
        self.listen, self.to = [(at.rsplit(":", 1)[0], int(at.rsplit(":", 1)[1])) for at in words[:2]]
        self.random = random.Random(int(words[2]))
        self.delay = float(options.get("--delay-ms", 0)) / 1000
        self.cut, self.stall, self.corrupt = (float(options.get(name, 0)) for name in ("--cut", "--stall", "--corrupt"))
        self.stall_for = float(options.get("--stall-ms", 2000)) / 1000
        self.ends = time.monotonic() + float(options.get("--for", 1e9))
        self.did = collections.Counter()
        self.still_until = {}

    def bad(self):
        return time.monotonic() < self.ends

    async def pump(self, reader, writer, link):
        """Reads on while earlier pieces wait for their time: the delay costs no throughput."""
        waiting = asyncio.Queue(maxsize=256)

        async def send():
            while True:
                due, piece = await waiting.get()
                due = max(due, self.still_until.get(link, 0))
                if due > time.monotonic():
                    await asyncio.sleep(due - time.monotonic())
                if piece is None:
                    return
                writer.write(piece)
                await writer.drain()

        sender = asyncio.create_task(send())
        try:
            while piece := await reader.read(PIECE):
                if self.bad() and self.random.random() < self.corrupt:
                    at = self.random.randrange(len(piece))
                    piece = piece[:at] + bytes([piece[at] ^ (1 << self.random.randrange(8))]) + piece[at + 1:]
                    self.did["corrupted"] += 1
                self.did["bytes"] += len(piece)
                await waiting.put((time.monotonic() + (self.delay if self.bad() else 0), piece))
            await waiting.put((0, None))
            await sender
        finally:
            sender.cancel()

    async def trouble(self, link):
        """Returns when the connection is to be cut."""
        while True:
            await asyncio.sleep(1)
            if not self.bad():
                continue
            if self.random.random() < self.cut:
                self.did["cut"] += 1
                return
            if self.random.random() < self.stall:
                self.did["stalled"] += 1
                self.still_until[link] = time.monotonic() + self.stall_for

    async def connection(self, reader, writer):
        link = object()
        self.did["connections"] += 1
        writers = [writer]
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.to)
            writers.append(far_writer)
            tasks = [asyncio.create_task(one) for one in (self.pump(reader, far_writer, link), self.pump(far_reader, writer, link),
                                                          self.trouble(link))]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        except OSError:
            self.did["unreachable"] += 1
        finally:
            self.still_until.pop(link, None)
            for one in writers:
                one.transport.abort()

    async def run(self):
        over = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
        server = await asyncio.start_server(self.connection, *self.listen)
        print("proxying", flush=True)
        await over.wait()
        server.close()
        print(json.dumps(self.did), flush=True)
        os._exit(0)  # what still waits for its time is nobody's any more


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    asyncio.run(Proxy(sys.argv[1:]).run())
