"""Traps for crawlers end within their budgets and are named; ordinary sites beside them are crawled in full.

    traps_test.py WEFT
"""
import itertools
import json
import os
import random
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from scripted_site import Answer, Site, chain  # noqa: E402
from weft_process import LOOPBACK, Checks, Running, rows, status, weft  # noqa: E402

SEED = 20261121
# Most requests that a trap may cost before it is known, what was out at that moment included (docs/user-guide.md).
BUDGETS = {"calendar": 150, "session-ids": 250, "repeated-segments": 80, "endless-depth": 120, "soft-404": 500,
           "link-farm": 1500}
MONTHS = "January February March April May June July August September October November December".split()


def words(generator, count):
    return " ".join("".join(generator.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(generator.randint(3, 9)))
                    for _ in range(count))


def html(text, *links):
    anchors = "".join(f'<li><a href="{link}">further</a>' for link in links)
    return Answer(200, {"Content-Type": "text/html"}, f"<!doctype html><body><p>{text}</p><ul>{anchors}</ul>".encode())


class Made:
    """Answers every path by a function of it; the number of answers is bounded, so that no failure runs for ever."""

    def __init__(self, make, most=5000):
        self._make = make
        self._left = itertools.count(most, -1)

    def get(self, path, _otherwise=None):
        if next(self._left) <= 0:
            return html("It is enough by now of this site and its pages")
        return self._make(path)


def calendar():
    def make(path):
        query = dict(pair.split("=") for pair in path.partition("?")[2].split("&")) if "?" in path else {}
        at = int(query.get("year", 2026)) * 12 + int(query.get("month", 11)) - 1
        days = " ".join(f"<td>{day}" for day in range(1, 29 + at % 4))
        links = [f"/cal?year={other // 12}&month={other % 12 + 1}" for other in (at - 1, at + 1)]
        return html(f"{MONTHS[at % 12]} {at // 12}<table>Monday Tuesday Wednesday Thursday Friday {days}</table>"
                    "No events are planned for this month yet", *links)
    return Made(make)


def sessions():
    ids = random.Random(SEED)
    texts = {f"/page/{i}": words(random.Random(SEED + i), 80) for i in range(10)}

    def make(path):
        text = texts.get(path.partition("?")[0], "Welcome to a site whose pages each have a text of their own")
        return html(text, *(f"{page}?sid={ids.getrandbits(64):016x}" for page in texts))
    return Made(make)


def growing_path():
    texts = random.Random(SEED)
    return Made(lambda path: html(words(texts, 60), "a/"))


def deep_path():
    texts = random.Random(SEED)
    return Made(lambda path: html(words(texts, 60), words(texts, 1) + "/"))


def soft_404():
    names = random.Random(SEED)
    sorry = "Sorry, what you look for is not here any more. Perhaps one of these pages helps you on:"
    return Made(lambda path: html(sorry, *(f"/lost/{words(names, 1)}{words(names, 1)}" for _ in range(5))))


def farm(port):
    numbers = itertools.count(1)

    def make(path):
        return html("Buy the very best of everything here, at the lowest prices of all the web, today and only today",
                    *(f"http://s{next(numbers)}.farm.test:{port[0]}/" for _ in range(10)))
    return Made(make, 10_000)


def ordinary():
    """Items, a list of them in pages, a calendar of one year, a wiki with actions: 200 + 20 + 12 + 60 + 1 pages."""
    texts = random.Random(SEED)
    frame = words(texts, 60)
    pages = {}
    for i in range(200):
        pages[f"/item/{i}"] = html(frame + words(texts, 60))
    for i in range(20):
        pages[f"/list?page={i}"] = html(frame + words(texts, 40), *(f"/item/{item}" for item in range(10 * i, 10 * i + 10)))
    for i, month in enumerate(MONTHS):
        pages[f"/events?year=2026&month={i + 1}"] = html(frame + f"{month}: no events")
    for i in range(20):
        for action in ("", "&action=edit", "&action=history"):
            pages[f"/wiki?title=T{i}{action}"] = html(frame + action + words(texts, 60))
    pages["/"] = html(frame, *pages)
    return pages


class Traps(Checks):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.out = os.path.join(temporary.name, "crawl")
        self.log = os.path.join(temporary.name, "log")

    def serve(self, pages):
        site = Site(pages)
        self.addCleanup(site.close)
        return site

    def crawl(self, seeds, *more):
        return Running(self.log, "crawl", *seeds, "--out", self.out, *LOOPBACK, "--contact", "me@example.org", "--ignore-robots",
                       "--delay", "0", *more)

    def traps(self, *request):
        told = weft("traps", self.out, *request, "--json")
        self.assertEqual(told.returncode, 0, told.stderr)
        return json.loads(told.stdout)

    def test_each_ends_within_its_budget_and_the_ordinary_site_is_complete(self):
        port = [0]
        sites = {"calendar": self.serve(calendar()), "session-ids": self.serve(sessions()),
                 "repeated-segments": self.serve(growing_path()), "endless-depth": self.serve(deep_path()),
                 "soft-404": self.serve(soft_404()), "link-farm": self.serve(farm(port))}
        port[0] = sites["link-farm"].port
        good = ordinary()
        normal = self.serve(good)
        seeds = [site.url() for reason, site in sites.items() if reason != "link-farm"]
        seeds += [f"http://www.farm.test:{port[0]}/", normal.url()]
        with self.crawl(seeds, "--scope", "domain", "--resolve", f"*:*:{sites['link-farm'].address}") as crawl:
            self.assertEqual(crawl.wait(90), 0, crawl.told())
            told = crawl.told()

        now = status(self.out)
        self.adds_up(now)
        self.assertEqual(now["state"], "finished")
        self.assertGreater(now["ledger"]["refused"].get("trap", 0), 100)
        asked = {reason: len(site.paths()) for reason, site in sites.items()}
        print("asked before they were known:", asked, flush=True)
        for reason, site in sites.items():
            with self.subTest(reason):
                named = [trap for trap in now["traps"] if trap["reason"] == reason]
                self.assertEqual(len(named), 1, now["traps"])
                where = "farm.test" if reason == "link-farm" else site.address
                self.assertIn(where, named[0]["pattern"])
                self.assertIn(where, named[0]["example"])
                self.assertLessEqual(asked[reason], BUDGETS[reason])
                self.assertIn(f"({reason})", told)
                self.assertIn(f"({reason})", weft("status", self.out).stdout)
        self.assertEqual([trap for trap in now["traps"] if normal.address in trap["pattern"]], [])
        self.assertEqual(sorted(set(normal.paths())), sorted(good))
        # Behind the session ids each page was seen.
        pages = {row["url"].partition("?")[0] for row in rows(self.out) if row["url"].startswith(sites["session-ids"].origin)}
        self.assertEqual(len(pages), 11)
        self.go_on(seeds, sites, asked, now)

    def go_on(self, seeds, sites, asked, before):
        """A later run keeps the traps; what was released is taken up, as far as the host's budget goes."""
        trap, = (trap for trap in before["traps"] if trap["reason"] == "calendar")
        answer = self.traps("release", str(trap["id"]))
        self.assertEqual([one["id"] for one in answer["traps"] if one["released"]], [trap["id"]])
        self.assertEqual(status(self.out)["traps"], [one for one in before["traps"] if one != trap])
        with self.crawl(seeds, "--host-max-pages", "700") as crawl:
            self.assertEqual(crawl.wait(60), 0, crawl.told())
        now = status(self.out)
        self.adds_up(now)
        self.assertEqual(now["state"], "finished")
        self.assertEqual([one["id"] for one in now["traps"]], [one["id"] for one in before["traps"] if one != trap])
        again = {reason: len(site.paths()) for reason, site in sites.items()}
        self.assertGreaterEqual(again["calendar"], 700)
        self.assertLessEqual(again["calendar"], 720)
        self.assertGreater(now["ledger"]["refused"]["host-budget"], 0)
        for reason in ("repeated-segments", "endless-depth", "soft-404", "link-farm"):
            self.assertEqual(again[reason], asked[reason], reason)
        self.raise_budget(seeds, sites["calendar"], now)

    def raise_budget(self, seeds, site, before):
        refused = before["ledger"]["refused"]["host-budget"]
        with self.crawl(seeds, "--host-max-pages", "710") as crawl:
            self.assertEqual(crawl.wait(60), 0, crawl.told())
        self.adds_up(status(self.out))
        self.assertGreater(refused, 0)
        self.assertGreaterEqual(len(site.paths()), 710)
        self.assertLessEqual(len(site.paths()), 740)

    def test_a_trap_is_released_while_the_crawl_runs(self):
        trapped = self.serve(growing_path())
        other = self.serve(chain(3000))
        with self.crawl([trapped.url("/a/"), other.url("/0")], "--host-max-pages", "300") as crawl:
            crawl.wait_for(lambda: os.path.exists(self.out) and weft("status", self.out).stdout.count("repeated-segments"),
                           "the trap is found", 30)
            asked = len(trapped.paths())
            self.assertLess(asked, BUDGETS["repeated-segments"])
            self.assertEqual(self.traps("release", "1")["taken_up"], 1)
            crawl.wait_for(lambda: len(trapped.paths()) > asked + 10, "it goes on behind the trap", 30)
            crawl.signal()
            crawl.wait(30)
        self.adds_up(status(self.out))

    def test_without_traps_nothing_is_trapped(self):
        trapped = self.serve(growing_path())
        with self.crawl([trapped.url("/a/")], "--traps", "off", "--host-max-pages", "100") as crawl:
            self.assertEqual(crawl.wait(30), 0, crawl.told())
        now = status(self.out)
        self.adds_up(now)
        self.assertEqual(now["traps"], [])
        self.assertEqual(now["pages"], 100)
        self.assertEqual(now["ledger"]["refused"], {"host-budget": 1})


if __name__ == "__main__":
    weft_process.main(__doc__)
