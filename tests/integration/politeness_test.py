"""weft politeness HOST: what it says of a crawl is what the crawl's server has seen.

    politeness_test.py WEFT
"""
import itertools
import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from scripted_site import Answer, Site, chain, page, text  # noqa: E402
from weft_process import LOOPBACK, Checks, Running, weft  # noqa: E402


class Politeness(Checks):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="weft-politeness-"))
        self.out = os.path.join(self.folder, "crawl")

    def site(self, pages):
        site = Site(pages)
        self.addCleanup(site.close)
        return site

    def crawl(self, *words):
        told = weft("crawl", *words, "--out", self.out, *LOOPBACK)
        self.assertEqual(told.returncode, 0, told.stderr)

    def running(self, *words):
        return Running(os.path.join(self.folder, "log"), "crawl", *words, "--out", self.out, *LOOPBACK)

    def report(self, host):
        told = weft("politeness", host, self.out, "--json")
        self.assertEqual(told.returncode, 0, told.stderr)
        return json.loads(told.stdout)

    def text(self, host):
        told = weft("politeness", host, self.out)
        self.assertEqual(told.returncode, 0, told.stderr)
        return told.stdout

    def test_of_a_finished_crawl_the_rules_and_what_was_sent(self):
        site = self.site(chain(8))
        self.crawl(site.url("/0"), "--delay", "150ms", "--host-connections", "2", "--domain-connections", "5",
                   "--group", f"name=mine hosts={site.address} connections=2 delay=120ms")
        found = self.report(site.address)
        self.assertTrue(found["known"])
        self.assertEqual(found["rules"]["delay_s"], 0.15)
        self.assertEqual(found["rules"]["connections"], 2)
        self.assertEqual(found["delay_s"], 0.15, "the longest of all")
        self.assertEqual((found["pending"], found["held_by"], found["throttles"], found["unanswered"]), (0, "", 0, 0))
        groups = {group["kind"]: group for group in found["groups"]}
        self.assertEqual((groups["group"]["name"], groups["group"]["connections"], groups["group"]["delay_s"]), ("mine", 2, 0.12))
        self.assertEqual(groups["domain"]["connections"], 5)
        self.assertEqual([(one["origin"], one["pending"]) for one in found["origins"]], [(site.origin, 0)])
        # What its fetcher measured is what the server saw: it sees each request a little later, each end a little earlier.
        asked = sorted(site.asked, key=lambda one: one.begin)
        gaps = [after.begin - before.end for before, after in itertools.pairwise(asked)]
        self.assertGreaterEqual(found["shortest_gap_s"], 0.15)
        self.assertLessEqual(found["shortest_gap_s"], min(gaps) + 0.05)
        most = max(sum(1 for other in asked if one.begin <= other.begin < one.begin + 1) for one in asked)
        self.assertLessEqual(abs(found["busiest_second"] - most), 1)
        self.assertGreater(found["latency_s"], 0)
        self.assertGreaterEqual(found["last_request_s_ago"], 0)
        shown = self.text(site.address)
        self.told(shown, site.address, "0.15s" if "0.15s" in shown else "150ms", "group mine", "fastest ever",
                  "0 pending", "last asked")
        self.assertEqual(self.report(site.url("/anything?x")), {**found, "last_request_s_ago": found["last_request_s_ago"]},
                         "a URL stands for its host")

    def test_a_crawl_delay_and_a_pause_are_named_while_the_crawl_runs_and_after_it(self):
        answers = itertools.chain([Answer(429, {"Retry-After": "30"}, b"later")], itertools.repeat(page()))
        site = self.site({"/robots.txt": text("User-agent: *\nCrawl-delay: 1\n"), "/": lambda _: next(answers)})
        with self.running(site.url("/"), "--delay", "100ms") as crawl:
            crawl.wait_for(lambda: os.path.exists(os.path.join(self.out, "weft.sock")) and self.throttled(site), "the pause", 30)
            found = self.report(site.address)
            self.assertEqual(found["rules"]["crawl_delay_s"], 1.0)
            self.assertGreaterEqual(found["delay_s"], 1.0, "the longest is in force")
            self.assertEqual((found["throttles"], found["pending"]), (1, 1))
            self.assertGreater(found["wait_s"], 20)
            self.assertLessEqual(found["wait_s"], 34, "a tenth and a second later at the most")
            self.told(self.text(site.address), "Crawl-delay 1s", "throttled 1 times in a row", "no request for another")
            crawl.signal()
            crawl.wait()
        after = self.report(site.address)
        self.assertEqual(after["throttles"], 1)
        self.assertGreater(after["wait_s"], 15, "a pause outlives the run")
        self.assertEqual(len([one for one in site.asked if one.path == "/"]), 1)

    def throttled(self, site):
        told = weft("politeness", site.address, self.out, "--json")
        return told.returncode == 0 and json.loads(told.stdout)["throttles"] == 1

    def test_of_a_stranger_it_says_so_and_names_what_would_hold(self):
        site = self.site({"/": page()})
        self.crawl(site.url("/"), "--delay", "100ms")
        found = self.report("never.example")
        self.assertEqual((found["known"], found["delay_s"], found["last_request_s_ago"]), (False, 0.1, None))
        self.told(self.text("never.example"), "this crawl knows nothing of it")

    def test_what_cannot_be_asked_is_told(self):
        site = self.site({"/": page()})
        self.crawl(site.url("/"), "--delay", "0s")
        told = weft("politeness", "http://", self.out)
        self.assertEqual(told.returncode, 2)
        self.told(told.stderr, "is not a host")
        told = weft("politeness", site.address, os.path.join(self.folder, "nothing-here"))
        self.assertEqual((told.returncode, told.stdout), (1, ""))
        self.assertNotEqual(told.stderr, "")


if __name__ == "__main__":
    weft_process.main(__doc__)
