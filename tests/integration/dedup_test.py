"""Crawls with --warc-dedup: what their revisits refer to, and what Weft, warcio and pywb make of them. The readers are installed as for
archive_readers_test.py; where that cannot be, their tests are skipped and say so.

    dedup_test.py WEFT
"""
import collections
import json
import os
import random
import sys
import tempfile
import urllib.request
import zipfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from archive_readers_test import Wayback, run  # noqa: E402
from records_test import label, records  # noqa: E402
from scripted_site import Answer, Site, page  # noqa: E402
from weft_process import LOOPBACK, Checks, Running, gzip_member, rows, status, weft  # noqa: E402

HTML = {"Content-Type": "text/html"}
WORDS = " ".join(random.Random(11).choices(["red", "green", "blue", "seven", "eight", "of", "nine"], k=600))
TWIN = f"<!doctype html><title>the same everywhere</title><p>{WORDS}".encode()
TWINS = 12
OTHERS = 25
IDENTICAL = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"


def site():
    """Pages of which twelve have the same bytes; `/` leads to all, the twins before the others and after them."""
    twins = [f"/twin/{n}" for n in range(TWINS)]
    others = [f"/other/{n}" for n in range(OTHERS)]
    pages = {path: Answer(200, HTML, TWIN) for path in twins}
    pages.update({path: page(title=f"{path} {random.Random(path).randbytes(2000).hex()}") for path in others})
    pages["/"] = page(*twins[:TWINS // 2], *others, *twins[TWINS // 2:])
    return Site(pages)


def by_place(folder):
    """Every record by file and offset, which are read of the index: no record is found in it but at its own offset."""
    told = weft("index", folder)
    if told.returncode != 0:
        raise AssertionError(told.stderr)
    places = {}
    for line in told.stdout.splitlines():
        entry = json.loads(line.split(" ", 2)[2])
        places[entry["filename"], int(entry["offset"])] = gzip_member(os.path.join(folder, entry["filename"]), int(entry["offset"]))
    return places


def parsed(member):
    head, block = member.split(b"\r\n\r\n", 1)
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    return fields, block[:int(fields["Content-Length"])]


class Dedup(Checks):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="weft-dedup-"))
        self.out = os.path.join(self.folder, "crawl")
        self.warc = os.path.join(self.out, "warc")
        self.site = site()
        self.addCleanup(self.site.close)

    def words(self, *more, dedup="all"):
        return ("crawl", self.site.url("/"), "--out", self.out, *LOOPBACK, "--delay", "10ms", "--parsers", "2", "--warc-size", "30KB", "--warc-dedup",
                dedup, *more)

    def visit_until(self, ready, dedup="all"):
        words = (*self.words(dedup=dedup), "--recrawl", "--recrawl-min", "1s", "--recrawl-max", "2s")
        with Running(os.path.join(self.folder, "log"), *words) as process:
            process.wait_for(ready, "it was visited", 60)
            process.signal()
            self.assertIn(process.wait(), (0, 130), process.told())

    def asked(self, path):
        return self.site.paths().count(path)

    def kinds(self):
        return collections.Counter((record.type, record.fields["WARC-Target-URI"].removeprefix(self.site.origin))
                                   for record in records(self.warc) if record.type != "warcinfo")

    def check_revisits(self):
        """Each refers to a response that is there, under that URL and date, with that payload; answers those of other URLs."""
        places = by_place(self.warc)
        responses = {}
        for member in places.values():
            fields, block = parsed(member)
            if fields["WARC-Type"] == "response":
                responses[fields["WARC-Target-URI"], fields["WARC-Date"]] = fields, block
        of_others = []
        for member in places.values():
            fields, block = parsed(member)
            if fields["WARC-Type"] != "revisit":
                continue
            self.assertEqual(fields["WARC-Profile"], IDENTICAL)
            self.assertTrue(block.endswith(b"\r\n\r\n"), "the head alone")
            original, stored = responses[fields["WARC-Refers-To-Target-URI"], fields["WARC-Refers-To-Date"]]
            payload = stored.split(b"\r\n\r\n", 1)[1]
            self.assertEqual(fields["WARC-Payload-Digest"], label(payload), fields)
            self.assertEqual(original["WARC-Payload-Digest"], label(payload))
            if "WARC-Refers-To" in fields:
                self.assertEqual(fields["WARC-Refers-To"], original["WARC-Record-ID"])
            if fields["WARC-Refers-To-Target-URI"] == fields["WARC-Target-URI"]:
                continue
            of_others.append(fields)
            # A later visit of a page that is itself a revisit names no place: its URL's place is known.
            if "WARC-Refers-To-Filename" in fields:
                named, _ = parsed(places[fields["WARC-Refers-To-Filename"], int(fields["WARC-Refers-To-File-Offset"])])
                self.assertEqual(named["WARC-Record-ID"], original["WARC-Record-ID"])
        return of_others

    def check_read_whole(self):
        """Every twin, whatever stands for it."""
        told = weft("export", self.out, "--text")
        self.assertEqual(told.returncode, 0, told.stderr)
        exported = {row["url"].removeprefix(self.site.origin): row for row in map(json.loads, told.stdout.splitlines())}
        self.assertEqual(len(exported), len(told.stdout.splitlines()), "each once")
        self.assertEqual(set(exported), set(self.site.pages))
        for path, row in exported.items():
            self.assertEqual(row["digest"], label(self.site.pages[path].body), path)
            if path.startswith("/twin/"):
                self.assertEqual((row["title"], row["length"]), ("the same everywhere", len(TWIN)), path)
                self.assertIn(WORDS, row["text"], path)
        for n in range(TWINS):
            told = weft("warc", "cat", self.warc, "--uri", self.site.url(f"/twin/{n}"), "--payload")
            self.assertEqual((told.returncode, told.stdout.encode()), (0, TWIN), told.stderr)
        files = os.path.join(self.folder, f"files-{len(os.listdir(self.folder))}")
        told = weft("warc", "extract", self.warc, "--out", files)
        self.assertEqual(told.returncode, 0, told.stderr)
        names = dict(reversed(line.split("\t")) for line in told.stdout.splitlines())
        for n in range(TWINS):
            with open(os.path.join(files, names[self.site.url(f"/twin/{n}")]), "rb") as file:
                self.assertEqual(file.read(), TWIN)
        told = weft("warc", "check", self.out)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)

    def test_a_killed_crawl_goes_on_and_its_revisits_hold(self):
        with Running(os.path.join(self.folder, "log"), *self.words()) as process:
            process.wait_for(lambda: len(self.site.paths()) > 15, "half of the twins")
            process.kill()
        told = weft(*self.words())
        self.assertEqual(told.returncode, 0, told.stderr)
        of_others = self.check_revisits()
        # Each process stores the bytes once, and what two parsers had at the same moment.
        stored = [path for (kind, path), count in self.kinds().items() for _ in range(count) if kind == "response" and path.startswith("/twin/")]
        self.assertGreaterEqual(len(of_others), TWINS // 3)
        self.assertGreaterEqual(len(of_others) + len(stored), TWINS)
        for fields in of_others:
            self.assertIn("WARC-Refers-To", fields, "stored by the process that refers to it, which knows the id")
            self.assertIn("WARC-Refers-To-Filename", fields)
        self.check_read_whole()
        self.adds_up(status(self.out))

        self.visit_until(lambda: all(self.asked(f"/twin/{n}") >= 3 for n in range(TWINS)))
        self.assertGreaterEqual(len(self.check_revisits()), len(of_others))
        self.check_read_whole()

    def test_what_an_earlier_call_stored_is_referred_to_once_it_is_found_again(self):
        late = page("/twin/0", "/late/twin")
        visits = [0]

        def start(_):
            # The late one is named when the first has been visited in the second call.
            return late if visits[0] and self.asked("/twin/0") > visits[0] + 1 else page("/twin/0")

        self.site.pages.clear()
        self.site.pages.update({"/": start, "/twin/0": Answer(200, HTML, TWIN), "/late/twin": Answer(200, HTML, TWIN)})
        told = weft(*self.words())
        self.assertEqual(told.returncode, 0, told.stderr)
        (first,) = [record for record in records(self.warc) if record.type == "response" and record.fields["WARC-Target-URI"].endswith("/twin/0")]
        visits[0] = self.asked("/twin/0")
        self.visit_until(lambda: self.asked("/late/twin") >= 2)
        late_ones = [fields for fields in self.check_revisits() if fields["WARC-Target-URI"].endswith("/late/twin")]
        self.assertGreaterEqual(len(late_ones), 1)
        for fields in late_ones:
            self.assertEqual(fields["WARC-Refers-To-Target-URI"], self.site.url("/twin/0"))
            self.assertEqual(fields["WARC-Refers-To-Date"], first.fields["WARC-Date"])
        self.assertEqual(late_ones[0]["WARC-Refers-To-Filename"], first.file)
        self.assertEqual(self.kinds()["response", "/late/twin"], 0, "its bytes are stored once, by the call before")
        late_row = next(row for row in rows(self.out) if row["url"].endswith("/late/twin"))
        self.assertEqual((late_row["title"], late_row["length"]), ("the same everywhere", len(TWIN)))

    def test_none_stores_every_answer(self):
        told = weft(*self.words(dedup="none"))
        self.assertEqual(told.returncode, 0, told.stderr)
        self.visit_until(lambda: all(self.asked(f"/twin/{n}") >= 2 for n in range(TWINS)), dedup="none")
        kinds = self.kinds()
        self.assertEqual([path for kind, path in kinds if kind == "revisit"], [])
        for n in range(TWINS):
            self.assertGreaterEqual(kinds["response", f"/twin/{n}"], 2)
        self.check_read_whole()

    def test_an_import_that_writes_files_anew_keeps_the_bodies_of_revisits(self):
        told = weft(*self.words("--warc-compression", "zstd"))
        self.assertEqual(told.returncode, 0, told.stderr)
        before = len(self.site.paths())
        imported = os.path.join(self.folder, "imported")
        told = weft("import", self.out, "--out", imported, *LOOPBACK, "--delay", "0s")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn("with the body that they refer to", told.stderr)
        told = weft("crawl", "--out", imported)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual([path for path in self.site.paths()[before:] if path != "/robots.txt"], [], "every page was taken from the files")
        self.out, self.warc = imported, os.path.join(imported, "warc")
        self.check_read_whole()

    def test_renamed_files_give_bodies_by_the_ids_of_their_records(self):
        told = weft(*self.words())
        self.assertEqual(told.returncode, 0, told.stderr)
        renamed = os.path.join(self.folder, "renamed")
        os.mkdir(renamed)
        for name in os.listdir(self.warc):
            if name.endswith(".warc.gz"):
                os.link(os.path.join(self.warc, name), os.path.join(renamed, "old-" + name))
        for n in range(TWINS):
            told = weft("warc", "cat", renamed, "--uri", self.site.url(f"/twin/{n}"), "--payload")
            self.assertEqual((told.returncode, told.stdout.encode()), (0, TWIN), told.stderr)
        files = os.path.join(self.folder, "files")
        told = weft("warc", "extract", renamed, "--out", files)
        self.assertEqual(told.returncode, 0, told.stderr)
        names = dict(reversed(line.split("\t")) for line in told.stdout.splitlines())
        for n in range(TWINS):
            with open(os.path.join(files, names[self.site.url(f"/twin/{n}")]), "rb") as file:
                self.assertEqual(file.read(), TWIN)

    def test_url_stores_each_urls_bytes_once(self):
        told = weft(*self.words(dedup="url"))
        self.assertEqual(told.returncode, 0, told.stderr)
        self.visit_until(lambda: all(self.asked(f"/twin/{n}") >= 2 for n in range(TWINS)), dedup="url")
        kinds = self.kinds()
        self.assertEqual(self.check_revisits(), [])
        for n in range(TWINS):
            self.assertEqual(kinds["response", f"/twin/{n}"], 1)
            self.assertGreaterEqual(kinds["revisit", f"/twin/{n}"], 1)


class Readers(Dedup):
    def setUp(self):
        super().setUp()
        told = weft(*self.words())
        self.assertEqual(told.returncode, 0, told.stderr)
        self.of_others = self.check_revisits()
        self.assertGreaterEqual(len(self.of_others), TWINS // 3)
        self.files = sorted(os.path.join(self.warc, name) for name in os.listdir(self.warc) if name.endswith(".warc.gz"))

    def test_warcio_reads_every_revisit(self):
        told = run("warcio", "-m", "warcio.cli", "check", "-v", *self.files)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        self.assertNotIn("fail", told.stdout)
        script = ("import sys, json\nfrom warcio.archiveiterator import ArchiveIterator\n"
                  "for path in sys.argv[1:]:\n"
                  "    with open(path, 'rb') as file:\n"
                  "        for record in ArchiveIterator(file):\n"
                  "            if record.rec_type == 'revisit':\n"
                  "                print(json.dumps([record.rec_headers.get_header(name) for name in ('WARC-Target-URI', 'WARC-Profile',"
                  " 'WARC-Refers-To', 'WARC-Refers-To-Target-URI', 'WARC-Refers-To-Date')] + [record.http_headers.get_statuscode()]))\n")
        told = run("warcio", "-c", script, *self.files)
        self.assertEqual(told.returncode, 0, told.stderr)
        read = [json.loads(line) for line in told.stdout.splitlines()]
        self.assertEqual(sorted(one[0] for one in read), sorted(fields["WARC-Target-URI"] for fields in self.of_others))
        for one in read:
            self.assertEqual((one[1], one[5]), (IDENTICAL, "200"))
            self.assertTrue(all(one), one)

    def test_pywb_replays_a_revisit_as_the_page_that_it_stands_for(self):
        wayback = Wayback(self.folder, self.files, self.out)
        self.addCleanup(wayback.close)
        wayback.begin(self)
        for n in range(TWINS):
            with urllib.request.urlopen(wayback.url(self.site.url(f"/twin/{n}")), timeout=30) as answer:
                self.assertEqual(answer.read(), TWIN, n)

    def test_a_packed_archive_names_the_title_of_every_page(self):
        for name, words in (("whole", ("wacz", self.out, "--out")), ("chosen", ("export", self.out, "--format", "wacz", "--output"))):
            target = os.path.join(self.folder, f"{name}.wacz")
            told = weft(*words, target)
            self.assertEqual(told.returncode, 0, told.stderr)
            with zipfile.ZipFile(target) as wacz:
                listed = [json.loads(line) for line in wacz.read("pages/pages.jsonl").decode().splitlines()][1:]
            titles = {entry["url"].removeprefix(self.site.origin): entry.get("title") for entry in listed}
            self.assertEqual(len(titles), len(listed), name)
            self.assertEqual({path for path in titles if path.startswith("/twin/")}, {f"/twin/{n}" for n in range(TWINS)}, name)
            self.assertEqual({titles[f"/twin/{n}"] for n in range(TWINS)}, {"the same everywhere"}, name)


# Those of Dedup are not repeated.
for _name in [name for name in vars(Dedup) if name.startswith("test_")]:
    setattr(Readers, _name, None)


if __name__ == "__main__":
    weft_process.main(__doc__)
