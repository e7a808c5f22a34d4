"""Runs Weft's binary for the tests of this folder, and reads what it stored with nothing of Weft's own.

    weft_process.main(__doc__)          # takes the binary from the command line, then runs the file's tests
"""
import base64
import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import unittest
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))

from crawl_key import crawl_key, differences  # noqa: E402

SECONDS = 120
LOOPBACK = ("--allow-private-net", "127.0.0.0/8")
binary = ""


def main(usage):
    global binary
    if len(sys.argv) < 2:
        sys.exit(usage)
    binary = os.path.abspath(sys.argv.pop(1))
    unittest.main(module="__main__", verbosity=2)


def weft(*words, text="", seconds=SECONDS, **more):
    """Runs it to its end. `text` is its standard input."""
    return subprocess.run([binary, *words], capture_output=True, text=True, check=False, timeout=seconds, input=text,
                          **more)


class Running:
    """A process of Weft's that goes on beside the test; its standard error is collected in a file."""

    def __init__(self, log, *words, stdin=subprocess.DEVNULL):
        self._log = log
        with open(log, "ab") as file:
            self.begin = file.tell()
            self.process = subprocess.Popen([binary, *words], stdin=stdin, stdout=file, stderr=file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def told(self):
        with open(self._log, encoding="utf-8", errors="replace") as file:
            file.seek(self.begin)
            return file.read()

    def signal(self, which=signal.SIGINT):
        self.process.send_signal(which)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def wait(self, seconds=SECONDS):
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.process.args} did not end within {seconds} s:\n{self.told()}") from None

    def wait_for(self, ready, what, seconds=30):
        """Until `ready()` is true; the process must live meanwhile."""
        end = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode} before {what}:\n{self.told()}")
            if time.monotonic() > end:
                raise AssertionError(f"{what}: not within {seconds} s:\n{self.told()}")
            time.sleep(0.02)


def status(*where):
    told = weft("status", *where, "--json")
    if told.returncode != 0:
        raise AssertionError(f"weft status {where} ended with {told.returncode}:\n{told.stderr}")
    return json.loads(told.stdout)


def rows(*where):
    """The exported rows; fails unless every page could be read."""
    told = weft("export", *where)
    if told.returncode != 0:
        raise AssertionError(f"weft export {where} ended with {told.returncode}:\n{told.stderr}")
    return [json.loads(line) for line in told.stdout.splitlines()]


def html_urls(exported):
    return [row["url"] for row in exported
            if row["status"] == 200 and row["content_type"].split(";")[0].strip() == "text/html"]


def gzip_member(path, offset):
    """The gzip member that begins at the offset: one WARC record."""
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    with open(path, "rb") as file:
        file.seek(offset)
        record = b""
        while not unpacker.eof:
            piece = file.read(65536)
            if not piece:
                raise AssertionError(f"{path} ends within the record at {offset}")
            record += unpacker.decompress(piece)
    return record


def _sha1(data):
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


class Checks(unittest.TestCase):
    """Assertions that several files need."""

    def adds_up(self, told):
        ledger = told["ledger"]
        parts = (ledger["queued"] + ledger["leased"] + ledger["done"] + sum(ledger["failed"].values()) +
                 sum(ledger["refused"].values()))
        self.assertEqual(ledger["discovered"], parts, ledger)

    def each_once(self, exported):
        self.assertEqual(len(exported), len({crawl_key(row["url"]) for row in exported}), "a page was exported twice")

    def records_read_back(self, exported, *folders):
        """Every row's WARC record is where the row says, whole, and holds that payload (not chunked)."""
        for row in exported:
            # A file that is being written has another ending until it is full.
            paths = [os.path.join(folder, row["warc_file"] + end) for folder in folders for end in ("", ".open")]
            path = next((path for path in paths if os.path.exists(path)), None)
            self.assertIsNotNone(path, f"{row['warc_file']} is in none of {[(at, os.listdir(at)) for at in folders]}")
            head, block = gzip_member(path, row["warc_offset"]).split(b"\r\n\r\n", 1)
            fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
            block = block[:int(fields["Content-Length"])]
            self.assertEqual(fields["WARC-Type"], "response")
            self.assertEqual(fields["WARC-Target-URI"], row["url"])
            self.assertEqual(fields["WARC-Block-Digest"], _sha1(block), row["url"])
            payload = block.split(b"\r\n\r\n", 1)[1]
            self.assertEqual(row["digest"], _sha1(payload), row["url"])
            self.assertEqual(fields["WARC-Payload-Digest"], row["digest"])
            self.assertEqual(len(payload), row["length"], row["url"])

    def files_are_gzip(self, folder):
        """Other programs read the WARC files from one end to the other."""
        for name in os.listdir(folder):
            if name.endswith(".warc.gz"):
                with gzip.open(os.path.join(folder, name)) as file:
                    while file.read(1 << 20):
                        pass

    def same_urls(self, ours, theirs):
        self.assertEqual(differences(ours, theirs), ([], []), "only in the crawl, only expected")

    def told(self, text, *pieces):
        """The message holds every piece, whatever the line breaks."""
        for piece in pieces:
            self.assertIn(piece, " ".join(text.split()), text)
