"""Hosts that misbehave end with their reason, in bounded time, and keep nobody else's pages from being fetched.

    bad_hosts_test.py WEFT
"""
import os
import struct
import socket
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from scripted_site import RawServer, Site, fan, refused_port  # noqa: E402
from weft_process import LOOPBACK, Checks, Running, rows, status  # noqa: E402

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


def garbage(connection):
    connection.sendall(b"\x00\x01\x02 this is no HTTP \xff\xfe\r\n\r\n" * 20)


def nothing(connection):
    connection.close()


def hang(connection):
    time.sleep(300)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def endless_headers(connection):
    connection.sendall(HEAD)
    for number in range(10**9):
        connection.sendall(b"X-Filler-%d: %s\r\n" % (number, b"x" * 1000))


def endless_body(connection):
    connection.sendall(HEAD + b"\r\n")
    while True:
        connection.sendall(b"<p>more and more</p>\n" * 1000)


def drip(connection):
    connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
    for _ in range(600):
        connection.sendall(b"x")
        time.sleep(0.5)


def short_body(connection):
    connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\nonly this")


def short_at_first():
    """Closes in the middle of the body twice, and answers whole from then on."""
    number = [0]

    def answer(connection):
        number[0] += 1
        if number[0] <= 2:
            short_body(connection)
        else:
            connection.sendall(HEAD + b"Content-Length: 5\r\nConnection: close\r\n\r\nwhole")
    return answer


def endless_redirect():
    number = [0]

    def answer(connection):
        number[0] += 1
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /%d\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" %
                           number[0])
    return answer


def bomb(connection):
    """A gzip member of many megabytes of zeros."""
    import gzip
    body = gzip.compress(b"\0" * (64 << 20))
    connection.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


# name: (behaviour, how the seed ends: a reason of the ledger, or "done")
BEHAVIOURS = {
    "garbage": (garbage, "protocol"),
    "no byte at all": (nothing, "truncated-early"),
    "hang": (hang, "timeout"),
    "reset": (reset, "truncated-early"),
    "endless headers": (endless_headers, "protocol"),
    "drip": (drip, "done"),
    "short body": (short_body, "done"),
    "short at first": (short_at_first(), "done"),  # not in CUT: asked again until it came whole
    "endless body": (endless_body, "done"),
    "bomb": (bomb, "done"),
}
CUT = ("drip", "endless body", "short body")  # what came is stored, and marked as truncated


class BadHosts(Checks):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name

    def crawl(self, name, seeds, *words):
        out = os.path.join(self.folder, name)
        seed_file = os.path.join(self.folder, f"{name}.txt")
        with open(seed_file, "w", encoding="utf-8") as file:
            file.write("\n".join(seeds))
        return out, Running(os.path.join(self.folder, f"{name}.log"), "crawl", "-i", seed_file, "--out", out, *LOOPBACK,
                            "--contact", "me@example.org", "--delay", "0", "--timeout", "3s", "--connect-timeout",
                            "2s", "--max-body", "1MiB", *words)

    def ends(self, out):
        """The last line of crawl.log about each URL: (status, annotation)."""
        found = {}
        with open(os.path.join(out, "crawl.log"), encoding="utf-8") as log:
            for line in log:
                fields = line.split()
                found[fields[3]] = (int(fields[1]), fields[-1])
        return found

    def test_each_ends_with_its_reason_and_the_good_ones_are_complete(self):
        good = [Site(fan(30)) for _ in range(3)]
        servers = {name: RawServer(behaviour) for name, (behaviour, _) in BEHAVIOURS.items()}
        circle = RawServer(endless_redirect())
        for server in [*good, *servers.values(), circle]:
            self.addCleanup(server.close)
        host, port = refused_port()
        refused = f"http://{host}:{port}/"
        unknown = "http://no-such-host.invalid/"
        seeds = [*(server.url() for server in servers.values()), circle.url(), refused, unknown,
                 *(site.url() for site in good)]
        begin = time.monotonic()
        plain_out, plain = self.crawl("plain", seeds, "--ignore-robots")
        robots_out, robots = self.crawl("robots", seeds)
        with plain, robots:
            plain.wait_for(lambda: all(len(set(site.paths())) == 32 for site in good), "the good hosts are complete", 15)
            self.assertEqual(plain.wait(120), 0, plain.told())
            plain_seconds = time.monotonic() - begin
            self.assertEqual(robots.wait(240), 0, robots.told())
        print(f"without robots.txt {plain_seconds:.0f} s, with it {time.monotonic() - begin:.0f} s", flush=True)

        with self.subTest("without robots.txt"):
            self.look(plain_out, good, servers, circle, refused, unknown)
        with self.subTest("with robots.txt"):
            self.look_with_robots(robots_out, good, servers, refused, unknown)

    def look(self, out, good, servers, circle, refused, unknown):
        now = status(out)
        self.adds_up(now)
        self.assertEqual(now["state"], "finished")
        ends = self.ends(out)
        for name, (_, expected) in BEHAVIOURS.items():
            with self.subTest(name):
                code, told = ends[servers[name].url()]
                if expected == "done":
                    self.assertEqual(code, 200, told)
                else:
                    self.assertTrue(told.startswith(expected), f"{told}, expected {expected}")
        self.assertTrue(ends[refused][1].startswith("connect"), ends[refused])
        self.assertTrue(ends[unknown][1].startswith("dns"), ends[unknown])
        expected = {"connect": 1, "dns": 1}
        for _, reason in BEHAVIOURS.values():
            if reason != "done":
                expected[reason] = expected.get(reason, 0) + 1
        self.assertEqual(now["ledger"]["failed"], expected)
        exported = rows(out)
        for site in good:
            self.assertEqual(sum(row["url"].startswith(site.origin) for row in exported), 31)
        cut = sorted(row["url"] for row in exported if row["truncated"])
        self.assertEqual(cut, sorted(servers[name].url() for name in CUT))
        self.assertEqual(now["truncated"], len(CUT))
        hops = sum(row["url"].startswith(circle.url()) for row in exported)
        self.assertLessEqual(hops, 11)

    def look_with_robots(self, out, good, servers, refused, unknown):
        now = status(out)
        self.adds_up(now)
        self.assertEqual(now["state"], "finished")
        self.assertEqual(now["ledger"]["queued"], 0)
        ends = self.ends(out)
        self.assertTrue(ends[refused][1].startswith("connect"), ends[refused])
        self.assertTrue(ends[unknown][1].startswith("dns"), ends[unknown])
        # Rules that cannot be had keep the host from being asked for anything else.
        for name in ("hang", "garbage", "no byte at all", "reset", "endless headers"):
            with self.subTest(name):
                reason = "robots-unreachable|" + BEHAVIOURS[name][1]
                self.assertRegex(ends[servers[name].url()][1], f"^({reason})")
        exported = rows(out)
        for site in good:
            self.assertEqual(sum(row["url"].startswith(site.origin) and row["status"] == 200 for row in exported), 31)


if __name__ == "__main__":
    weft_process.main(__doc__)
