"""A synthetic web of many hosts, the same for the same seed: its graph, its server, and the log that the server writes.

    synthetic_web.py ADDRESS:PORT LOG SEED HOSTS PAGES [--latency-ms N] [--big-bytes N]      serves until it is killed

Every name is served: hosts are h0.test, h1.test, ... A request is one line of the log: begin and end (CLOCK_MONOTONIC, the
end taken before the answer leaves), host, path, source address, status. What a crawl must have is `Web.expected()`.
"""
import asyncio
import base64
import collections
import hashlib
import os
import sys
import time

Request = collections.namedtuple("Request", "begin end host path source status")
Page = collections.namedtuple("Page", "status digest")
ROBOTS = b"User-agent: *\nDisallow: /private/\n"


def payload_digest(body):
    return "sha1:" + base64.b32encode(hashlib.sha1(body).digest()).decode()


class Web:
    """`pages` of each of `hosts` hosts, and beside them redirects, dead links and links that robots.txt forbids."""

    def __init__(self, seed, hosts, pages, port, big_bytes=0):
        self.seed, self.hosts, self.pages, self.port, self.big_bytes = seed, hosts, pages, port, big_bytes

    def origin(self, host):
        return f"http://h{host}.test:{self.port}"

    def start(self):
        return self.origin(0) + "/"

    @staticmethod
    def path(page):
        return f"/p{page}" if page else "/"

    def _draw(self, *what):
        return int.from_bytes(hashlib.blake2b(repr((self.seed, *what)).encode(), digest_size=8).digest(), "big")

    def links(self, host, page):
        """A tree within the host, a tree of hosts between their start pages, and one link to anywhere."""
        found = [self.path(child) for child in (2 * page + 1, 2 * page + 2) if child < self.pages]
        if page == 0:
            found += [self.origin(child) + "/" for child in (2 * host + 1, 2 * host + 2) if child < self.hosts]
            found += ["/big"] if host == 0 and self.big_bytes else []
        draw = self._draw("link", host, page)
        found.append(self.origin(draw % self.hosts) + self.path((draw >> 20) % self.pages))
        special = (page + draw % 3) % 40
        return found + {7: [f"/missing/{page}"], 9: [f"/moved/{page}"], 11: [f"/private/{page}"]}.get(special, [])

    def body(self, host, page):
        anchors = "".join(f'<a href="{link}">{link}</a>\n' for link in self.links(host, page))
        draw = self._draw("text", host, page)
        text = f"{draw:016x} " * (20 + draw % 400)
        return f"<!doctype html><title>{host}/{page}</title><body>{anchors}<p>{text}".encode()

    def big(self):
        """A page that takes a while to read."""
        piece = b"<p class=a title='x'>text &amp; more <b>of</b> it</p>\n"
        return b"<!doctype html><title>big</title>" + piece * (self.big_bytes // len(piece))

    def answer(self, host, path):
        """Status, further header lines, body."""
        number = int(host[1:]) if host[1:].isdigit() else self.hosts
        if path == "/robots.txt":
            return 200, b"Content-Type: text/plain\r\n", ROBOTS
        if path.startswith("/moved/"):
            return 302, f"Location: /p{path[7:]}\r\n".encode(), b""
        if path == "/big" and number == 0 and self.big_bytes:
            return 200, b"Content-Type: text/html\r\n", self.big()
        page = 0 if path == "/" else int(path[2:]) if path[:2] == "/p" and path[2:].isdigit() else self.pages
        if number >= self.hosts or page >= self.pages:
            return 404, b"Content-Type: text/plain\r\n", b"no such page\n"
        return 200, b"Content-Type: text/html\r\n", self.body(number, page)

    def expected(self):
        """Every URL that a crawl of everything stores, with its status and the digest of its payload."""
        found = {}
        for host in range(self.hosts):
            for page in range(self.pages):
                paths = [self.path(page)] + [link for link in self.links(host, page)
                                             if link.startswith(("/missing/", "/moved/", "/big"))]
                for path in paths:
                    status, _, body = self.answer(f"h{host}", path)
                    found[self.origin(host) + path] = Page(status, payload_digest(body))
        return found


def read_log(path):
    """The requests so far, in the order of their begin; a line that is being written is left out."""
    found = []
    with open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            words = line.split(" ")
            if line.endswith("\n") and len(words) == 6:
                found.append(Request(float(words[0]), float(words[1]), *words[2:5], int(words[5])))
    return sorted(found)


class Connection(asyncio.Protocol):
    web = None
    log = -1
    latency = 0.0

    def connection_made(self, transport):
        self.transport = transport
        self.source = transport.get_extra_info("peername")[0]
        self.received = b""

    def data_received(self, data):
        self.received += data
        while b"\r\n\r\n" in self.received:
            begin = time.monotonic()
            head, self.received = self.received.split(b"\r\n\r\n", 1)
            lines = head.decode("latin-1").split("\r\n")
            path = lines[0].split(" ")[1]
            host = next(line[5:].strip() for line in lines if line.lower().startswith("host:"))
            if self.latency:
                asyncio.get_running_loop().call_later(self.latency, self.reply, begin, host, path)
            else:
                self.reply(begin, host, path)

    def reply(self, begin, host, path):
        status, fields, body = self.web.answer(host.split(":")[0].split(".")[0], path)
        line = f"{begin:.6f} {time.monotonic():.6f} {host} {path} {self.source} {status}\n"
        os.write(self.log, line.encode())
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 %d Told\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), fields) + body)


async def serve(words):
    options = dict(zip(words[5::2], words[6::2]))
    address, port = words[0].rsplit(":", 1)
    Connection.web = Web(int(words[2]), int(words[3]), int(words[4]), int(port), int(options.get("--big-bytes", 0)))
    Connection.latency = float(options.get("--latency-ms", 0)) / 1000
    Connection.log = os.open(words[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    server = await asyncio.get_running_loop().create_server(Connection, address, int(port), backlog=1024)
    print("serving", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    asyncio.run(serve(sys.argv[1:]))
