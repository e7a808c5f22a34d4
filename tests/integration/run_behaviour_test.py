"""What a crawl does as it runs, is stopped, is gone on with and is looked at, seen from its server and its shell.

    run_behaviour_test.py WEFT
"""
import os
import re
import signal
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from scripted_site import Answer, Site, chain, fan, page, redirect, text  # noqa: E402
from weft_process import LOOPBACK, Checks, Running, rows, status, weft  # noqa: E402

FAST = (*LOOPBACK, "--delay", "0")


class Behaviour(Checks):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        self.out = os.path.join(self.folder, "out")

    def site(self, pages):
        site = Site(pages)
        self.addCleanup(site.close)
        return site

    def crawl(self, *words, code=0, **more):
        told = weft("crawl", *words, "--out", self.out, **more)
        self.assertEqual(told.returncode, code, told.stderr)
        return told.stderr

    def pages(self):
        exported = rows(self.out)
        self.each_once(exported)
        self.records_read_back(exported, os.path.join(self.out, "warc"))
        return sorted(re.sub("^http://[^/]*", "", row["url"]) for row in exported if row["status"] == 200)


class Limits(Behaviour):
    def test_max_pages_is_exact_and_a_higher_one_goes_on(self):
        site = self.site(fan(60))
        told = self.crawl(site.url(), *FAST, "--host-connections", "8", "--max-pages", "17")
        self.assertEqual(status(self.out)["pages"], 17)
        self.assertEqual(len(self.pages()), 17)
        self.told(told, "stopped: --max-pages reached", "URLs are left; go on with:")
        told = self.crawl("--max-pages", "30")
        self.told(told, "max-pages: 17 -> 30")
        self.assertEqual(len(self.pages()), 30)
        self.crawl("--max-pages", "none")
        self.assertEqual(len(self.pages()), 61)
        now = status(self.out)
        self.assertEqual(now["state"], "finished")
        self.adds_up(now)
        fetched = [path for path in site.paths() if path != "/robots.txt"]
        self.assertEqual(len(fetched), len(set(fetched)), "a page was fetched twice")

    def test_max_pages_counts_pages_and_not_errors(self):
        pages = fan(20)
        pages["/"] = page(*[f"/gone{i}" for i in range(20)], *[f"/p{i}" for i in range(20)])
        site = self.site(pages)
        self.crawl(site.url(), *FAST, "--host-connections", "4", "--max-pages", "5")
        self.assertEqual(status(self.out)["pages"], 5)
        self.assertEqual(len(self.pages()), 5)

    def test_max_depth_counts_links_from_the_seed(self):
        site = self.site(chain(8))
        self.crawl(site.url("/0"), *FAST, "--max-depth", "3")
        self.assertEqual(self.pages(), ["/0", "/1", "/2", "/3"])
        now = status(self.out)
        self.assertEqual(now["ledger"]["refused"], {"depth": 1})
        self.assertEqual(now["state"], "finished")
        self.assertNotIn("/4", site.paths())

    def test_max_time_ends_it_and_it_goes_on(self):
        site = self.site(fan(60))
        begin = time.monotonic()
        told = self.crawl(site.url(), *LOOPBACK, "--delay", "100ms", "--max-time", "2s")
        self.assertLess(time.monotonic() - begin, 10)
        self.told(told, "stopped: --max-time reached")
        self.assertLess(len(self.pages()), 61)
        self.crawl("--max-time", "none", "--delay", "0")
        self.assertEqual(len(self.pages()), 61)


class Politeness(Behaviour):
    def test_the_delay_is_kept_from_robots_txt_on(self):
        site = self.site(fan(12, **{"/robots.txt": text("User-agent: *\nDisallow: /never\n")}))
        self.crawl(site.url(), *LOOPBACK, "--delay", "150ms")
        asked = sorted(site.asked, key=lambda one: one.begin)
        self.assertEqual(asked[0].path, "/robots.txt")
        self.assertEqual(len(asked), 14)
        gaps = [after.begin - before.end for before, after in zip(asked, asked[1:])]
        self.assertGreaterEqual(min(gaps), 0.149, gaps)

    def test_the_delay_is_kept_across_a_resume(self):
        site = self.site(fan(6))
        self.crawl(site.url(), *LOOPBACK, "--delay", "1s", "--max-pages", "2")
        self.crawl("--max-pages", "4")
        asked = sorted(site.asked, key=lambda one: one.begin)
        gaps = [after.begin - before.end for before, after in zip(asked, asked[1:])]
        self.assertGreaterEqual(min(gaps), 0.99, gaps)

    def test_robots_txt_is_obeyed(self):
        site = self.site(fan(6, **{"/robots.txt": text("User-agent: weft\nDisallow: /p1\nDisallow: /p2$\n")}))
        self.crawl(site.url(), *FAST)
        self.assertEqual(self.pages(), ["/", "/p0", "/p3", "/p4", "/p5"])
        self.assertEqual(status(self.out)["ledger"]["refused"], {"robots": 2})
        self.assertEqual([path for path in site.paths() if path in ("/p1", "/p2")], [])

    def test_robots_txt_is_not_asked_when_it_is_ignored(self):
        site = self.site(fan(3, **{"/robots.txt": text("User-agent: *\nDisallow: /\n")}))
        self.crawl(site.url(), *FAST, "--ignore-robots")
        self.assertEqual(self.pages(), ["/", "/p0", "/p1", "/p2"])
        self.assertNotIn("/robots.txt", site.paths())

    def test_a_seed_that_robots_txt_refuses_is_told(self):
        site = self.site(fan(3, **{"/robots.txt": text("User-agent: *\nDisallow: /\n")}))
        told = self.crawl(site.url(), *FAST)
        self.told(told, "robots.txt refuses it")
        self.assertEqual(site.paths(), ["/robots.txt"])


class Stopping(Behaviour):
    def begun(self, *words):
        return Running(os.path.join(self.folder, "log"), "crawl", *words, "--out", self.out)

    def until_pages(self, run, count):
        run.wait_for(lambda: os.path.exists(os.path.join(self.out, "weft.sock")) and
                     status(self.out)["pages"] >= count, f"{count} pages")

    def test_a_signal_drains_and_the_same_command_completes(self):
        for which in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(which.name):
                self.out = os.path.join(self.folder, which.name)
                site = self.site(fan(60))
                with self.begun(site.url(), *LOOPBACK, "--delay", "50ms") as run:
                    self.until_pages(run, 5)
                    begin = time.monotonic()
                    run.signal(which)
                    self.assertEqual(run.wait(20), 130, run.told())
                    self.assertLess(time.monotonic() - begin, 5)
                    self.told(run.told(), "stopping: what is under way is finished and saved", "go on with:")
                stored = self.pages()
                now = status(self.out)
                self.adds_up(now)
                self.assertEqual(now["ledger"]["leased"], 0)
                self.crawl(site.url(), *LOOPBACK, "--delay", "0")
                self.assertEqual(len(self.pages()), 61)
                self.assertTrue(set(stored) < set(self.pages()))
                fetched = [path for path in site.paths() if path != "/robots.txt"]
                self.assertEqual(len(fetched), len(set(fetched)), "a drained page was fetched again")

    def test_the_command_that_the_summary_names_goes_on(self):
        site = self.site(fan(40))
        with self.begun(site.url(), *LOOPBACK, "--delay", "50ms") as run:
            self.until_pages(run, 3)
            run.signal()
            self.assertEqual(run.wait(20), 130, run.told())
            command = re.search(r"go on with: (.*)", run.told()).group(1).split()
        told = weft(*command[1:], "--delay", "0")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(len(self.pages()), 41)

    def test_a_second_signal_leaves_at_once_and_nothing_is_lost(self):
        begun = threading.Event()

        def slow(path):
            begun.set()
            time.sleep(8)
            return page(title=path)
        site = self.site({**fan(20), "/p7": slow})
        with self.begun(site.url(), *FAST) as run:
            run.wait_for(begun.is_set, "the slow page is asked")
            run.signal()
            time.sleep(0.5)
            begin = time.monotonic()
            run.signal()
            self.assertEqual(run.wait(20), 130, run.told())
            self.assertLess(time.monotonic() - begin, 1)
            self.told(run.told(), "left at once")
        self.crawl(site.url(), *FAST)
        self.assertEqual(len(self.pages()), 21)
        self.adds_up(status(self.out))

    def test_status_and_export_while_it_runs(self):
        site = self.site(fan(80))
        with self.begun(site.url(), *LOOPBACK, "--delay", "30ms") as run:
            self.until_pages(run, 10)
            now = status(self.out)
            self.assertEqual(now["state"], "running")
            self.adds_up(now)
            self.assertEqual(sorted({node["role"] for node in now["nodes"]}), ["fetcher", "parser"])
            before = self.pages()
            self.assertGreaterEqual(len(before), 10)
            self.assertEqual(weft("status", self.out).returncode, 0)
            told = weft("crawl", site.url(), "--out", self.out, *FAST)
            self.assertEqual(told.returncode, 1, told.stderr)
            self.told(told.stderr, self.out, f"(pid {run.process.pid})", "stop it first")
            run.signal()
            self.assertEqual(run.wait(20), 130, run.told())
        self.assertTrue(set(before) <= set(self.pages()))


class Seeds(Behaviour):
    def test_lists_from_files_and_standard_input(self):
        site = self.site({f"/{i}": page() for i in range(6)})
        names = [os.path.join(self.folder, name) for name in ("one.txt", "two.txt")]
        with open(names[0], "w", encoding="utf-8") as file:
            file.write(f"# a list\n{site.url('/0')}\n\n  {site.url('/1')}  # a comment\r\n")
        with open(names[1], "w", encoding="utf-8") as file:
            file.write(f"\ufeff{site.url('/2')}\n{site.url('/0')}")
        self.crawl("-i", names[0], "-i", names[1], *FAST, "--max-depth", "0")
        self.assertEqual(self.pages(), ["/0", "/1", "/2"])
        self.crawl("-i", "-", text=f"{site.url('/3')}\n")
        self.crawl("-", text=f"{site.url('/4')}\n")
        with open(names[0], "w", encoding="utf-8") as file:
            file.write(f"{site.url('/5')}\n")
        self.crawl(names[0])
        self.assertEqual(self.pages(), [f"/{i}" for i in range(6)])

    def test_a_seed_that_redirects_to_another_host_brings_it_in(self):
        other = self.site({"/start": page("/more"), "/more": page()})
        site = self.site({"/": redirect(other.url("/start"))})
        told = self.crawl(site.url(), *FAST)
        self.assertEqual(self.pages(), ["/more", "/start"])
        self.told(told, other.address)

    def test_a_link_that_redirects_to_another_host_does_not(self):
        other = self.site({"/start": page("/more"), "/more": page()})
        site = self.site({"/": page("/away"), "/away": redirect(other.url("/start"))})
        self.crawl(site.url(), *FAST)
        self.assertEqual(self.pages(), ["/"])
        self.assertEqual(other.paths(), [])
        self.assertEqual(status(self.out)["ledger"]["refused"], {"scope": 1})

    def test_a_finished_crawl_says_so(self):
        site = self.site(fan(3))
        command = (site.url(), *FAST)
        self.crawl(*command)
        asked = site.paths()
        told = self.crawl(*command)
        self.told(told, "this crawl is finished")
        self.assertEqual(site.paths(), asked)
        self.told(self.crawl(), "this crawl is finished")

    def test_new_seeds_are_added_on_resume(self):
        first = self.site(fan(3))
        second = self.site(fan(2))
        self.crawl(first.url(), *FAST)
        self.crawl(second.url())
        self.assertEqual(len(rows(self.out)), 4 + 3)
        self.assertEqual(first.paths().count("/"), 1)


class Options(Behaviour):
    def test_changed_options_are_told(self):
        site = self.site(fan(3))
        self.crawl(site.url(), *FAST)
        told = self.crawl("--delay", "5ms", "--timeout", "7s")
        self.told(told, "changed: delay: 0 -> 5ms", "changed: timeout: 1m -> 7s")
        self.assertNotIn("changed", self.crawl("--delay", "5ms"))

    def test_another_scope_needs_to_be_asked_for(self):
        other = self.site(fan(2))
        site = self.site({"/": page("/a", other.url()), "/a": page()})
        self.crawl(site.url(), *FAST)
        before = status(self.out)
        told = self.crawl("--scope", "any", code=2)
        self.told(told, "scope: host -> any", "--change-scope")
        self.assertEqual(status(self.out), before)
        told = self.crawl("--scope", "any", "--change-scope")
        self.told(told, "changed: scope: host -> any")

    def test_failures_are_tried_again_when_asked(self):
        state = {"well": False}

        def moody(path):
            return page(title=path) if state["well"] else Answer(500, {"Content-Type": "text/plain"}, b"ill")
        site = self.site({**fan(3), "/p1": moody})
        self.crawl(site.url(), *FAST)
        self.adds_up(status(self.out))
        self.assertEqual(self.pages(), ["/", "/p0", "/p2"])
        self.assertGreaterEqual(site.paths().count("/p1"), 3)

    def test_the_config_file_is_beaten_by_a_flag(self):
        site = self.site(fan(9))
        config = os.path.join(self.folder, "weft.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write('delay = "0"\nallow-private-net = ["127.0.0.0/8"]\nmax-pages = 2\n')
        self.crawl(site.url(), "--config", config, "--max-pages", "4")
        self.assertEqual(len(self.pages()), 4)


if __name__ == "__main__":
    weft_process.main(__doc__)
