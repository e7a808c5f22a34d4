"""Hosts that are asked through a proxy by a rule, beside hosts that are not. Their names mean something to the proxies alone.

    proxies_test.py WEFT
"""
import base64
import contextlib
import gzip
import json
import os
import socket
import tempfile
import threading

import weft_process
from scripted_site import Site, fan, next_address, text
from weft_process import LOOPBACK, Checks, Running, rows, status, weft

OPTIONS = (*LOOPBACK, "--contact", "test@example.org")

USER, PASSWORD = "caretaker", "open-sesame"
SECRETS = (PASSWORD, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())


def pump(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


class Proxy:
    """`names` maps what is asked for, "host:port", to an address; `log` tells what was, in order."""

    scheme = ""

    def __init__(self, names):
        self.names, self.log = names, []
        self._listener = socket.create_server((next_address(), 0))
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, user=""):
        address, port = self._listener.getsockname()
        return f"{self.scheme}://{user}{address}:{port}"

    def close(self):
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, client):
        with client, contextlib.suppress(OSError, EOFError, KeyError):
            self.talk(client, client.makefile("rb"))

    def connect(self, name):
        host, port = self.names[name]
        return socket.create_connection((host, port))

    def tunnel(self, client, name):
        with self.connect(name) as upstream:
            threading.Thread(target=pump, args=(upstream, client), daemon=True).start()
            pump(client, upstream)


class HttpProxy(Proxy):
    scheme = "http"

    def talk(self, client, reader):
        while head := self.read_head(reader):
            method, target, _ = head[0].split(" ")
            fields = dict(line.split(": ", 1) for line in head[1:])
            self.log.append((method, target, fields.get("Proxy-Authorization", "")))
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 here you are\r\n\r\n")
                return self.tunnel(client, target)
            name, path = target.removeprefix("http://").split("/", 1)
            with self.connect(name if ":" in name else name + ":80") as upstream:
                upstream.sendall(f"{method} /{path} HTTP/1.1\r\nHost: {fields['Host']}\r\nConnection: close\r\n\r\n".encode())
                while data := upstream.recv(65536):
                    client.sendall(data)
        return None

    @staticmethod
    def read_head(reader):
        lines = []
        while (line := reader.readline().decode().rstrip("\r\n")):
            lines.append(line)
        return lines


class Socks5Proxy(Proxy):
    scheme = "socks5h"

    @staticmethod
    def take(reader, count):
        data = reader.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def talk(self, client, reader):
        _, methods = self.take(reader, 2)
        offered = self.take(reader, methods)
        who = ""
        if 2 in offered:  # user and password, RFC 1929
            client.sendall(b"\5\2")
            self.take(reader, 1)
            who = ":".join(self.take(reader, self.take(reader, 1)[0]).decode() for _ in range(2))
            client.sendall(b"\1\0")
        else:
            client.sendall(b"\5\0")
        kind = self.take(reader, 4)[3]
        host = self.take(reader, self.take(reader, 1)[0]).decode() if kind == 3 else socket.inet_ntoa(self.take(reader, 4))
        name = f"{host}:{int.from_bytes(self.take(reader, 2), 'big')}"
        self.log.append(("name" if kind == 3 else "address", name, who))
        client.sendall(b"\5\0\0\1" + bytes(6))
        self.tunnel(client, name)


def stored_bytes(folder):
    """Everything below the folder, unpacked, but for the crawl's own settings."""
    for at, _, names in os.walk(folder):
        for name in names:
            if "crawl.db" in at or not os.path.isfile(os.path.join(at, name)):
                continue
            path = os.path.join(at, name)
            with (gzip.open(path) if name.endswith(".gz") else open(path, "rb")) as file:
                yield path, file.read()


class Proxies(Checks):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="weft-proxies-"))
        self.out = os.path.join(self.folder, "crawl")

    def site(self, **pages):
        site = Site(fan(3, **{"/robots.txt": text("User-agent: *\nDisallow: /p2\n")}, **pages))
        self.addCleanup(site.close)
        return site

    def proxy(self, kind, **names):
        proxy = kind({f"{host}.example:80": (site.address, site.port) for host, site in names.items()})
        self.addCleanup(proxy.close)
        return proxy

    def crawl(self, *seeds_and_options):
        told = weft("crawl", *seeds_and_options, "--out", self.out, *OPTIONS, "--delay", "0s")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.adds_up(status(self.out))
        return told

    def paths(self, origin):
        return sorted(row["url"].removeprefix(origin) for row in rows(self.out) if row["url"].startswith(origin))

    def test_each_host_goes_the_way_that_its_rule_says(self):
        plain, socks, direct = self.site(), self.site(), self.site()
        http_proxy, socks_proxy = self.proxy(HttpProxy, plain=plain), self.proxy(Socks5Proxy, socks=socks)
        self.crawl("http://plain.example/", "http://socks.example/", direct.url(),
                   "--rule", f"match=//plain\\.example/ proxy={http_proxy.url()}",
                   "--rule", f"match=//socks\\.example/ proxy={socks_proxy.url()}")
        for origin in ("http://plain.example", "http://socks.example", direct.origin):
            self.assertEqual(self.paths(origin), ["/", "/p0", "/p1"], origin)
        # robots.txt went the same way, and nothing that is not the host's.
        self.assertEqual(sorted(target for _, target, _ in http_proxy.log),
                         [f"http://plain.example/{path}" for path in ("", "p0", "p1", "robots.txt")])
        self.assertEqual({entry[:2] for entry in socks_proxy.log}, {("name", "socks.example:80")})
        for site in (plain, socks, direct):
            self.assertEqual(sorted(site.paths()), ["/", "/p0", "/p1", "/robots.txt"])
        # A proxied request that reached its site was made by the proxy: the direct one alone is asked by our name.
        agents = [{asked.headers.get("User-Agent", "") for asked in site.asked} for site in (plain, direct)]
        self.assertEqual(agents[0], {""})
        self.assertNotIn("", agents[1])

    def test_a_rule_takes_a_host_from_the_crawls_proxy(self):
        plain, direct = self.site(), self.site()
        proxy = self.proxy(HttpProxy, plain=plain)
        self.crawl("http://plain.example/", direct.url(), "--proxy", proxy.url(),
                   "--rule", f"match=//{direct.address} proxy=none")
        self.assertEqual(self.paths(direct.origin), ["/", "/p0", "/p1"])
        self.assertEqual(json.loads(weft("politeness", direct.address, self.out, "--json").stdout)["proxy"], "none")
        self.assertEqual(json.loads(weft("politeness", "plain.example", self.out, "--json").stdout)["proxy"], "")
        self.assertEqual(len(proxy.log), 4)
        self.assertTrue(all(target.startswith("http://plain.example/") for _, target, _ in proxy.log), proxy.log)

    def test_https_goes_through_a_tunnel(self):
        proxy = self.proxy(HttpProxy)
        log = os.path.join(self.folder, "log")
        with Running(log, "crawl", "https://safe.example/", "--out", self.out, *OPTIONS,
                     "--rule", f"match=//safe\\.example/ proxy={proxy.url()}") as crawl:
            crawl.wait_for(lambda: proxy.log, "the proxy was asked for a tunnel")
        self.assertEqual(proxy.log[0][:2], ("CONNECT", "safe.example:443"))

    def test_a_password_is_told_to_the_proxy_alone(self):
        plain, socks = self.site(), self.site()
        http_proxy, socks_proxy = self.proxy(HttpProxy, plain=plain), self.proxy(Socks5Proxy, socks=socks)
        who = f"{USER}:{PASSWORD}@"
        rules = ("--rule", f"match=//plain\\.example/ proxy={http_proxy.url(who)}",
                 "--rule", f"match=//socks\\.example/ proxy={socks_proxy.url(who)}")
        told = self.crawl("http://plain.example/", "http://socks.example/", *rules, "--log-level", "debug")
        self.assertEqual({entry[2] for entry in http_proxy.log}, {f"Basic {SECRETS[1]}"})
        self.assertEqual({entry[2] for entry in socks_proxy.log}, {f"{USER}:{PASSWORD}"})
        ruled = weft("politeness", "plain.example", self.out)
        self.assertRegex(ruled.stdout, r"proxy +http://…@\S+, by a rule")
        shown = [told.stdout, told.stderr]
        for words in (("status", self.out), ("status", self.out, "--json"), ("politeness", "socks.example", self.out),
                      ("politeness", "plain.example", self.out), ("export", self.out),
                      # Another rule than the crawl's: what is told of the change, and what is wrong with a rule.
                      ("crawl", "http://plain.example/", "--out", self.out, *OPTIONS, *rules[:2]),
                      ("crawl", "http://plain.example/", "--out", self.out, "--rule", rules[1] + " priority=1000")):
            done = weft(*words)
            shown += [done.stdout, done.stderr]
        stored = [content.decode(errors="replace") for _, content in stored_bytes(self.out)]
        self.assertTrue(any("GET http://plain.example/p1" in content for content in stored), "the requests are stored")
        for secret in SECRETS:
            for text_shown in shown + stored:
                self.assertNotIn(secret, text_shown)


if __name__ == "__main__":
    weft_process.main(__doc__)
