"""Pages that are fetched again: asked conditionally, sooner where they change, and nothing lost over kills.

    recrawl_test.py WEFT
"""
import base64
import hashlib
import itertools
import os
import tempfile

import weft_process
from scripted_site import Answer, Site, conditional, page
from weft_process import LOOPBACK, Checks, Running, rows, status, weft

DATE = "Sat, 21 Nov 2026 10:00:00 GMT"
PATHS = ("/", "/etag", "/dated", "/both", "/plain", "/changing", "/gone")
OFTEN = ("--recrawl", "--recrawl-min", "1s", "--recrawl-max", "1m", "--delay", "0s")


def changing():
    """Another page each time."""
    numbers = itertools.count(1)
    return lambda _: Answer(200, {"Content-Type": "text/html"}, b"<title>version %d</title>" % next(numbers))


def gone():
    """There once, then no more."""
    answers = itertools.chain([page(title="here")], itertools.repeat(page(title="not here", status=404)))
    return lambda _: next(answers)


def label(body):
    return "sha1:" + base64.b32encode(hashlib.sha1(body).digest()).decode()


class Recrawl(Checks):
    def setUp(self):
        self.site = Site({
            "/": page(*PATHS[1:]), "/etag": conditional(etag='"one"'), "/dated": conditional(last_modified=DATE),
            "/both": conditional(etag='W/"two"', last_modified=DATE), "/plain": page(title="always the same"),
            "/changing": changing(), "/gone": gone()})
        self.addCleanup(self.site.close)
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="weft-recrawl-"))
        self.out = os.path.join(self.folder, "crawl")

    def running(self, *options):
        return Running(os.path.join(self.folder, "log"), "crawl", self.site.url("/"), "--out", self.out, *LOOPBACK, *options)

    def asked(self, path):
        return [asked for asked in list(self.site.asked) if asked.path == path]

    def stop(self, crawl):
        crawl.signal()
        self.assertIn(crawl.wait(), (0, 130), crawl.told())

    def exported(self):
        found = rows(self.out)
        self.each_once(found)
        self.records_read_back(found, os.path.join(self.out, "warc"))
        return {row["url"].removeprefix(self.site.origin): row for row in found}

    def test_visits_are_conditional_and_follow_how_often_a_page_changes(self):
        with self.running(*OFTEN) as crawl:
            crawl.wait_for(lambda: len(self.asked("/changing")) >= 8, "eight visits of a page that changes", 60)
            told = status(self.out)
            self.assertEqual(told["state"], "running")
            self.adds_up(told)
            self.stop(crawl)
        for path, header in (("/etag", "If-None-Match"), ("/dated", "If-Modified-Since"), ("/both", "If-None-Match")):
            first, *again = self.asked(path)
            self.assertNotIn(header, first.headers)
            self.assertGreaterEqual(len(again), 2, path)
            for one in again:
                self.assertIn(header, one.headers, path)
        for path in ("/plain", "/changing"):
            for one in self.asked(path):
                self.assertNotIn("If-None-Match", one.headers)
                self.assertNotIn("If-Modified-Since", one.headers)
        for path in ("/etag", "/dated", "/plain"):
            begins = [one.begin for one in self.asked(path)]
            gaps = [after - before for before, after in itertools.pairwise(begins)]
            self.assertGreaterEqual(gaps[0], 0.95, f"{path}: never before --recrawl-min")
            for before, after in itertools.pairwise(gaps):
                self.assertGreater(after, before * 1.1, f"{path} does not change: {gaps}")
            self.assertLess(len(begins), len(self.asked("/changing")), path)
        report = status(self.out)
        self.adds_up(report)
        self.assertEqual(report["ledger"]["discovered"], len(PATHS))
        self.assertEqual(report["pages"], len(PATHS) - 1, "/gone is a page no more")
        visits = report["recrawl"]
        self.assertEqual(visits["changed"], len(self.asked("/changing")) - 1 + 1, "and /gone once")
        self.assertEqual(visits["changed"] + visits["unchanged"] + visits["missed"],
                         sum(len(self.asked(path)) - 1 for path in PATHS))
        self.assertEqual(visits["due_later"] + report["ledger"]["queued"], len(PATHS))
        self.check_versions(report)

    def check_versions(self, report):
        versions = [label(b"<title>version %d</title>" % number) for number in range(1, len(self.asked("/changing")) + 1)]
        with open(os.path.join(self.out, "crawl.log"), encoding="utf-8") as log:
            committed = log.read()
        for version in versions:
            self.assertEqual(committed.count(version), 1, "each version was committed, once")
        found = self.exported()
        self.assertEqual(set(found), set(PATHS))
        self.assertEqual(len(found), report["ledger"]["discovered"])
        self.assertEqual(found["/changing"]["digest"], versions[-1], "the newest version is exported")
        self.assertEqual(found["/changing"]["changes"], len(versions) - 1)
        self.assertEqual(found["/etag"]["changes"], 0)
        self.assertEqual(found["/etag"]["status"], 200, "what has not changed keeps its page")
        self.assertEqual(found["/etag"]["digest"], label(b"<title>same</title>"))
        self.assertGreater(found["/etag"]["last_checked"], found["/etag"]["fetched_at"])
        self.assertEqual(found["/gone"]["status"], 404)

    def test_nothing_is_lost_over_kills(self):
        for _ in range(4):
            before = len(self.asked("/changing"))
            with self.running(*OFTEN) as crawl:
                crawl.wait_for(lambda seen=before: len(self.asked("/changing")) >= seen + 2, "two more visits", 60)
                crawl.kill()
            report = status(self.out)
            self.adds_up(report)
            self.assertEqual(report["ledger"]["discovered"], len(PATHS))
        asked_before = len(self.asked("/etag"))
        with self.running(*OFTEN) as crawl:
            before = len(self.asked("/changing"))
            crawl.wait_for(lambda: len(self.asked("/changing")) >= before + 2, "two more visits", 60)
            crawl.wait_for(lambda: len(self.asked("/etag")) > asked_before, "a visit of a page that does not change", 60)
            self.stop(crawl)
        report = status(self.out)
        self.adds_up(report)
        self.assertEqual(report["ledger"]["done"] + report["ledger"]["queued"], len(PATHS))
        for one in self.asked("/etag")[asked_before:]:
            self.assertEqual(one.headers.get("If-None-Match"), '"one"', "what a page is compared by outlives a kill")
        found = self.exported()
        self.assertEqual(set(found), set(PATHS))
        last = len(self.asked("/changing"))
        self.assertEqual(found["/changing"]["digest"], label(b"<title>version %d</title>" % last))

    def test_a_finished_crawl_is_planned_when_recrawls_are_asked_for(self):
        told = weft("crawl", self.site.url("/"), "--out", self.out, *LOOPBACK, "--delay", "0s")
        self.assertEqual(told.returncode, 0, told.stderr)
        report = status(self.out)
        self.assertEqual(report["state"], "finished")
        self.assertEqual(report["recrawl"]["due_later"], 0)
        self.assertEqual(len(self.asked("/etag")), 1)
        with self.running(*OFTEN, "--rule", "match=/plain$ recrawl=off") as crawl:
            crawl.wait_for(lambda: len(self.asked("/changing")) >= 3, "two visits", 60)
            self.stop(crawl)
        self.assertEqual(self.asked("/etag")[1].headers.get("If-None-Match"), '"one"')
        self.assertEqual(len(self.asked("/plain")), 1, "a rule keeps it out")
        self.adds_up(status(self.out))
        # Without recrawls a finished crawl is finished, whatever was planned.
        asked = len(self.site.asked)
        told = weft("crawl", "--out", self.out, "--recrawl=false")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(status(self.out)["state"], "finished")
        self.assertLessEqual(len(self.site.asked) - asked, len(PATHS), "only what was on its way")


if __name__ == "__main__":
    weft_process.main(__doc__)
