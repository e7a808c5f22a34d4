"""WARC tools, indexes and WACZ over the binary: third-party files, damaged ones, and a crawl's own.

    archive_test.py WEFT
"""
import base64
import gzip
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import unittest
import zipfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from scripted_site import Answer, Site, page, redirect, text  # noqa: E402
from weft_process import LOOPBACK, Checks, Running, gzip_member, rows, status, weft  # noqa: E402

DATA = os.path.join(os.environ["WEFT_CONFORMANCE_DATA"], "warc") if "WEFT_CONFORMANCE_DATA" in os.environ else ""
# What cdxj-indexer 1.5.0 makes of post-test.warc.gz.
POSTS = [("org,httpbin)/post?__wb_method=post&a=1&b=[]&c=3", "POST", "A=1&B=[]&C=3"),
         ("org,httpbin)/post?__wb_method=post&data=^&foo=bar", "POST", "data=^"),
         ("org,httpbin)/post?__wb_method=post&foo=bar&test=abc", "POST", "foo=bar&test=abc")]
SEED = random.SystemRandom().randrange(1 << 32)


def record(uri, body, record_id, kind="response"):
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body if kind == "response" else body
    head = (f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{record_id}>\r\nWARC-Date: 2026-01-02T03:04:05Z\r\n"
            f"WARC-Target-URI: {uri}\r\nContent-Length: {len(block)}\r\n")
    head += "Content-Type: application/http;msgtype=response\r\n" if kind == "response" else "Content-Type: text/plain\r\n"
    return head.encode() + b"\r\n" + block + b"\r\n\r\n"


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


class Archive(Checks):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="weft-archive-"))

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def check(self, *files):
        """Exit code, verdicts, what was told."""
        told = weft("warc", "check", "--json", *files)
        self.assertIn(told.returncode, (0, 1), told.stderr)
        return told.returncode, [json.loads(line) for line in told.stdout.splitlines()], told.stderr

    def site(self):
        site = Site({"/": page("/a", "/b?x=1&y=2", "/gone", "/moved", "/ä", "/gz"), "/a": page("/", title="a"), "/b?x=1&y=2": page(),
                     "/moved": redirect("/a"), "/%C3%A4": page(), "/robots.txt": text("User-agent: *\nAllow: /\n"),
                     "/gz": Answer(200, {"Content-Type": "text/html", "Content-Encoding": "gzip"}, gzip.compress(b"<p>packed</p>"))})
        self.addCleanup(site.close)
        return site

    def crawl(self, site, *options):
        out = self.path("crawl")
        told = weft("crawl", site.url("/"), "--out", out, *LOOPBACK, "--delay", "0s", *options)
        self.assertEqual(told.returncode, 0, told.stderr)
        return out

    def resolves(self, line, folder):
        """The record that the line names, by nothing but its place."""
        key, stamp, rest = line.split(" ", 2)
        entry = json.loads(rest)
        member = gzip_member(os.path.join(folder, entry["filename"]), int(entry["offset"]))
        head, block = member.split(b"\r\n\r\n", 1)
        fields = dict(field.split(": ", 1) for field in head.decode().split("\r\n")[1:])
        self.assertEqual(fields["WARC-Target-URI"], entry["url"])
        self.assertEqual(fields["WARC-Date"].replace("-", "").replace(":", "").replace("T", "")[:14], stamp)
        self.assertEqual(fields["WARC-Payload-Digest"], entry["digest"])
        self.assertEqual(block.split(b" ", 2)[1].decode(), entry["status"])
        with open(os.path.join(folder, entry["filename"]), "rb") as file:
            file.seek(int(entry["offset"]))
            self.assertEqual(gzip.decompress(file.read(int(entry["length"]))), member, "its length is that of the member")
        self.assertNotIn(" ", key)
        return entry


class ThirdParty(Archive):
    @unittest.skipUnless(DATA, "WEFT_CONFORMANCE_DATA is not set: no third-party WARC files to read")
    def test_files_read_as_expected(self):
        with open(os.path.join(DATA, "EXPECT.json"), encoding="utf-8") as file:
            expected = json.load(file)
        self.assertGreater(len(expected), 10)
        for name, want in expected.items():
            with self.subTest(name):
                code, verdicts, _ = self.check(os.path.join(DATA, name))
                records = [verdict for verdict in verdicts if verdict["type"] is not None]
                bad = "problem" in want or name == "example-digest.warc"
                self.assertEqual(code, 1 if bad else 0, [verdict for verdict in verdicts if verdict["problem"]])
                if "problem" not in want:
                    self.assertEqual(len(verdicts), len(want["records"]))
                for verdict, record_wanted in zip(records, want["records"]):
                    for key in ("offset", "version", "type", "uri", "date", "content_length"):
                        self.assertEqual(verdict[key], record_wanted[key], key)
                    if "member_length" in record_wanted:
                        self.assertEqual(verdict["length"], record_wanted["member_length"])
                    digest = {None: "absent", True: "ok", False: "differs"}[record_wanted.get("block_digest_ok")]
                    self.assertEqual(verdict["block_digest"], digest)
                    if record_wanted["type"] != "revisit" and not bad:
                        self.assertEqual(verdict["payload_digest"], "ok" if "payload_digest" in record_wanted else "absent")
        _, verdicts, _ = self.check(os.path.join(DATA, "example-digest.warc"))
        self.assertEqual([verdict["payload_digest"] for verdict in verdicts], ["differs", "ok", "ok", "ok"])

    @unittest.skipUnless(DATA, "WEFT_CONFORMANCE_DATA is not set: no third-party WARC files to read")
    def test_posts_are_indexed_by_what_they_sent(self):
        told = weft("index", os.path.join(DATA, "post-test.warc.gz"))
        self.assertEqual(told.returncode, 0, told.stderr)
        lines = [line.split(" ", 2) for line in told.stdout.splitlines()]
        self.assertEqual([(key, json.loads(rest)["method"], json.loads(rest)["requestBody"]) for key, _, rest in lines], POSTS)


class Damage(Archive):
    FILE = b"".join(gzip.compress(record(f"http://a.example/{i}", b"x" * (i * 50), i), mtime=0) for i in range(6))

    def ends(self):
        """Where the members of FILE end."""
        ends = [0]
        for i in range(6):
            ends.append(ends[-1] + len(gzip.compress(record(f"http://a.example/{i}", b"x" * (i * 50), i), mtime=0)))
        return ends

    def test_a_good_file_has_exit_code_0_and_no_problem(self):
        told = weft("warc", "check", self.write("good.warc.gz", self.FILE))
        self.assertEqual((told.returncode, told.stdout), (0, ""), told.stderr)
        self.told(told.stderr, "6 records", "nothing wrong")

    def test_damage_is_told_with_its_offset_and_read_on(self):
        first = len(gzip.compress(record("http://a.example/0", b"", 0)))
        file = self.write("bad.warc.gz", self.FILE[:first] + b"garbage" + self.FILE[first:])
        told = weft("warc", "check", file)
        self.assertEqual(told.returncode, 1)
        self.assertIn(f"{file}:{first}: damage: ", told.stdout)
        self.told(told.stderr, "6 records", "damage at 1 place")

    def test_any_damage_ends_and_is_told(self):
        print(f"seed {SEED}", flush=True)
        draw = random.Random(SEED)
        for _ in range(40):
            data = bytearray(self.FILE)
            at = draw.randrange(len(data))
            how = draw.randrange(3)
            if how == 0:
                del data[at:]
            elif how == 1:
                data[at] ^= 1 << draw.randrange(8)
            else:
                data[at:at] = draw.randbytes(draw.randrange(1, 50))
            file = self.write("damaged.warc.gz", bytes(data))
            code, verdicts, _ = self.check(file)
            records = [verdict for verdict in verdicts if verdict["type"]]
            if how == 0:
                whole = at in self.ends()
                self.assertEqual(code, 0 if whole else 1, verdicts)
            else:
                self.assertGreaterEqual(len(records), 5)
                self.assertTrue(code == 1 or len(records) == 6, verdicts)
            for command in (("index", file), ("warc", "cat", file), ("warc", "extract", file, "--out", self.path("files"))):
                self.assertIn(weft(*command).returncode, (0, 1))

    def test_a_file_gzipped_as_a_whole(self):
        file = self.write("whole.warc.gz", gzip.compress(b"".join(record(f"http://a/{i}", b"x", i) for i in range(3))))
        code, verdicts, _ = self.check(file)
        self.assertEqual(code, 1)
        self.assertEqual(len(verdicts), 3)
        for verdict in verdicts:
            self.assertIn("shares its compressed member", verdict["problem"])
        told = weft("index", file)
        self.assertEqual((told.returncode, told.stdout), (1, ""))
        self.told(told.stderr, "compress the file anew")

    def test_a_zip_is_no_warc(self):
        path = self.path("x.wacz")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/a.warc.gz", self.FILE)
        for words in (("warc", "check", path), ("import", path, "--out", self.path("crawl"))):
            told = weft(*words)
            self.assertEqual(told.returncode, 1, words)
            self.told(told.stderr, "is a ZIP file")

    def test_a_reader_that_goes_away_is_no_crash(self):
        many = self.write("many.warc", b"".join(record(f"https://a.example/{i}", b"x", f"6ba7b810-9dad-11d1-80b4-{i:012}") for i in range(2000)))
        for words in (("check", many, "--json"), ("extract", many, "--out", self.path("files"))):
            process = subprocess.Popen([weft_process.binary, "warc", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            process.stdout.read(10)
            process.stdout.close()
            process.stderr.read()
            process.stderr.close()
            self.assertEqual(process.wait(), 1, words)

    def test_missing_and_wrong_files(self):
        good = self.write("good.warc.gz", self.FILE)
        for command in ("check", "extract"):
            more = ("--out", self.path("files")) if command == "extract" else ()
            told = weft("warc", command, self.path("gone.warc"), good, *more)
            self.assertEqual(told.returncode, 1)
            self.told(told.stderr, "gone.warc", "6 ")
        told = weft("index", self.path("gone.warc"), good)
        self.assertEqual((told.returncode, len(told.stdout.splitlines())), (1, 6))
        self.assertEqual(weft("warc", "check", self.folder).returncode, 0, "a directory stands for the files in it")
        for words in (("warc",), ("warc", "check"), ("warc", "cat", good, good, "--offset", "0"), ("wacz", good), ("index",), ("warc", "cat", good, "--payload", "--headers")):
            self.assertEqual(weft(*words).returncode, 2, words)
        self.assertEqual(weft("warc", "--help").returncode, 0)
        self.assertEqual(weft("index", good, "--out", good).returncode, 1, "an input is not overwritten")
        self.assertEqual(self.check(good)[0], 0)


class CatAndExtract(Archive):
    def test_a_pipe_is_read_to_its_end(self):
        file = self.write("x.warc.gz", b"".join(gzip.compress(record(f"http://a.example/{i}", b"one", i)) for i in range(500)))
        for command, wanted in (("check", "500 records"), ("cat", "")):
            with open(file, "rb") as piped:
                feed = subprocess.Popen(["cat"], stdin=piped, stdout=subprocess.PIPE)
                told = subprocess.run([weft_process.binary, "warc", command, f"/dev/fd/{feed.stdout.fileno()}"], capture_output=True,
                                      text=True, check=False, timeout=60, pass_fds=(feed.stdout.fileno(),))
                feed.stdout.close()
                feed.wait()
            self.assertEqual(told.returncode, 0, told.stderr)
            self.assertIn(wanted, told.stderr)
            self.assertEqual(told.stdout.count("WARC/1.1"), 500 if command == "cat" else 0)
            with open(file, "rb") as whole:
                told = subprocess.run([weft_process.binary, "warc", command, "-"], input=whole.read(), capture_output=True, check=False, timeout=60)
            self.assertEqual(told.returncode, 0, told.stderr)
            self.assertEqual(told.stdout.count(b"WARC/1.1"), 500 if command == "cat" else 0)

    def test_cat(self):
        records = [record("http://a.example/1", b"one", 1), record("http://a.example/2", b"two", 2)]
        file = self.write("x.warc.gz", gzip.compress(records[0]) + gzip.compress(records[1]))
        second = len(gzip.compress(records[0]))
        self.assertEqual(weft("warc", "cat", file).stdout.encode(), b"".join(records).replace(b"\r\n", b"\n"))
        cat = lambda *words: weft("warc", "cat", file, *words)  # noqa: E731
        self.assertIn("two", cat("--offset", str(second)).stdout)
        other = self.write("y.warc", record("http://a.example/3", b"three", 3))
        self.assertEqual(weft("warc", "cat", file, other, "--uri", "http://a.example/3", "--payload").stdout, "three")
        self.assertEqual(weft("warc", "cat", file, other).stdout.count("WARC/1.1"), 3)
        told = weft("warc", "cat", file, other, "--uri", "http://a.example/4")
        self.assertEqual(told.returncode, 1)
        self.told(told.stderr, "2 files: no such record")
        self.assertNotIn("one", cat("--offset", str(second)).stdout)
        self.assertEqual(cat("--uri", "http://a.example/2", "--payload").stdout, "two")
        self.assertEqual(cat("--payload").stdout, "one")
        heads = cat("--headers").stdout
        self.assertIn("HTTP/1.1 200 OK", heads)
        self.assertNotIn("two", heads)
        for words in (("--offset", "1"), ("--offset", "99999"), ("--uri", "http://a.example/3")):
            told = cat(*words)
            self.assertEqual((told.returncode, told.stdout), (1, ""), words)
        plain = self.write("x.warc", b"".join(records))
        self.assertIn("two", weft("warc", "cat", plain, "--offset", str(len(records[0]))).stdout)

    def test_extract_writes_below_its_directory_only(self):
        uris = ["http://a.example/../../etc/passwd", "http://a.example/x", "http://a.example/X", "http://a.example/x", "file:///etc/passwd",
                "http://a.example/" + "long" * 200, "http://a.example/%2e%2e%2f", "x:", "http://a.example/a b"]
        file = self.write("x.warc", b"".join(record(uri, uri.encode(), i) for i, uri in enumerate(uris)))
        out = self.path("files")
        os.mkdir(out)
        os.symlink(self.path("outside"), os.path.join(out, "a.example_x.html"))
        told = weft("warc", "extract", file, "--out", out)
        self.assertEqual(told.returncode, 0, told.stderr)
        table = [line.split("\t") for line in told.stdout.splitlines()]
        self.assertEqual([uri for _, uri in table], uris)
        self.assertFalse(os.path.exists(self.path("outside")), "a link is not followed")
        self.assertEqual(len({name.lower() for name, _ in table}), len(uris))
        self.assertEqual(sorted([*(name for name, _ in table), "a.example_x.html"]), sorted(os.listdir(out)))
        for name, uri in table:
            with open(os.path.join(out, name), encoding="utf-8") as written:
                self.assertEqual(written.read(), uri)


class OwnCrawl(Archive):
    def test_own_files_have_nothing_wrong(self):
        out = self.crawl(self.site(), "--parsers", "2")
        code, verdicts, told = self.check(out)
        self.assertEqual(code, 0, [verdict for verdict in verdicts if verdict["problem"]])
        self.assertIn("nothing wrong", told)
        for verdict in verdicts:
            self.assertEqual(verdict["block_digest"], "ok")
            self.assertIsNone(verdict["note"])
            if verdict["type"] == "response":
                self.assertEqual(verdict["payload_digest"], "ok")

    def test_the_index_is_written_as_the_crawl_runs_and_every_offset_resolves(self):
        out = self.crawl(self.site(), "--parsers", "2")
        warc = os.path.join(out, "warc")
        files = sorted(name for name in os.listdir(warc) if name.endswith(".warc.gz"))
        self.assertEqual([name for name in files if not os.path.exists(os.path.join(warc, name + ".cdxj"))], [])
        merged = self.path("merged.cdxj")
        told = weft("index", out, "--out", merged)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.told(told.stderr, "0 of which read")
        lines = lines_of(merged)
        self.assertEqual(lines, sorted(lines, key=str.encode))
        entries = [self.resolves(line, warc) for line in lines]
        exported = rows(out)
        self.assertLessEqual({row["url"] for row in exported}, {entry["url"] for entry in entries})
        self.assertEqual({(row["warc_file"], row["warc_offset"]) for row in exported},
                         {(entry["filename"], int(entry["offset"])) for entry in entries if not entry["url"].endswith("/robots.txt")})
        for name in files:
            os.remove(os.path.join(warc, name + ".cdxj"))
        told = weft("index", out)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(told.stdout.splitlines(), lines, "reading the files gives the same")

    def test_a_killed_crawls_files_get_an_index_when_it_goes_on(self):
        pages = {f"/{i}": page(f"/{i + 1}") for i in range(40)}
        pages["/40"] = page()
        site = Site(pages)
        self.addCleanup(site.close)
        out = self.path("crawl")
        words = ("crawl", site.url("/0"), "--out", out, *LOOPBACK, "--delay", "20ms")
        with Running(self.path("log"), *words) as run:
            run.wait_for(lambda: len(site.paths()) > 10, "ten pages")
            run.kill()
        told = weft("index", out)
        self.told(told.stderr, "left by a crash")
        told = weft(*words)
        self.assertEqual(told.returncode, 0, told.stderr)
        merged = self.path("merged.cdxj")
        told = weft("index", out, "--out", merged)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.told(told.stderr, "0 of which read")
        entries = [self.resolves(line, os.path.join(out, "warc")) for line in lines_of(merged)]
        self.assertEqual({entry["url"] for entry in entries if not entry["url"].endswith("/robots.txt")}, {site.url(f"/{i}") for i in range(41)})

    def test_wacz(self):
        out = self.crawl(self.site())
        target = self.path("x.wacz")
        self.write("x.wacz", b"old")
        told = weft("wacz", out, "--out", target, "--title", "The title")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ["crawl", "x.wacz"], "nothing is left beside it")
        with zipfile.ZipFile(target) as wacz:
            self.assertIsNone(wacz.testzip())
            self.assertEqual({info.compress_type for info in wacz.infolist()}, {zipfile.ZIP_STORED})
            package = json.loads(wacz.read("datapackage.json"))
            self.assertEqual(package["title"], "The title")
            self.assertEqual({resource["path"] for resource in package["resources"]} | {"datapackage.json", "datapackage-digest.json"},
                             set(wacz.namelist()))
            for resource in package["resources"]:
                data = wacz.read(resource["path"])
                self.assertEqual(resource["bytes"], len(data))
                self.assertEqual(resource["hash"], "sha256:" + hashlib.sha256(data).hexdigest())
            digest = json.loads(wacz.read("datapackage-digest.json"))
            self.assertEqual(digest["hash"], "sha256:" + hashlib.sha256(wacz.read("datapackage.json")).hexdigest())
            wacz.extractall(self.path("unpacked"))
            lines = gzip.decompress(wacz.read("indexes/index.cdx.gz")).decode().splitlines()
            entries = [self.resolves(line, self.path("unpacked", "archive")) for line in lines]
            listed = [json.loads(line) for line in wacz.read("pages/pages.jsonl").decode().splitlines()]
        self.assertEqual(listed[0]["format"], "json-pages-1.0")
        html = {entry["url"] for entry in entries if entry["mime"] == "text/html" and entry["status"] == "200"}
        self.assertEqual({entry["url"] for entry in listed[1:]}, html)
        self.assertGreaterEqual(len(html), 5)

    def test_wacz_of_nothing_leaves_no_file(self):
        told = weft("wacz", self.path("gone"), "--out", self.path("x.wacz"))
        self.assertEqual(told.returncode, 1)
        self.assertEqual(os.listdir(self.folder), [])


class Import(Archive):
    PAGES = {"/": page("/a", "/b"), "/a": page("/deep", "/"), "/b": page("/deep2"), "/deep": page("/deeper"), "/deep2": page(), "/deeper": page()}

    def archive(self):
        """A site, and a file with what a crawl of one link's depth stored of it."""
        site = Site(dict(self.PAGES))
        self.addCleanup(site.close)
        out = self.crawl(site, "--max-depth", "1", "--parsers", "1")
        self.assertEqual(set(site.paths()), {"/robots.txt", "/", "/a", "/b"})
        warc = os.path.join(out, "warc")
        return site, next(os.path.join(warc, name) for name in os.listdir(warc) if name.endswith(".warc.gz"))

    def goes_on(self, site, file):
        asked = len(site.paths())
        out = self.path("imported")
        told = weft("import", file, "--out", out)
        self.assertEqual((told.returncode, os.path.exists(out)), (2, False), "it needs to be allowed, and leaves nothing")
        told = weft("import", file, "--out", out, *LOOPBACK, "--delay", "0s")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(len(site.paths()), asked, "an import asks nobody")
        self.assertEqual(status(out)["state"], "new")
        told = weft("crawl", "--out", out)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.told(told.stderr, "3 pages were taken again")
        self.assertEqual(set(site.paths()[asked:]) - {"/robots.txt"}, {"/deep", "/deep2", "/deeper"}, "what the archive holds is not asked for")
        now = status(out)
        self.assertEqual(now["state"], "finished")
        self.adds_up(now)
        exported = rows(out)
        self.each_once(exported)
        self.assertEqual({row["url"] for row in exported}, {site.url(path) for path in self.PAGES})
        self.records_read_back(exported, os.path.join(out, "warc"))
        again = weft("import", file, "--out", out)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(weft("crawl", "--out", out).returncode, 0)
        self.assertEqual({row["url"] for row in rows(out)}, {row["url"] for row in exported}, "a second import changes nothing")

    def test_a_crawl_goes_on_from_an_archive(self):
        site, file = self.archive()
        before = bytes_of(file)
        self.goes_on(site, file)
        self.assertEqual(bytes_of(file), before)

    def test_a_file_gzipped_as_a_whole_is_written_anew(self):
        site, file = self.archive()
        with gzip.open(file) as members:
            whole = gzip.compress(members.read())
        self.goes_on(site, self.write("whole.warc.gz", whole))

    def test_bad_input(self):
        told = weft("import", self.path("gone.warc"), "--out", self.path("x"))
        self.assertEqual(told.returncode, 1)
        self.told(told.stderr, "gone.warc")
        foreign = self.write("foreign.warc", record("http://www.example.org/", b"x", 1))
        told = weft("import", foreign, "--out", self.path("y"))
        self.assertEqual(told.returncode, 2)
        self.told(told.stderr, "--contact")


if __name__ == "__main__":
    weft_process.main(__doc__)
