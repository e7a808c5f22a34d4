"""A crawl whose crawl.db is put back from an older copy takes what it fetched since from its WARC files.

    restore_test.py WEFT
"""
import collections
import os
import re
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from scripted_site import Answer, Site, page, redirect  # noqa: E402
from weft_process import LOOPBACK, Checks, Running, rows, status, weft  # noqa: E402

PAGES = 200
TAKEN = re.compile(r"weft: (\d+) pages were taken again from")


def tree():
    """PAGES pages, each naming three further ones; among them a redirect, a page that is missing and one that is not HTML."""
    pages = {f"/{i}": page(*(f"/{n}" for n in range(3 * i + 1, 3 * i + 4) if n < PAGES), "/0") for i in range(PAGES)}
    pages["/"] = page("/0")
    pages["/17"] = redirect("/aside")
    pages["/aside"] = page("/aside/1")
    pages["/aside/1"] = Answer(200, {"Content-Type": "text/plain"}, b"no links here")
    pages["/29"] = Answer(404, {"Content-Type": "text/html"}, b"gone")
    pages["/robots.txt"] = Answer(200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /never\n")
    return pages


class RestoreChecks(Checks):
    def setUp(self):
        self.site = Site(tree())
        self.folder = tempfile.TemporaryDirectory()
        self.log = os.path.join(self.folder.name, "log")

    def tearDown(self):
        self.site.close()
        self.folder.cleanup()

    def at(self, name):
        return os.path.join(self.folder.name, name)

    def command(self, out, *more):
        return ("crawl", self.site.url(), "--out", out, *LOOPBACK, "--delay", "10ms", "--host-connections", "2", *more)

    def asked(self):
        return collections.Counter(path for path in self.site.paths() if path != "/robots.txt")

    def stop_part_way(self, run, pages, kill):
        run.wait_for(lambda: len(self.site.asked) > pages, f"{pages} pages")
        if kill:
            run.kill()
        else:
            run.signal()
            run.wait()

    def expected(self):
        """What a crawl that nothing disturbs has."""
        calm = self.at("calm")
        self.assertEqual(weft(*self.command(calm, "--delay", "0")).returncode, 0)
        self.site.asked.clear()
        return sorted(row["url"] for row in rows(calm))

    def check_result(self, out, expected, *folders):
        exported = rows(*out)
        self.each_once(exported)
        self.assertEqual(sorted(row["url"] for row in exported), expected)
        self.records_read_back(exported, *folders)
        return exported

    def put_back(self, out, copy):
        shutil.rmtree(os.path.join(out, "crawl.db"))
        shutil.copytree(copy, os.path.join(out, "crawl.db"))


class Restore(RestoreChecks):
    def an_old_copy_is_put_back(self, kill, parsers):
        expected = self.expected()
        out = self.at("out")
        command = self.command(out, "--parsers", parsers)
        with Running(self.log, *command) as run:
            self.stop_part_way(run, PAGES // 4, kill)
        shutil.copytree(os.path.join(out, "crawl.db"), self.at("copy"))
        told = weft(*command)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertNotIn("taken again", told.stderr)
        before = self.asked()
        whole = status(out)

        self.put_back(out, self.at("copy"))
        told = weft(*command)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.told(told.stderr, "lost acknowledged writes, or is a copy that was put back", "is taken again from its WARC files")
        taken = int(TAKEN.search(told.stderr).group(1))
        again = self.asked() - before
        print(f"taken again {taken}, asked again {sum(again.values())}: {sorted(again)[:5]}", flush=True)
        self.assertGreater(taken, PAGES // 2)
        self.assertLessEqual(sum(again.values()), 2, again)
        exported = self.check_result((out,), expected, os.path.join(out, "warc"))
        now = status(out)
        self.adds_up(now)
        self.assertEqual(now["state"], "finished")
        self.assertEqual(now["ledger"], whole["ledger"])
        self.assertEqual(now["pages"], whole["pages"])
        self.assertEqual({row["url"]: row["depth"] for row in exported}[self.site.url("/aside/1")], 5)

        told = weft(*command)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertNotIn("put back", told.stderr, "the loss is over, and is not found again")
        self.assertEqual(self.asked() - before, again)

    def test_a_copy_of_a_killed_crawl(self):
        self.an_old_copy_is_put_back(True, "1")

    def test_a_copy_of_a_stopped_crawl_of_several_parsers(self):
        self.an_old_copy_is_put_back(False, "3")

    def test_a_kill_in_the_midst_of_it_asks_again(self):
        expected = self.expected()
        out = self.at("out")
        command = self.command(out)
        with Running(self.log, *command) as run:
            self.stop_part_way(run, PAGES // 4, False)
        shutil.copytree(os.path.join(out, "crawl.db"), self.at("copy"))
        self.assertEqual(weft(*command).returncode, 0)
        before = self.asked()
        self.put_back(out, self.at("copy"))
        for life in (0.02, 0.05, 0.1, 0.15):
            with Running(self.log, *command) as run:
                time.sleep(life)
                run.kill()
        told = weft(*command)
        self.assertEqual(told.returncode, 0, told.stderr)
        again = self.asked() - before
        print(f"asked again {sum(again.values())}", flush=True)
        self.assertLessEqual(sum(again.values()), 4, again)
        self.check_result((out,), expected, os.path.join(out, "warc"))

    def test_max_pages_counts_what_is_taken_again_once(self):
        out = self.at("out")
        with Running(self.log, *self.command(out)) as run:
            self.stop_part_way(run, PAGES // 4, False)
        shutil.copytree(os.path.join(out, "crawl.db"), self.at("copy"))
        limited = self.command(out, "--max-pages", "120")
        self.assertEqual(weft(*limited).returncode, 0)
        self.assertEqual(status(out)["pages"], 120)
        before = self.asked()
        self.put_back(out, self.at("copy"))
        told = weft(*limited)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn("taken again", told.stderr)
        self.assertEqual(status(out)["pages"], 120)
        self.assertEqual(self.asked() - before, collections.Counter())


class RestoreOfACluster(RestoreChecks):
    """The scheduler's crawl.db is put back, its worker lives on."""

    def scheduler(self, listen):
        return Running(self.log, "scheduler", "--data", self.at("data"), "--listen", listen, *LOOPBACK,
                       "--delay", "10ms", "--host-connections", "2")

    def endpoint(self, run):
        found = []

        def bound():
            found[:] = re.findall(r"scheduler at (tcp://\S+?);", run.told())
            return found
        run.wait_for(bound, "its endpoint")
        return found[0]

    def state(self):
        return status(self.at("data"))["state"]

    def worker(self, name, listen):
        return Running(self.at(name), "worker", "--scheduler", listen, "--pages", self.at(f"pages-{name}"), "--parsers", "2")

    def test_workers_that_live_on_submit_again(self):
        expected = self.expected()
        folders = [self.at("pages-w1"), self.at("pages-w2")]
        with self.scheduler("tcp://127.0.0.1:*") as run:
            listen = self.endpoint(run)
            with self.worker("w1", listen), self.worker("w2", listen):
                self.assertEqual(weft("seeds", "add", self.site.url(), "--scheduler", listen).returncode, 0)
                self.stop_part_way_of_cluster(run)
                shutil.copytree(self.at("data/crawl.db"), self.at("copy"))
                with self.scheduler(listen) as second:
                    second.wait_for(lambda: self.state() == "finished", "the end", 60)
                    second.kill()
                before = self.asked()
                self.put_back(self.at("data"), self.at("copy"))
                with self.scheduler(listen) as third:
                    third.wait_for(lambda: self.state() == "finished", "the end", 60)
                    third.wait_for(lambda: len(TAKEN.findall(third.told())) == 2, "the pages taken again")
                    again = self.asked() - before
                    print(f"taken again {TAKEN.findall(third.told())}, asked again {sum(again.values())}", flush=True)
                    self.assertLess(sum(again.values()), PAGES // 4, again)
                    # Which of the directories a row's file lies in it does not say; the export has read it.
                    exported = rows(self.at("data"), "--pages", folders[0], "--pages", folders[1])
                    self.each_once(exported)
                    self.assertEqual(sorted(row["url"] for row in exported), expected)

    def stop_part_way_of_cluster(self, run):
        run.wait_for(lambda: len(self.site.asked) > PAGES // 4, "some pages")
        run.kill()


if __name__ == "__main__":
    weft_process.main(__doc__)
