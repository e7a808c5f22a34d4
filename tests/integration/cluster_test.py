"""A scheduler and workers as processes over TCP fetch what one process does, also when one of them is killed.

    [WEFT_SITE=cppreference|java|postgresql|python] cluster_test.py WEFT
"""
import os
import re
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from weft_process import LOOPBACK, Checks, Running, html_urls, rows, status, weft  # noqa: E402
import doc_sites  # noqa: E402

ENDS_WITHIN = 30
SITE = os.environ.get("WEFT_SITE", "postgresql")


class Cluster:
    """Directories, logs and processes of one cluster."""

    def __init__(self, folder, *options):
        self.folder = folder
        self.options = options
        self.running = []
        self.scheduler = None
        self.endpoint = "tcp://127.0.0.1:0"

    def __enter__(self):
        self.start_scheduler()
        return self

    def __exit__(self, *_):
        for process in self.running:
            process.__exit__()

    def _start(self, log, *words):
        process = Running(os.path.join(self.folder, log), *words)
        self.running.append(process)
        return process

    def start_scheduler(self):
        self.scheduler = self._start("scheduler.log", "scheduler", "--data", os.path.join(self.folder, "data"),
                                     "--listen", self.endpoint, *LOOPBACK, *self.options)
        self.scheduler.wait_for(lambda: "scheduler at tcp" in self.scheduler.told(), "the scheduler listens")
        self.endpoint = re.search(r"scheduler at (tcp://\S+);", self.scheduler.told()).group(1)

    def start_worker(self, name):
        return self._start(f"{name}.log", "worker", "--scheduler", self.endpoint, "--pages", self.pages(name),
                           "--parsers", "1")

    def pages(self, name):
        return os.path.join(self.folder, name)

    def add_seeds(self, *seeds):
        return weft("seeds", "add", *seeds, "--scheduler", self.endpoint)

    def status(self):
        return status("--scheduler", self.endpoint)

    def wait_until_pages(self, count):
        self.scheduler.wait_for(lambda: self.status()["pages"] >= count, f"{count} pages", 60)

    def wait_until_finished(self):
        self.scheduler.wait_for(lambda: self.status()["state"] == "finished", "the crawl is finished", 120)

    def logs(self):
        return "\n".join(f"{process.process.args[1]}: {process.told()}" for process in self.running)


class ClusterTest(Checks):
    def setUp(self):
        self.server = doc_sites.Server(SITE, "127.0.0.1")
        self.addCleanup(self.server.close)
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name

    def one_process(self):
        out = os.path.join(self.folder, "alone")
        told = weft("crawl", self.server.url, "--out", out, *LOOPBACK, "--delay", "0", "--host-connections", "20")
        self.assertEqual(told.returncode, 0, told.stderr)
        expected = html_urls(rows(out))
        self.assertGreater(len(expected), doc_sites.SITES[SITE].pages // 2)
        return expected

    def complete(self, cluster, expected, *workers):
        now = cluster.status()
        self.assertEqual(now["state"], "finished", cluster.logs())
        self.assertEqual(now["ledger"]["failed"], {})
        self.adds_up(now)
        exported = rows("--scheduler", cluster.endpoint)
        self.each_once(exported)
        self.same_urls(html_urls(exported), expected)
        self.records_read_back(exported, *(cluster.pages(name) for name in workers))

    def ends(self, process, code):
        begin = time.monotonic()
        process.signal(signal.SIGTERM)
        self.assertEqual(process.wait(ENDS_WITHIN), code, process.told())
        self.assertLess(time.monotonic() - begin, 10, process.told())

    def test_two_workers_fetch_what_one_process_does(self):
        expected = self.one_process()
        with Cluster(self.folder, "--delay", "0", "--host-connections", "20") as cluster:
            self.assertRegex(cluster.endpoint, r"^tcp://127\.0\.0\.1:\d+$")
            workers = [cluster.start_worker(name) for name in ("P1", "P2")]
            added = cluster.add_seeds(self.server.url)
            self.assertEqual((added.returncode, added.stdout), (0, "1 seed added, 0 known already\n"), added.stderr)
            cluster.wait_until_finished()
            nodes = sorted(node["role"] for node in cluster.status()["nodes"])
            self.assertEqual(nodes, ["fetcher", "fetcher", "parser", "parser"])
            self.complete(cluster, expected, "P1", "P2")
            again = cluster.add_seeds(self.server.url)
            self.assertEqual((again.returncode, again.stdout), (0, "0 seeds added, 1 known already\n"), again.stderr)
            for worker in workers:
                self.ends(worker, 0)
                self.assertIn("everything is handed in", worker.told())
            self.ends(cluster.scheduler, 0)

    def test_a_killed_worker_loses_nothing(self):
        expected = self.one_process()
        with Cluster(self.folder, "--delay", "4ms", "--host-connections", "2") as cluster:
            cluster.add_seeds(self.server.url)
            first = cluster.start_worker("P1")
            cluster.wait_until_pages(50)
            cluster.start_worker("P2")
            cluster.wait_until_pages(200)
            # The one that holds the site's lease, with pages under way.
            first.kill()
            cluster.wait_until_finished()
            # Its disk is still there: a worker that opens it again makes its pages known.
            cluster.start_worker("P1")
            cluster.scheduler.wait_for(lambda: sum(node["role"] == "parser" for node in cluster.status()["nodes"]) >= 2,
                                       "the worker is back")
            self.complete(cluster, expected, "P1", "P2")

    def test_a_killed_scheduler_goes_on_where_it_was(self):
        expected = self.one_process()
        with Cluster(self.folder, "--delay", "4ms", "--host-connections", "2") as cluster:
            workers = [cluster.start_worker(name) for name in ("P1", "P2")]
            cluster.add_seeds(self.server.url)
            cluster.wait_until_pages(200)
            cluster.scheduler.kill()
            time.sleep(1)
            cluster.start_scheduler()
            cluster.wait_until_finished()
            self.complete(cluster, expected, "P1", "P2")
            # The scheduler may go first: workers hand in to nobody, and end all the same.
            self.ends(cluster.scheduler, 0)
            for worker in workers:
                worker.signal(signal.SIGTERM)
            for worker in workers:
                self.assertIn(worker.wait(ENDS_WITHIN), (0, 1), worker.told())

    def test_a_worker_without_a_scheduler_says_what_it_could_not_hand_in(self):
        with Cluster(self.folder, "--delay", "1ms", "--host-connections", "20") as cluster:
            worker = cluster.start_worker("P1")
            cluster.add_seeds(self.server.url)
            cluster.wait_until_pages(100)
            cluster.scheduler.kill()
            time.sleep(0.5)
            worker.signal(signal.SIGTERM)
            self.assertEqual(worker.wait(ENDS_WITHIN), 130, worker.told())
            self.assertRegex(worker.told(), r"weft: \d+ pages are not handed in")
            self.assertNotIn("everything is handed in", worker.told())

    def test_the_pages_of_workers_that_have_gone_are_exported_too(self):
        with Cluster(self.folder, "--delay", "1ms", "--host-connections", "20", "--max-depth", "1") as cluster:
            first = cluster.start_worker("P1")
            cluster.add_seeds(self.server.url)
            cluster.wait_until_finished()
            first.kill()
            pages = len(rows("--scheduler", cluster.endpoint))
            self.assertGreater(pages, 10)
            # Its disk is elsewhere now: what is known of it is said, and the file says that it is not whole.
            os.rename(cluster.pages("P1"), cluster.pages("moved"))
            output = os.path.join(self.folder, "pages.jsonl")
            told = weft("export", "--scheduler", cluster.endpoint, "--output", output)
            self.assertEqual(told.returncode, 1, told.stderr)
            self.told(told.stderr, "1 node is missing", cluster.pages("P1"), f"{pages} pages of theirs are not in the export", "--pages DIR",
                      f"{output} is incomplete: 0 pages exported")
            self.assertEqual(os.path.getsize(output), 0)
            self.assertEqual(len(rows("--scheduler", cluster.endpoint, "--pages", cluster.pages("moved"))), pages)
            # The same without the scheduler, from its directory.
            self.ends(cluster.scheduler, 0)
            data = os.path.join(self.folder, "data")
            told = weft("export", data)
            self.assertEqual(told.returncode, 1, told.stderr)
            self.told(told.stderr, f"{pages} pages lie in {cluster.pages('P1')} on the machine")
            exported = rows(data, "--pages", cluster.pages("moved"))
            self.records_read_back(exported, cluster.pages("moved"))
            self.assertEqual(len(exported), pages)

    def test_a_worker_tells_when_the_scheduler_is_not_there_and_ends_at_once(self):
        log = os.path.join(self.folder, "alone.log")
        with Running(log, "worker", "--scheduler", "tcp://127.0.0.1:9", "--pages", os.path.join(self.folder, "P")) as worker:
            worker.wait_for(lambda: "no answer from the scheduler at tcp://127.0.0.1:9 yet" in worker.told(), "it tells")
            self.assertNotIn("working for", worker.told())
            self.ends(worker, 130)
            self.told(worker.told(), "the scheduler never answered, so nothing was begun")
            self.assertNotIn("everything is handed in", worker.told())

    def test_a_worker_tells_of_a_lost_scheduler_and_of_its_return(self):
        with Cluster(self.folder) as cluster:
            worker = cluster.start_worker("P1")
            worker.wait_for(lambda: "working for tcp" in worker.told(), "it works")
            cluster.scheduler.kill()
            worker.wait_for(lambda: "does not answer any more" in worker.told(), "it tells of the loss")
            cluster.start_scheduler()
            worker.wait_for(lambda: "is back" in worker.told(), "it tells of the return")
            self.ends(worker, 0)

    def test_a_scheduler_waits_for_its_first_seed(self):
        with Cluster(self.folder, "--delay", "1s") as cluster:
            cluster.scheduler.wait_for(lambda: "no seeds yet: weft seeds add" in cluster.scheduler.told(), "it tells")
            self.assertEqual(cluster.status()["state"], "running")
            worker = cluster.start_worker("P1")
            worker.wait_for(lambda: len(cluster.status()["nodes"]) == 2, "it is registered")
            told = weft("status", "--scheduler", cluster.endpoint)
            self.told(told.stdout, "running: 0 pages", "no seeds yet", f"pages in {cluster.pages('P1')}, heard")
            self.assertRegex(told.stdout, rf"fetcher \S+/{worker.process.pid}/fetcher: 0 leases, heard")
            cluster.add_seeds(self.server.url)
            cluster.wait_until_pages(2)
            self.ends(worker, 0)
            self.ends(cluster.scheduler, 130)
            data = os.path.join(self.folder, "data")
            self.told(cluster.scheduler.told(), f"URLs are left; go on with: {weft_process.binary} scheduler --data {data}")

    def test_seeds_of_others_need_a_contact(self):
        with Cluster(self.folder) as cluster:
            told = cluster.add_seeds("https://example.com/", self.server.url)
            self.assertEqual(told.returncode, 2, told.stderr)
            self.told(told.stderr, "contact", "example.com", "No seed was added", "--contact")
            self.assertEqual(cluster.status()["ledger"]["discovered"], 0)
            cluster.scheduler.signal(signal.SIGTERM)
            self.assertEqual(cluster.scheduler.wait(ENDS_WITHIN), 0)
            cluster.options = ("--contact", "me@example.org")
            cluster.start_scheduler()
            told = cluster.add_seeds("https://example.com/")
            self.assertEqual((told.returncode, told.stdout), (0, "1 seed added, 0 known already\n"), told.stderr)

    def test_seeds_add_counts_what_it_leaves_out(self):
        with Cluster(self.folder) as cluster:
            told = weft("seeds", "add", "-i", "-", "--scheduler", cluster.endpoint,
                        text=f"{self.server.url}\n{self.server.url}a\nnot a seed\n:::\n{self.server.url}\n")
            self.assertEqual((told.returncode, told.stdout), (0, "2 seeds added, 0 known already\n"), told.stderr)
            self.told(told.stderr, "2 lines are no seed and left out, 1 repeats a seed above")

    def test_plain_tcp_is_for_loopback_only(self):
        told = weft("worker", "--scheduler", "tcp://192.0.2.1:7700", "--pages", os.path.join(self.folder, "P"))
        self.assertEqual(told.returncode, 2, told.stderr)
        self.told(told.stderr, "--scheduler", "192.0.2.1", "loopback")

    def test_tools_say_when_no_scheduler_answers(self):
        told = weft("status", "--scheduler", "tcp://127.0.0.1:9")
        self.assertEqual(told.returncode, 1, told.stderr)
        self.told(told.stderr, "no answer from the scheduler at tcp://127.0.0.1:9 yet",
                  "no scheduler answered at tcp://127.0.0.1:9", "is it running there?")

    def test_a_stopped_cluster_goes_on(self):
        expected = self.one_process()
        with Cluster(self.folder, "--delay", "4ms", "--host-connections", "2") as cluster:
            worker = cluster.start_worker("P1")
            cluster.add_seeds(self.server.url)
            cluster.wait_until_pages(100)
            self.ends(worker, 0)
            self.ends(cluster.scheduler, 130)
            cluster.start_scheduler()
            cluster.start_worker("P1")
            cluster.wait_until_finished()
            self.complete(cluster, expected, "P1")
            self.ends(cluster.scheduler, 0)
            total, fresh = re.search(r"Crawl finished: ([\d,]+) pages, ([\d,]+) of them in this run \([\d.]+/s, 0:[0-5]\d\)",
                                     cluster.scheduler.told()).groups()
            self.assertLess(int(fresh.replace(",", "")), int(total.replace(",", "")))
            self.assertNotIn(", 0:00)", cluster.scheduler.told())


if __name__ == "__main__":
    weft_process.main(__doc__)
