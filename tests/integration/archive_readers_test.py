"""Weft's own files through readers that others wrote: warcio, cdxj-indexer, wacz and pywb, installed from PyPI below the build folder. Where that
cannot be, the tests are skipped and say so.

    archive_readers_test.py WEFT
"""
import contextlib
import gzip
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from scripted_site import Answer, Site, page, redirect  # noqa: E402
from weft_process import LOOPBACK, Checks, rows, weft  # noqa: E402

# Both sets have versions of their own of what they stand on.
READERS = {"warcio": ("warcio==1.8.1", "cdxj-indexer==1.5.0"), "wacz": ("wacz==0.6.0",), "pywb": ("pywb==2.10.0", "setuptools<81")}
INSTALL_SECONDS = 500


def installed(name):
    """The folder that holds the set; skips the test where it cannot be had."""
    folder = os.path.join(os.path.dirname(weft_process.binary), "readers", name)
    done = os.path.join(folder, "installed")
    if not os.path.exists(done):
        words = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", folder, *READERS[name]]
        try:
            told = subprocess.run(words, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            raise unittest.SkipTest(f"pip did not install {READERS[name]} within {INSTALL_SECONDS} s") from None
        if told.returncode != 0:
            raise unittest.SkipTest(f"pip cannot install {READERS[name]}: {told.stderr.strip()[-300:]}")
        with open(done, "w", encoding="utf-8") as file:
            file.write("\n".join(READERS[name]) + "\n")
    return folder


def run(name, *words, **more):
    """A Python module of the set."""
    environment = {**os.environ, "PYTHONPATH": installed(name), "PYTHONWARNINGS": "ignore"}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, env=environment, timeout=120, **more)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Wayback:
    """pywb's server over WARC files, with the index that Weft makes of the crawl."""

    def __init__(self, folder, files, crawl):
        installed("pywb")
        root = os.path.join(folder, "pywb")
        collection = os.path.join(root, "collections", "site")
        for name in ("archive", "indexes"):
            os.makedirs(os.path.join(collection, name))
        for path in files:
            os.link(path, os.path.join(collection, "archive", os.path.basename(path)))
        told = weft("index", crawl, "--out", os.path.join(collection, "indexes", "index.cdxj"))
        if told.returncode != 0:
            raise AssertionError(told.stderr)
        self.port = free_port()
        self.log = os.path.join(folder, "pywb.log")
        environment = {**os.environ, "PYTHONPATH": installed("pywb"), "PYTHONWARNINGS": "ignore"}
        script = f"import sys\nsys.argv = ['wayback', '-p', '{self.port}', '-b', '127.0.0.1', '-d', {root!r}]\nfrom pywb.apps.cli import wayback\nwayback()\n"
        with open(self.log, "wb") as log:
            self.server = subprocess.Popen([sys.executable, "-c", script], stdout=log, stderr=log, env=environment)

    def url(self, url):
        return f"http://127.0.0.1:{self.port}/site/id_/{url}"

    def begin(self, test):
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            with open(self.log, encoding="utf-8", errors="replace") as log:
                test.assertIsNone(self.server.poll(), log.read())
                test.assertLess(time.monotonic(), end, log.read())
            time.sleep(0.1)

    def close(self):
        self.server.kill()
        self.server.wait()


class Readers(Checks):
    @classmethod
    def setUpClass(cls):
        cls.held = contextlib.ExitStack()
        cls.addClassCleanup(cls.held.close)
        cls.folder = cls.held.enter_context(tempfile.TemporaryDirectory(prefix="weft-readers-"))
        cls.out = os.path.join(cls.folder, "crawl")
        cls.site = Site({
            "/": page("/a", "/b?x=1&y=2", "/gone", "/moved", "/packed", "/ä"),
            "/a": page("/", title="a"), "/b?x=1&y=2": page(), "/moved": redirect("/a"), "/%C3%A4": page(title="umlaut"),
            "/packed": Answer(200, {"Content-Type": "text/html", "Content-Encoding": "gzip"}, gzip.compress(b"<title>packed</title>hello")),
        })
        cls.held.callback(cls.site.close)
        told = weft("crawl", cls.site.url("/"), "--out", cls.out, *LOOPBACK, "--delay", "0s", "--parsers", "2")
        if told.returncode != 0:
            raise AssertionError(told.stderr)
        cls.warc = os.path.join(cls.out, "warc")
        cls.files = sorted(os.path.join(cls.warc, name) for name in os.listdir(cls.warc) if name.endswith(".warc.gz"))

    def test_warcio_checks_and_iterates(self):
        told = run("warcio", "-m", "warcio.cli", "check", "-v", *self.files)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        self.assertNotIn("fail", told.stdout)
        self.assertIn("digest pass", told.stdout)
        script = ("import sys, json\nfrom warcio.archiveiterator import ArchiveIterator\n"
                  "for path in sys.argv[1:]:\n"
                  "    with open(path, 'rb') as file:\n"
                  "        records = ArchiveIterator(file)\n"
                  "        for record in records:\n"
                  "            body = record.content_stream().read()\n"
                  "            print(json.dumps([records.get_record_offset(), record.rec_type, record.rec_headers.get_header('WARC-Target-URI'),"
                  " records.get_record_length(), record.rec_headers.get_header('WARC-Date')]))\n")
        told = run("warcio", "-c", script, *self.files)
        self.assertEqual(told.returncode, 0, told.stderr)
        ours = [json.loads(line) for line in weft("warc", "check", "--json", *self.files).stdout.splitlines()]
        self.assertEqual([json.loads(line) for line in told.stdout.splitlines()],
                         [[one["offset"], one["type"], one["uri"], one["length"], one["date"]] for one in ours])

    def test_cdxj_indexer_writes_the_same_index(self):
        script = "import sys\nfrom cdxj_indexer.main import main\nmain(['-s', '-p', *sys.argv[1:]])\n"
        told = run("warcio", "-c", script, *self.files)
        self.assertEqual(told.returncode, 0, told.stderr)

        def parsed(text):
            lines = [line.split(" ", 2) for line in text.splitlines()]
            # Some versions write no type where the server sent parameters with it.
            return [(key, stamp, {**json.loads(rest), "mime": json.loads(rest)["mime"].rstrip(";")}) for key, stamp, rest in lines]

        self.assertEqual(parsed(weft("index", self.out).stdout), parsed(told.stdout))

    def test_wacz_validates(self):
        target = os.path.join(self.folder, "x.wacz")
        told = weft("wacz", self.out, "--out", target)
        self.assertEqual(told.returncode, 0, told.stderr)
        script = "import sys\nfrom wacz.main import main\nsys.exit(main(['validate', '-f', sys.argv[1]]))\n"
        told = run("wacz", "-c", script, target)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        self.assertRegex(told.stdout, re.compile("valid", re.IGNORECASE))
        self.assertNotRegex(told.stdout, re.compile("invalid|mismatch|not match|fail", re.IGNORECASE))

    def test_pywb_replays_the_site_by_our_index(self):
        wayback = Wayback(self.folder, self.files, self.out)
        self.addCleanup(wayback.close)
        wayback.begin(self)
        replayed = 0
        for row in rows(self.out):
            if row["status"] != 200:
                continue
            path = row["url"].removeprefix(self.site.origin)
            want = self.site.pages[path].body
            if "Content-Encoding" in self.site.pages[path].headers:
                want = gzip.decompress(want)
            request = urllib.request.Request(wayback.url(row["url"]), headers={"Accept-Encoding": "identity"})
            with urllib.request.urlopen(request, timeout=30) as answer:
                body = answer.read()
                if answer.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
            self.assertEqual(body, want, path)
            replayed += 1
        self.assertEqual(replayed, 5)
        with self.assertRaises(urllib.error.HTTPError):
            urllib.request.urlopen(wayback.url(self.site.url("/never")), timeout=30)


if __name__ == "__main__":
    weft_process.main(__doc__)
