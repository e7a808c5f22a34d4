"""What a crawl's WARC files hold: every kind of record, read by nothing of Weft's own, and nothing that `weft warc check` finds.

    records_test.py WEFT
"""
import base64
import collections
import gzip
import hashlib
import json
import os
import shutil
import sys
import tempfile
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from scripted_site import Answer, Site, conditional, page, redirect, text  # noqa: E402
from weft_process import LOOPBACK, Checks, Running, rows, status, weft  # noqa: E402

OFTEN = ("--recrawl", "--recrawl-min", "1s", "--recrawl-max", "2s", "--delay", "0s")
ROBOTS = "User-agent: *\nDisallow: /never\n"
Record = collections.namedtuple("Record", "file type fields block")


def label(data):
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def members(path):
    """The gzip members of a file, one after the other."""
    with open(path, "rb") as file:
        rest = file.read()
    while rest:
        unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        content = unpacker.decompress(rest)
        if not unpacker.eof:
            raise AssertionError(f"{path} ends within a member")
        yield content
        rest = unpacker.unused_data


def records(folder):
    found = []
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".warc.gz"):
            continue
        for content in members(os.path.join(folder, name)):
            head, block = content.split(b"\r\n\r\n", 1)
            version, *lines = head.decode().split("\r\n")
            if version != "WARC/1.1":
                raise AssertionError(version)
            pairs = [line.split(": ", 1) for line in lines]
            fields = dict(pairs)
            if len(fields) != len(pairs):
                raise AssertionError(f"a field stands twice: {lines}")
            if len(block) != int(fields["Content-Length"]) + 4 or not block.endswith(b"\r\n\r\n"):
                raise AssertionError(f"{name}: not one record in its member: {lines}")
            found.append(Record(name, fields["WARC-Type"], fields, block[:-4]))
    return found


def told_in(block):
    return dict(line.split(": ", 1) for line in block.decode().splitlines())


class Records(Checks):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="weft-records-"))
        self.out = os.path.join(self.folder, "crawl")
        self.warc = os.path.join(self.out, "warc")
        self.site = Site({
            "/": page("/a", "/long", "/moved", "/gone", "/etag", "/same", "/gz", "/never"), "/a": page("/b", title="a"), "/b": page(),
            "/long": Answer(200, {"Content-Type": "text/html"}, b"<p>" + b"long " * 20_000), "/moved": redirect("/b"),
            "/etag": conditional(etag='"one"'), "/same": page(title="always the same"), "/robots.txt": text(ROBOTS),
            "/gz": Answer(200, {"Content-Type": "text/html; charset=iso-8859-1", "Content-Encoding": "gzip"}, gzip.compress(b"<p>packed"))})
        self.addCleanup(self.site.close)

    def crawl(self, *options):
        return ("crawl", self.site.url("/"), "--out", self.out, *LOOPBACK, "--max-body", "64KiB", "--contact", "crawl@example.org", *options)

    def asked(self, path):
        return sum(asked.path == path for asked in list(self.site.asked))

    def visit_until(self, paths, count, *options):
        with Running(os.path.join(self.folder, "log"), *self.crawl(*OFTEN, *options)) as run:
            run.wait_for(lambda: all(self.asked(path) >= count for path in paths), f"{count} visits of {paths}", 60)
            run.signal()
            self.assertIn(run.wait(), (0, 130), run.told())

    def check(self):
        """Nothing wrong, by our own check of every clause that it knows."""
        told = weft("warc", "check", "--json", self.out)
        verdicts = [json.loads(line) for line in told.stdout.splitlines()]
        self.assertEqual([verdict for verdict in verdicts if verdict["problem"] or verdict["note"]], [])
        self.assertEqual(told.returncode, 0, told.stderr)
        for verdict in verdicts:
            self.assertEqual(verdict["block_digest"], "ok", verdict)
            if verdict["type"] == "response":
                self.assertEqual(verdict["payload_digest"], "ok", verdict)
        return verdicts

    def of(self, found, path, kind):
        url = self.site.origin + path
        return [record for record in found if record.type == kind and record.fields["WARC-Target-URI"] == url]

    def test_every_kind_of_record_and_nothing_wrong(self):
        self.visit_until(("/etag", "/same"), 3, "--parsers", "2")
        self.check()
        found = records(self.warc)
        self.check_warcinfo(found)
        self.check_captures(found)
        self.check_robots(found)
        self.check_metadata(found)
        self.check_revisits(found)
        (cut,) = {record.fields.get("WARC-Truncated") for record in self.of(found, "/long", "response")}
        self.assertEqual(cut, "length")
        exported = rows(self.out)
        self.each_once(exported)
        self.records_read_back(exported, self.warc)
        self.assertEqual({row["url"].removeprefix(self.site.origin) for row in exported},
                         {"/", "/a", "/b", "/long", "/moved", "/gone", "/etag", "/same", "/gz"})
        self.check_index(found)

    def check_warcinfo(self, found):
        files = {}
        for record in found:
            if record.type == "warcinfo":
                self.assertNotIn(record.file, files, "one a file")
                files[record.file] = record.fields["WARC-Record-ID"]
                self.assertEqual(record.fields["WARC-Filename"], record.file)
                info = told_in(record.block)
                self.assertTrue(info["software"].startswith("Weft/"))
                self.assertEqual(info["operator"], "crawl@example.org")
                self.assertEqual(info["robots"], "obey")
                self.assertRegex(info["isPartOf"], "^weft-[0-9a-f]{16}$")
                self.assertIn("crawl@example.org", info["http-header-user-agent"])
            else:
                self.assertEqual(record.fields["WARC-Warcinfo-ID"], files[record.file], "which stands before it")

    def check_captures(self, found):
        by_id = {record.fields["WARC-Record-ID"]: record for record in found}
        self.assertEqual(len(by_id), len(found))
        for record in found:
            if record.type == "warcinfo":
                continue
            other = by_id[record.fields["WARC-Concurrent-To"]]
            for name in ("WARC-Date", "WARC-Target-URI", "WARC-IP-Address"):
                self.assertEqual(record.fields[name], other.fields[name])
            self.assertEqual(record.fields["WARC-IP-Address"], self.site.address)
        kinds = collections.Counter(record.type for record in found)
        self.assertEqual(kinds["request"], kinds["response"] + kinds["revisit"])

    def check_robots(self, found):
        (answer,) = self.of(found, "/robots.txt", "response")
        self.assertTrue(answer.block.endswith(ROBOTS.encode()))
        (request,) = self.of(found, "/robots.txt", "request")
        self.assertTrue(request.block.startswith(b"GET /robots.txt HTTP/1.1\r\n"))
        self.assertEqual(self.of(found, "/never", "response"), [])

    def check_metadata(self, found):
        told = {path: told_in(self.of(found, path, "metadata")[0].block) for path in ("/", "/a", "/b", "/gz")}
        self.assertNotIn("via", told["/"])
        self.assertEqual(told["/a"]["via"], self.site.origin + "/")
        self.assertIn(told["/b"]["via"], (self.site.origin + "/a", self.site.origin + "/moved"))
        self.assertEqual([told[path]["depth"] for path in ("/", "/a", "/gz")], ["0", "1", "1"])
        self.assertEqual(told["/gz"]["charset"], "windows-1252")
        for one in told.values():
            self.assertGreaterEqual(int(one["fetchTimeMs"]), 0)

    def check_revisits(self, found):
        for path, profile, code in (("/etag", "server-not-modified", b"304"), ("/same", "identical-payload-digest", b"200")):
            (stored,) = self.of(found, path, "response")
            payload = stored.block.split(b"\r\n\r\n", 1)[1]
            revisits = self.of(found, path, "revisit")
            self.assertGreaterEqual(len(revisits), 2, path)
            for revisit in revisits:
                self.assertEqual(revisit.fields["WARC-Profile"], "http://netpreserve.org/warc/1.1/revisit/" + profile)
                self.assertEqual(revisit.fields["WARC-Refers-To-Target-URI"], self.site.origin + path)
                self.assertEqual(revisit.fields["WARC-Refers-To-Date"], stored.fields["WARC-Date"])
                self.assertEqual(revisit.fields["WARC-Payload-Digest"], label(payload))
                self.assertEqual(revisit.block.split(b" ", 2)[1], code)
                self.assertTrue(revisit.block.endswith(b"\r\n\r\n"), "the head alone")

    def check_index(self, found):
        beside = os.path.join(self.folder, "beside.cdxj")
        merged = weft("index", self.out, "--out", beside)
        self.assertEqual(merged.returncode, 0, merged.stderr)
        self.told(merged.stderr, "0 of which read")
        told = weft("index", self.out)
        entries = [json.loads(line.split(" ", 2)[2]) for line in told.stdout.splitlines()]
        kinds = collections.Counter(record.type for record in found)
        self.assertEqual(sum(entry["mime"] == "warc/revisit" for entry in entries), kinds["revisit"])
        self.assertEqual(len(entries), kinds["revisit"] + kinds["response"])
        for name in os.listdir(self.warc):
            if name.endswith(".cdxj"):
                os.remove(os.path.join(self.warc, name))
        self.assertEqual(weft("index", self.out).stdout, told.stdout, "reading the files gives the same")
        wacz = os.path.join(self.folder, "x.wacz")
        self.assertEqual(weft("wacz", self.out, "--out", wacz).returncode, 0)

    def test_visits_that_a_restored_db_has_lost_are_taken_from_revisits(self):
        told = weft(*self.crawl("--delay", "0s"))
        self.assertEqual(told.returncode, 0, told.stderr)
        self.visit_until(("/etag", "/same"), 2)
        shutil.copytree(os.path.join(self.out, "crawl.db"), os.path.join(self.folder, "copy"))
        self.visit_until(("/etag", "/same"), 4)
        shutil.rmtree(os.path.join(self.out, "crawl.db"))
        shutil.copytree(os.path.join(self.folder, "copy"), os.path.join(self.out, "crawl.db"))
        self.visit_until(("/etag", "/same"), 6)
        self.adds_up(status(self.out))
        self.check()
        exported = rows(self.out)
        self.each_once(exported)
        self.records_read_back(exported, self.warc)
        same = next(row for row in exported if row["url"].endswith("/same"))
        self.assertEqual(same["changes"], 0)
        found = records(self.warc)
        for path in ("/etag", "/same"):
            self.assertEqual(len(self.of(found, path, "response")), 1, "never stored twice")

    def test_zstd_files_of_a_chosen_size_and_name(self):
        options = ("--warc-compression", "zstd", "--warc-size", "2KB", "--warc-prefix", "news_1", "--delay", "0s")
        told = weft(*self.crawl(*options))
        self.assertEqual(told.returncode, 0, told.stderr)
        names = [name for name in os.listdir(self.warc) if ".warc" in name and not name.endswith(".cdxj")]
        self.assertGreater(len(names), 2)
        for name in names:
            self.assertTrue(name.startswith("news_1-") and name.endswith(".warc.zst"), name)
            with open(os.path.join(self.warc, name), "rb") as file:
                self.assertEqual(file.read(4), b"\x28\xb5\x2f\xfd")
        verdicts = self.check()
        self.assertEqual({verdict["type"] for verdict in verdicts}, {"warcinfo", "response", "request", "metadata"})
        told = weft("export", self.out, "--text")
        self.assertEqual(told.returncode, 0, told.stderr)
        exported = [json.loads(line) for line in told.stdout.splitlines()]
        self.assertEqual(len(exported), 9)
        self.assertIn("packed", next(row["text"] for row in exported if row["url"].endswith("/gz")))
        index = weft("index", self.out)
        self.assertEqual(index.returncode, 0, index.stderr)
        for line in index.stdout.splitlines():
            entry = json.loads(line.split(" ", 2)[2])
            cat = weft("warc", "cat", os.path.join(self.warc, entry["filename"]), "--offset", entry["offset"], "--headers")
            self.assertIn("WARC-Target-URI: " + entry["url"], cat.stdout)

    def test_a_killed_crawl_of_zstd_files_goes_on(self):
        pages = {f"/{i}": page(f"/{i + 1}") for i in range(40)}
        pages["/40"] = page()
        site = Site(pages)
        self.addCleanup(site.close)
        words = ("crawl", site.url("/0"), "--out", self.out, *LOOPBACK, "--delay", "20ms", "--warc-compression", "zstd")
        with Running(os.path.join(self.folder, "log"), *words) as run:
            run.wait_for(lambda: len(site.paths()) > 10, "ten pages")
            run.kill()
        told = weft(*words)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual({row["url"] for row in rows(self.out)}, {site.url(f"/{i}") for i in range(41)})
        self.check()

    def test_a_prefix_that_is_no_name_is_refused(self):
        for prefix in ("../x", "a b", ".x", "x" * 65):
            told = weft(*self.crawl("--warc-prefix", prefix))
            self.assertEqual(told.returncode, 2, prefix)
            self.told(told.stderr, "--warc-prefix")


if __name__ == "__main__":
    weft_process.main(__doc__)
