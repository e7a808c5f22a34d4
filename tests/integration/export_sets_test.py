"""Exports that are more than one file of rows: Parquet by crawl and subset, clusters of near duplicates, and what is left of killed ones.

    export_sets_test.py WEFT
"""
import json
import os
import random
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import parquet_reader  # noqa: E402
import weft_process  # noqa: E402
from export_test import Case, times_as_numbers  # noqa: E402
from scripted_site import Answer, Site, page  # noqa: E402
from weft_process import LOOPBACK, weft  # noqa: E402


class Partitions(Case):
    def dataset(self):
        """The rows of each file by its name."""
        found = {}
        for folder, _, names in os.walk(self.path("table")):
            for name in names:
                if name.endswith(".parquet"):
                    relative = os.path.relpath(os.path.join(folder, name), self.path("table"))
                    found[relative] = parquet_reader.as_rows(parquet_reader.read(os.path.join(folder, name)))
        return dict(sorted(found.items()))

    def test_pages_lie_by_crawl_and_subset(self):
        told = self.export("--format", "parquet", "-o", self.path("table/"))
        self.told(told.stderr, "66 pages exported to", "table/crawl=crawl")
        found = self.dataset()
        at = "crawl=crawl/subset="
        self.assertEqual(list(found), [at + "crawldiagnostics/part-00000.parquet", at + "warc/part-00000.parquet"])
        diagnostics, warc = found.values()
        self.assertEqual(sorted(row["fetch_status"] for row in diagnostics), [302, 404])
        rows = [times_as_numbers(row) for row in self.lines("--columns", "index")]
        self.assertEqual(warc, [row for row in rows if row["fetch_status"] == 200])
        self.assertTrue(os.path.exists(self.path("table/crawl=crawl/_SUCCESS")))
        # It is there; and again it holds what is asked for, and nothing of before.
        self.told(self.export("--format", "parquet", "-o", self.path("table/"), code=1).stderr, "--force replaces it")
        self.export("--format", "parquet", "-o", self.path("table/"), "--where", "status = 200", "--force")
        self.assertEqual(list(self.dataset()), [at + "warc/part-00000.parquet"])

    def test_robots_txt_is_apart(self):
        site = Site({"/": page("/robots.txt", "/a"), "/a": page(), "/robots.txt": Answer(200, {"Content-Type": "text/plain"}, b"")})
        try:
            self.assertEqual(weft("crawl", site.url(), "--out", self.path("c"), *LOOPBACK, "--delay", "0").returncode, 0)
        finally:
            site.close()
        self.export("--format", "parquet", "-o", self.path("table/"), crawl=self.path("c"))
        self.assertEqual({name.split("subset=")[1].split("/")[0]: len(rows) for name, rows in self.dataset().items()},
                         {"warc": 2, "robotstxt": 1})

    def test_killed_it_goes_on_part_by_part(self):
        words = ("--format", "parquet", "--columns", "url,status,title", "--rows-per-file", "10", "--resume", "-o", self.path("table/"))
        for run in range(10):
            process = subprocess.Popen([weft_process.binary, "export", self.crawl, *words], stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=0.02 + 0.02 * run)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self.dataset()  # every file is whole
        self.export(*words)
        found = self.dataset()
        self.assertEqual(sum("subset=warc" in name for name in found), 7)
        urls = [row["url"] for rows in found.values() for row in rows]
        self.assertEqual(sorted(urls), sorted(row["url"] for row in self.lines()))
        left = [name for _, _, names in os.walk(self.path("table")) for name in names]
        self.assertEqual([name for name in left if not name.endswith(".parquet")], ["_SUCCESS"])
        self.told(self.export(*words).stderr, "is complete already")

    def test_pages_that_could_not_be_read_are_told_again_when_it_is_whole(self):
        away = os.path.join(self.folder, "warc-away")
        words = ("--format", "csv", "--columns", "url,title", "--rows-per-file", "7", "--resume", "-o", self.path("x.csv"))
        os.rename(os.path.join(self.crawl, "warc"), away)
        try:
            self.told(self.export(*words, code=1).stderr, "could not be read")
        finally:
            os.rename(away, os.path.join(self.crawl, "warc"))
        self.told(self.export(*words, code=1).stderr, "is complete already", "could not be read then", "--force exports anew")
        words = tuple(word for word in words if word != "--resume")
        self.export(*words, "--force")
        self.assertEqual(self.export(*words, "--resume").returncode, 0)


class NearDuplicates(Case):
    @classmethod
    def setUpClass(cls):
        cls.shared = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="weft-export-"))
        cls.crawl = os.path.join(cls.shared, "crawl")
        draw = random.Random(3)
        words = ["".join(draw.choices("abcdefghijklmnop", k=8)) for _ in range(3000)]
        made = {"/": page(*(f"/{kind}{i}" for kind in "ab" for i in range(5)), "/alone", "/data")}
        for kind in "ab":
            text = draw.choices(words, k=3000)
            for i in range(5):
                text[-1] = "changed" + "vwxyz"[i]
                made[f"/{kind}{i}"] = Answer(200, {"Content-Type": "text/html"}, ("<p>" + " ".join(text)).encode())
        made["/alone"] = Answer(200, {"Content-Type": "text/html"}, ("<p>" + " ".join(draw.choices(words, k=3000))).encode())
        made["/data"] = Answer(200, {"Content-Type": "application/pdf"}, b"%PDF-1.4")
        site = Site(made)
        try:
            told = weft("crawl", site.url(), "--out", cls.crawl, *LOOPBACK, "--delay", "0")
        finally:
            site.close()
        if told.returncode != 0:
            raise AssertionError(told.stderr)

    def test_pages_that_are_nearly_the_same_share_a_number(self):
        rows = {row["path"]: row for row in self.lines("--columns", "path,simhash,cluster")}
        clusters = {kind: {rows[f"/{kind}{i}"]["cluster"] for i in range(5)} for kind in "ab"}
        self.assertEqual([len(cluster) for cluster in clusters.values()], [1, 1])
        self.assertEqual(len({*clusters["a"], *clusters["b"], rows["/alone"]["cluster"]}), 3)
        self.assertEqual(rows["/alone"]["cluster"], rows["/alone"]["simhash"])
        self.assertIsNone(rows["/data"]["cluster"])
        unsigned = [rows[f"/a{i}"]["simhash"] & 2**64 - 1 for i in range(5)]
        self.assertEqual(*({min(unsigned)}), rows["/a0"]["cluster"] & 2**64 - 1)
        self.assertNotIn("near_duplicate_cluster", self.lines("--columns", "all")[0])

    def test_it_is_of_the_pages_that_are_exported(self):
        row, = self.lines("--columns", "simhash,near_duplicate_cluster", "--where", "path = '/a3'")
        self.assertEqual(row["near_duplicate_cluster"], row["simhash"])
        self.told(self.export("--where", "cluster = 1", code=2).stderr, "near_duplicate_cluster cannot choose them")

    def test_parts_and_a_sample_hold_the_same_numbers(self):
        whole = {row["url"]: row["cluster"] for row in self.lines("--columns", "url,cluster")}
        self.export("--columns", "url,cluster", "--rows-per-file", "4", "-o", self.path("t.jsonl"))
        parts = [json.loads(line) for name in self.left() if not name.startswith(".") for line in self.read(name).splitlines()]
        self.assertEqual({row["url"]: row["cluster"] for row in parts}, whole)
        self.assertEqual(len(self.lines("--columns", "url,cluster", "--sample", "5")), 5)


class Leftovers(Case):
    def test_what_a_killed_one_left_is_removed_by_the_next(self):
        for number, name in enumerate(("t.csv", "t.sqlite", "t.parquet", "t.wacz")):
            gone = subprocess.Popen(["true"])
            gone.wait()
            left = [f"{name}.{gone.pid}.unfinished"] + ([f"{name}.{gone.pid}.unfinished-journal"] if number == 1 else [])
            others = [f"{name}.{os.getpid()}.unfinished", f"{name}.x.unfinished", f"other{name}.{gone.pid}.unfinished"]
            for there in left + others:
                with open(self.path(there), "wb") as file:
                    file.write(b"x")
            self.export("-o", self.path(name))
            self.assertEqual([there for there in self.left() if there in left], [])
            self.assertEqual(sorted(there for there in self.left() if there in others), sorted(others), "these are no leftovers")


if __name__ == "__main__":
    weft_process.main(__doc__)
