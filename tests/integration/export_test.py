"""Every format of weft export over one crawl: they agree row for row, and Parquet is read back by a reader that shares nothing
with its writer.

    export_test.py WEFT PARQUET_SAMPLE
"""
import csv
import gzip
import io
import json
import os
import random
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import unittest
import zipfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import parquet_reader  # noqa: E402
import weft_process  # noqa: E402
from scripted_site import Answer, Site, page  # noqa: E402
from weft_process import LOOPBACK, Checks, weft  # noqa: E402

PARQUET_SAMPLE = ""
INDEX = ["url_surtkey", "url", "url_host_name", "url_host_registered_domain", "url_protocol", "url_port", "url_path",
         "url_query", "fetch_time", "fetch_status", "content_digest", "content_mime_type", "content_length",
         "truncated", "warc_filename", "warc_record_offset", "warc_record_length", "depth", "referrer",
         "first_fetched", "last_checked", "changes"]
EVER = ["url", "status", "depth", "referrer", "fetched_at", "content_type", "charset", "length", "digest", "truncated",
        "warc_file", "warc_offset", "robots", "title", "links"]
RICH = """<!doctype html><html lang=de><title>Rich "page", =1+1</title><meta name=description content="All of it">
<meta property=og:title content=OG><link rel=canonical href=/canonical><meta property=article:published_time content=2026-01-02>
<script type=application/ld+json>{"@type": "Article", "dateModified": "2026-02-03T04:05:06Z"}</script>
<h1>Kopf</h1><p>Dieser Text ist auf Deutsch geschrieben, damit die Sprache erkannt werden kann, und er ist lang genug.</p>
<p>tab\there, "quotes", line</p><h2>Zweiter</h2>
<a href=/ rel=nofollow>zur\u00fcck</a> <a href="http://127.9.9.9:1/x?y=1">anderswo</a>"""


def pages():
    made = {f"/p{i}": page("/", f"/p{i + 1}", title=f"page {i} \u00e9") for i in range(60)}
    made["/p60"] = page(title="")
    made["/rich?a=1&b=2"] = Answer(200, {"Content-Type": "text/html; charset=utf-8"}, RICH.encode())
    made["/data"] = Answer(200, {"Content-Type": "application/pdf"}, b"%PDF-1.4 no html")
    made["/moved"] = Answer(302, {"Location": "/p1"}, b"")
    made["/"] = page("/p0", "/rich?a=1&b=2", "/data", "/moved", "/missing", title="start")
    return made


class Case(Checks):
    @classmethod
    def setUpClass(cls):
        cls.shared = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="weft-export-"))
        cls.crawl = os.path.join(cls.shared, "crawl")
        site = Site(pages())
        try:
            told = weft("crawl", site.url(), "--out", cls.crawl, *LOOPBACK, "--delay", "0")
        finally:
            site.close()
        if told.returncode != 0:
            raise AssertionError(told.stderr)

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="weft-export-"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def export(self, *options, code=0, crawl=None):
        told = weft("export", crawl or self.crawl, *options)
        self.assertEqual(told.returncode, code, told.stderr)
        self.assertNotIn("terminate called", told.stderr)
        return told

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def lines(self, *options):
        return [json.loads(line) for line in self.export(*options).stdout.splitlines()]

    def parquet(self, *options, name="t.parquet"):
        self.export("--format", "parquet", "-o", self.path(name), *options)
        return parquet_reader.read(self.path(name))

    def left(self):
        return sorted(os.listdir(self.folder))


def micros(text):
    """Of "2026-01-02T03:04:05.678901Z"."""
    import datetime
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
    return (moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)


def times_as_numbers(row, names=("fetch_time", "published", "modified", "first_fetched", "last_checked")):
    return {name: micros(value) if name in names and value else value for name, value in row.items()}


class Formats(Case):
    def test_json_lines_are_what_they_ever_were(self):
        rows = self.lines()
        self.assertEqual(len(rows), 66)
        for row in rows:
            self.assertEqual(list(row), EVER)
        with_text = self.lines("--text", "--where", "path like '/rich%'")
        self.assertEqual(list(with_text[0]), EVER + ["text"])
        self.assertIn("auf Deutsch", with_text[0]["text"])
        # A condition that reads the text does not bring it along.
        self.assertEqual(list(self.lines("--where", "text like '%Deutsch%'")[0]), EVER)

    def test_every_format_holds_the_same_rows(self):
        rows = self.lines("--columns", "all")
        self.assertEqual(len(rows), 66)
        self.assertEqual(["sha1:" + row["content_digest"] for row in rows], [row["digest"] for row in self.lines()])
        table = self.parquet("--columns", "all")
        as_numbers = [times_as_numbers(row) for row in rows]
        # JSON columns are texts in Parquet.
        for row in as_numbers:
            for name in ("robots", "links", "headings", "open_graph", "json_ld"):
                if row[name] is not None:
                    row[name] = json.dumps(row[name], separators=(",", ":"), ensure_ascii=False)
        self.assertEqual(parquet_reader.as_rows(table), as_numbers)

        self.export("--format", "csv", "--columns", "all", "-o", self.path("t.csv"))
        told = list(csv.DictReader(io.StringIO(self.read("t.csv").decode(), newline="")))
        self.assertEqual(len(told), len(rows))
        for ours, theirs in zip(told, rows):
            for name, value in theirs.items():
                if value is None:
                    self.assertEqual(ours[name], "", name)
                elif isinstance(value, bool):
                    self.assertEqual(ours[name], "true" if value else "false")
                elif isinstance(value, (list, dict)):
                    self.assertEqual(json.loads(ours[name]), value)
                else:
                    self.assertEqual(ours[name], str(value), name)

        self.export("--format", "sqlite", "--columns", "all", "-o", self.path("t.sqlite"))
        with sqlite3.connect(self.path("t.sqlite")) as db:
            db.row_factory = sqlite3.Row
            for ours, theirs in zip(db.execute("SELECT * FROM pages ORDER BY rowid"), rows, strict=True):
                for name, value in theirs.items():
                    self.assertEqual(json.loads(ours[name]) if isinstance(value, (list, dict)) else ours[name], value, name)

    def test_what_a_page_says_of_itself(self):
        row, = self.lines("--columns", "all", "--where", "path like '/rich%'")
        self.assertEqual(row["title"], 'Rich "page", =1+1')
        self.assertEqual(row["description"], "All of it")
        self.assertTrue(row["canonical"].endswith("/canonical"))
        self.assertEqual(row["language_tag"], "de")
        self.assertEqual(row["content_languages"], "deu")
        self.assertEqual(row["headings"], [[1, "Kopf"], [2, "Zweiter"]])
        self.assertEqual(row["open_graph"], {"og:title": "OG", "article:published_time": "2026-01-02"})
        self.assertEqual(row["json_ld"], [{"@type": "Article", "dateModified": "2026-02-03T04:05:06Z"}])
        self.assertEqual(row["published"], "2026-01-02T00:00:00.000000Z")
        self.assertEqual(row["modified"], "2026-02-03T04:05:06.000000Z")
        self.assertNotEqual(row["simhash"], None)
        self.assertEqual(row["url_query"], "a=1&b=2")
        pdf, = self.lines("--columns", "content_mime_detected,title,text", "--where", "path = '/data'")
        self.assertEqual(pdf, {"content_mime_detected": "application/pdf", "title": None, "text": None})

    def test_text_from_the_main_content(self):
        whole, = self.lines("--text", "--where", "path like '/rich%'")
        main, = self.lines("--text", "--text-from", "main", "--where", "path like '/rich%'")
        self.assertIn("anderswo", whole["text"])
        self.assertNotIn("anderswo", main["text"])
        self.assertIn("Dieser Text ist auf Deutsch", main["text"])
        self.assertEqual(main["links"], whole["links"])

    def test_parquet_has_types_statistics_and_a_footer(self):
        table = self.parquet()
        self.assertEqual(table.names, INDEX)
        self.assertTrue(table.metadata["writer"].startswith("Weft "))
        self.assertEqual(len(table.orders), len(INDEX))
        self.assertEqual(table.types["fetch_time"], (parquet_reader.INT64, False, {8: {1: True, 2: {2: {}}}}))
        self.assertEqual(table.types["fetch_status"], (parquet_reader.INT32, False, None))
        self.assertEqual(table.types["referrer"], (parquet_reader.BYTE_ARRAY, True, {1: {}}))
        group, = table.row_groups
        for name, chunk in zip(table.names, group[1]):
            statistics = chunk[3][12]
            values = [value for value in table.columns[name] if value is not None]
            self.assertEqual(statistics[3], table.rows - len(values), name)
            if not values:
                self.assertNotIn(5, statistics)
            elif isinstance(values[0], str):
                least, most = min(v.encode() for v in values), max(v.encode() for v in values)
                self.assertTrue(statistics[6] <= least and least.startswith(statistics[6]), name)
                self.assertGreaterEqual(statistics[5], most, name)

    def test_links_hosts_and_text(self):
        links = [line.split("\t") for line in self.export("--format", "links").stdout.splitlines()]
        self.assertEqual(links[0], ["source", "target", "kind", "nofollow", "rel", "text"])
        rich = [link for link in links if "/rich" in link[0]]
        self.assertEqual([link[2:] for link in rich], [["navigation", "true", "nofollow", "zur\u00fcck"],
                                                       ["navigation", "false", "", "anderswo"]])
        listed = {(row["url"], link) for row in self.lines() for link in row["links"]}
        self.assertEqual({(link[0], link[1]) for link in links[1:]}, listed)
        table = self.parquet("--table", "links")
        as_text = [[row["source"], row["target"], row["kind"], str(row["nofollow"]).lower(), row["rel"] or "", row["text"] or ""]
                   for row in parquet_reader.as_rows(table)]
        self.assertEqual(as_text, links[1:])

        self.export("--format", "hosts-graph", "-o", self.path("h.csv"))
        graph = list(csv.reader(io.StringIO(self.read("h.csv").decode())))
        self.assertEqual(graph[0], ["source_host", "target_host", "links", "pages"])
        self.assertEqual(sum(int(row[2]) for row in graph[1:]), len(links) - 1)
        self.assertIn("127.9.9.9", {row[1] for row in graph})

        self.export("--format", "text", "-o", self.path("t.jsonl.gz"))
        with gzip.open(self.path("t.jsonl.gz"), "rt", encoding="utf-8") as file:
            texts = {row["url"]: row["text"] for row in map(json.loads, file)}
        wanted = {row["url"]: row["text"] for row in self.lines("--text") if row["text"]}
        self.assertEqual(texts, wanted)

    def test_sqlite_answers_questions(self):
        self.export("--format", "sqlite", "-o", self.path("t.sqlite"))
        with sqlite3.connect(self.path("t.sqlite")) as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchone(), ("ok",))
            broken = db.execute("SELECT l.source, l.target FROM links l JOIN pages p ON p.url = l.target WHERE p.fetch_status = 404"
                                ).fetchall()
            self.assertEqual([(a.rsplit("/", 1)[1], b.rsplit("/", 1)[1]) for a, b in broken], [("", "missing")])
            host = db.execute("SELECT pages, ok_pages, bytes FROM hosts").fetchone()
            self.assertEqual(host[:2], (66, 64))
            self.assertEqual(host[2], db.execute("SELECT sum(content_length) FROM pages").fetchone()[0])
            plan = db.execute("EXPLAIN QUERY PLAN SELECT * FROM links WHERE target = 'x'").fetchall()
            self.assertIn("links_target", str(plan))

    def captures(self, lines):
        return [(line.split(" ", 2)[0], line.split(" ", 2)[1], json.loads(line.split(" ", 2)[2])) for line in lines]

    def test_cdxj_is_the_index_of_the_committed_records(self):
        self.export("-o", self.path("t.cdxj"))
        lines = self.read("t.cdxj").decode().splitlines()
        self.assertEqual(lines, sorted(lines, key=str.encode))
        index = weft("index", self.crawl).stdout.splitlines()
        # robots.txt is in the archive, and no page of the crawl.
        self.assertEqual(lines, [line for line in index if "/robots.txt" not in line])
        for _, _, json_of in self.captures(lines):
            head = weft_process.gzip_member(os.path.join(self.crawl, "warc", json_of["filename"]), int(json_of["offset"]))
            self.assertIn(f"WARC-Target-URI: {json_of['url']}\r\n".encode(), head)
        self.assertEqual(len(self.export("--format", "cdxj", "--where", "status >= 300").stdout.splitlines()), 2)
        self.export("-o", self.path("t.cdxj.gz"))
        self.assertEqual(gzip.decompress(self.read("t.cdxj.gz")), self.read("t.cdxj"))

    def test_wacz_holds_the_chosen_pages(self):
        told = self.export("-o", self.path("t.wacz"), "--where", "path like '/p1%' or path = '/missing' or path like '/rich%'", "--text")
        self.assertIn("13 pages exported", told.stderr)
        self.assertEqual(self.left(), ["t.wacz"])
        with zipfile.ZipFile(self.path("t.wacz")) as wacz:
            self.assertIsNone(wacz.testzip())
            wacz.extract("archive/pages.warc.gz", self.folder)
            head, *pages = [json.loads(line) for line in wacz.read("pages/pages.jsonl").decode().splitlines()]
            captures = self.captures(gzip.decompress(wacz.read("indexes/index.cdx.gz")).decode().splitlines())
        archive = os.path.join(self.folder, "archive", "pages.warc.gz")
        checked = weft("warc", "check", archive)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        kinds = [json.loads(line)["type"] for line in weft("warc", "check", "--json", archive).stdout.splitlines()]
        self.assertEqual({kind: kinds.count(kind) for kind in kinds}, {"warcinfo": kinds.count("warcinfo"), "response": 13,
                                                                       "request": 13, "metadata": 13})
        self.assertGreaterEqual(kinds.count("warcinfo"), 1)
        self.assertEqual(len(captures), 13)
        for _, _, json_of in captures:
            record = weft_process.gzip_member(archive, int(json_of["offset"]))
            self.assertIn(f"WARC-Target-URI: {json_of['url']}\r\n".encode(), record)
            self.assertTrue(record.startswith(b"WARC/1.1\r\nWARC-Type: response"))
        self.assertTrue(head["hasText"])
        rows = {row["url"]: row for row in self.lines("--text", "--where", "status = 200")}
        self.assertEqual(len(pages), 12)
        for page_of in pages:
            row = rows[page_of["url"]]
            self.assertEqual((page_of.get("title", ""), page_of.get("text", "")), (row["title"], row["text"]))
            self.assertEqual(page_of["ts"], row["fetched_at"][:19] + "Z")

    def test_a_packed_archive_names_titles_too(self):
        told = weft("wacz", self.crawl, "--out", self.path("whole.wacz"))
        self.assertEqual(told.returncode, 0, told.stderr)
        with zipfile.ZipFile(self.path("whole.wacz")) as wacz:
            head, *pages = [json.loads(line) for line in wacz.read("pages/pages.jsonl").decode().splitlines()]
        self.assertNotIn("hasText", head)
        titles = {row["url"]: row["title"] for row in self.lines()}
        self.assertGreater(len(pages), 60)
        for page_of in pages:
            self.assertEqual(page_of.get("title", ""), titles[page_of["url"]])
            self.assertNotIn("text", page_of)

    def test_compressed_outputs_hold_the_same(self):
        plain = self.export("--format", "csv").stdout.encode()
        self.export("--format", "csv", "-o", self.path("t.csv.gz"))
        self.assertEqual(gzip.decompress(self.read("t.csv.gz")).replace(b"\r\n", b"\n"), plain.replace(b"\r\n", b"\n"))
        self.export("-o", self.path("t.jsonl.zst"))
        unpacked = parquet_reader.unzstd(self.read("t.jsonl.zst"), len(self.export().stdout.encode()))
        self.assertEqual(unpacked.decode(), self.export().stdout)


class Choices(Case):
    def urls(self, *options):
        return [row["url"] for row in self.lines("--columns", "url", *options)]

    def test_where(self):
        rows = self.lines()
        self.assertEqual(self.urls("--where", "status >= 300"), [row["url"] for row in rows if row["status"] >= 300])
        self.assertEqual(self.urls("--where", "title like 'page%' and size < 10MiB and not truncated"),
                         [row["url"] for row in rows if row["title"].startswith("page")])
        self.assertEqual(self.urls("--where", "language = 'deu'"), [row["url"] for row in rows if "/rich" in row["url"]])

    def test_a_sample_is_the_same_each_time_and_a_shard_is_a_part(self):
        every = self.urls()
        sample = self.urls("--sample", "10")
        self.assertEqual(len(sample), 10)
        self.assertEqual(sample, self.urls("--sample", "10"))
        self.assertLess(set(self.urls("--sample", "5")), set(sample))
        self.assertEqual(set(self.urls("--sample", "1000")), set(every))
        pages = self.urls("--sample", "10", "--where", "title like 'page%'")
        self.assertEqual(len(pages), 10)
        shards = [self.urls("--shard", f"{i}/4") for i in range(1, 5)]
        self.assertEqual(sorted(sum(shards, [])), sorted(every))
        half = set(self.urls("--sample", "50%"))
        self.assertTrue(half < set(every) and len(half) > 15)

    def test_since(self):
        self.assertEqual(self.urls("--since", "2999-01-01"), [])
        self.assertEqual(len(self.urls("--since", "2020-01-01")), 66)

    def test_mistakes_are_told_and_nothing_is_written(self):
        for options, piece in ((("--where", "statsu = 1"), "did you mean 'status'?"), (("--columns", "nope"), "no column 'nope'"),
                               (("--format", "xml"), "is not one of"), (("--shard", "9/4"), "is not i/n"),
                               (("--where", " "), "the condition is empty"), (("--where", "size > 1 KiB"), "right behind its number: 1kib"),
                               (("--format", "cdxj", "--columns", "url"), "no tables and columns"),
                               (("--sample", "all"), "neither a share"), (("--since", "now"), "neither a day")):
            told = self.export(*options, "-o", self.path("x"), code=2)
            self.told(told.stderr, "weft: ", piece)
        self.assertEqual(self.left(), [])
        self.told(self.export("--format", "parquet", code=2).stderr, "standard output is a pipe here")
        self.told(self.export("--format", "wacz", code=2).stderr, "cannot be written to standard output")
        with open(self.path("t.parquet"), "wb") as file:
            subprocess.run([weft_process.binary, "export", self.crawl, "--format", "parquet"], stdout=file, check=True, timeout=60)
        self.assertEqual(parquet_reader.read(self.path("t.parquet")).rows, 66)

    def test_an_output_that_exists_is_kept_unless_force_is_given(self):
        for number, options in enumerate((("--format", "csv"), ("--format", "sqlite"), ("--format", "parquet"), ("--columns", "url"))):
            target = self.path(f"x{number}")
            with open(target, "w", encoding="utf-8") as file:
                file.write("mine")
            self.told(self.export(*options, "-o", target, code=1).stderr, target, "--force replaces it")
            self.assertEqual(self.read(f"x{number}"), b"mine")
            self.export(*options, "-o", target, "--force")
            self.assertNotEqual(self.read(f"x{number}"), b"mine")
        with open(self.path("y"), "w", encoding="utf-8") as file:
            file.write("mine")
        self.export("-o", self.path("y"))
        self.assertEqual(len(self.read("y").splitlines()), 66)


class Trouble(Case):
    def test_a_full_disk_leaves_no_half_file(self):
        for name, options in (("x.csv", ("--format", "csv")), ("x.parquet", ("--format", "parquet")), ("x.jsonl", ()),
                              ("x.sqlite", ("--format", "sqlite")), ("x.csv.gz", ("--format", "csv"))):
            limit = 1000 if name.endswith(("gz", "parquet")) else 4000
            told = weft("export", self.crawl, *options, "-o", self.path(name),
                        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
            self.assertEqual(told.returncode, 1, (name, told.stderr))
            self.told(told.stderr, "weft: cannot write", "the limit on the size of files is reached")
            self.assertEqual(self.left(), [], name)

    def test_a_missing_warc_file_is_named_and_the_rest_goes_on(self):
        crawl = self.path("crawl")
        shutil.copytree(self.crawl, crawl, ignore=shutil.ignore_patterns("*.sock"))
        warc = os.path.join(crawl, "warc")
        gone = [name for name in os.listdir(warc) if re.search(r"\.warc(\.gz)?(\.open)?$", name)][0]
        os.remove(os.path.join(warc, gone))
        whole = self.lines("--columns", "url,title,warc_filename")
        lost = {row["url"] for row in whole if row["warc_filename"] == gone.removesuffix(".open")}
        self.assertTrue(lost)
        for name, options in (("t.csv", ("--format", "csv", "--columns", "url,title")), ("t.parquet", ("--format", "parquet", "--columns", "url,title")),
                              ("t.sqlite", ("--format", "sqlite")), ("t.jsonl", ())):
            told = self.export(*options, "-o", self.path(name), crawl=crawl, code=1)
            self.told(told.stderr, gone, f"{len(lost)} of 66 pages could not be read")
        table = parquet_reader.read(self.path("t.parquet"))
        self.assertEqual({row["url"]: row["title"] for row in parquet_reader.as_rows(table)},
                         {row["url"]: None if row["url"] in lost else row["title"] for row in whole})
        # The index alone needs no page.
        self.export("--format", "csv", crawl=crawl)

    def test_killed_it_leaves_no_file_and_parts_go_on(self):
        plain = self.path("p.csv")
        whole = self.lines("--columns", "all")
        for run in range(12):
            process = subprocess.Popen([weft_process.binary, "export", self.crawl, "--format", "csv", "--columns", "all",
                                        "--rows-per-file", "7", "--resume", "-o", plain], stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=0.01 + 0.02 * run)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
            for name in self.left():
                if name.endswith(".csv"):
                    self.assertEqual(len(list(csv.reader(io.StringIO(self.read(name).decode(), newline="")))), 8 if not name.endswith("00009.csv") else 4)
        self.told(self.export("--format", "csv", "--columns", "all", "--rows-per-file", "7", "--resume", "-o", plain).stderr, "weft:")
        parts = sorted(name for name in self.left() if name.endswith(".csv"))
        self.assertEqual(len(parts), 10)
        rows = []
        for name in parts:
            rows += csv.DictReader(io.StringIO(self.read(name).decode(), newline=""))
        self.assertEqual([row["url"] for row in rows], [row["url"] for row in whole])
        told = self.export("--format", "csv", "--columns", "all", "--rows-per-file", "7", "--resume", "-o", plain)
        self.told(told.stderr, "is complete already, since 20", "--force exports anew")
        told = self.export("--format", "csv", "--columns", "url", "--rows-per-file", "7", "--resume", "-o", plain, code=2)
        self.told(told.stderr, "other options", "--force")

    def test_killed_while_it_writes_one_file_nothing_stands_there(self):
        for number, options in enumerate((("--format", "parquet"), ("--format", "sqlite"), ("--format", "csv"), ())):
            target = self.path(f"t{number}")
            process = subprocess.Popen([weft_process.binary, "export", self.crawl, *options, "--text", "-o", target],
                                       stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=0.02)
                continue  # quicker than the signal: it is whole then
            except subprocess.TimeoutExpired:
                process.kill()
            process.wait()
            if process.returncode == -signal.SIGKILL:
                self.assertFalse(os.path.exists(target))

    def test_resume_without_parts_begins_anew_and_says_so(self):
        self.told(self.export("--format", "csv", "--resume", "-o", self.path("x.csv")).stderr, "begins anew", "--rows-per-file")


class Memory(Case):
    """Pages of 5 MB each, 60 MB in all: what is held is a row group and a page, not the export."""

    @classmethod
    def setUpClass(cls):
        cls.shared = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="weft-export-"))
        cls.crawl = os.path.join(cls.shared, "crawl")
        words = [f"word{i}" for i in range(5000)]
        draw = random.Random(7)
        made = {"/": page(*(f"/{i}" for i in range(12)))}
        for i in range(12):
            text = "".join(f"<p>{' '.join(draw.choices(words, k=200))}</p>" for _ in range(2800))
            made[f"/{i}"] = Answer(200, {"Content-Type": "text/html"}, text.encode())
        site = Site(made)
        try:
            told = weft("crawl", site.url(), "--out", cls.crawl, *LOOPBACK, "--delay", "0")
        finally:
            site.close()
        if told.returncode != 0:
            raise AssertionError(told.stderr)

    def test_is_bounded_by_a_row_group(self):
        for kind in ("parquet", "sqlite"):
            target = self.path("t." + kind)
            process = subprocess.Popen([weft_process.binary, "export", self.crawl, "--format", kind, "--columns", "all", "-o", target],
                                       stderr=subprocess.DEVNULL)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            self.assertLess(used.ru_maxrss, 300 * 1024, f"{kind}: KB")
        table = parquet_reader.read(self.path("t.parquet"))
        self.assertGreater(len(table.row_groups), 1)
        self.assertGreater(sum(len(text or "") for text in table.columns["text"]), 40_000_000)


class Parquet(unittest.TestCase):
    def test_random_tables_are_read_back_equal(self):
        seed = int(os.environ.get("WEFT_TEST_SEED", random.randrange(10 ** 9)))
        print(f"seed {seed}", file=sys.stderr)
        shapes, paged = set(), False
        with tempfile.TemporaryDirectory(prefix="weft-parquet-") as folder:
            for number in range(seed, seed + 16):
                parquet, lines = os.path.join(folder, "t.parquet"), os.path.join(folder, "t.jsonl")
                subprocess.run([PARQUET_SAMPLE, str(number), parquet, lines], check=True, timeout=60)
                table = parquet_reader.read(parquet)
                with open(lines, encoding="utf-8") as file:
                    wanted = [json.loads(line) for line in file]
                for row in wanted:
                    row["time"] = micros(row["time"])
                    row["json"] = None if row["json"] is None else json.dumps(row["json"], separators=(",", ":"))
                self.assertEqual(table.rows, len(wanted), f"seed {number}")
                self.assertEqual(parquet_reader.as_rows(table), wanted, f"seed {number}")
                self.assertEqual(table.metadata["seed"], str(number))
                shapes.add(len(table.row_groups) > 1)
                paged = paged or max(table.pages.get("long_text", []), default=0) > 1
        self.assertTrue(paged, f"seed {seed}: no column chunk of several pages")
        self.assertIn(True, shapes, f"seed {seed}: no table of several row groups")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    PARQUET_SAMPLE = os.path.abspath(sys.argv.pop(2))
    weft_process.main(__doc__)
