"""What `weft status` tells of a cluster's workers: their stores, what was turned away at their ports; and that a name is one worker's.

    cluster_status_test.py WEFT
"""
import collections
import contextlib
import json
import os
import random
import re
import signal
import socket
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))

import weft_process  # noqa: E402
from keyed_intruder import Link, malformed_parts  # noqa: E402
from scripted_site import Site, page  # noqa: E402
from weft_process import LOOPBACK, Checks, Running, rows, status, weft  # noqa: E402

PAGES = 40
FRAMES = 30
# ZMTP 3.0's greeting of a peer that asks for keys, at a port that has none.
CURVE_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + bytes(32)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def site():
    # What does not compress: a WARC file of the size below holds a few pages.
    words = random.Random(5)
    pages = {"/": page(*(f"/{n}" for n in range(PAGES)))}
    for n in range(PAGES):
        pages[f"/{n}"] = page("/", title="".join(words.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=3000)))
    return Site(pages)


class ClusterStatus(Checks):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="weft-status-"))
        self.site = site()
        self.addCleanup(self.site.close)
        self.data = self.path("data")
        self.scheduler = self.run_beside("scheduler", "scheduler", "--data", self.data, "--listen", "tcp://127.0.0.1:0", *LOOPBACK, "--delay", "30ms",
                                         "--warc-size", "20000")
        self.scheduler.wait_for(lambda: "scheduler at tcp" in self.scheduler.told(), "the scheduler listens")
        self.endpoint = re.search(r"scheduler at (tcp://\S+);", self.scheduler.told()).group(1)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def run_beside(self, log, *words):
        process = Running(self.path(log + ".log"), *words)
        self.addCleanup(process.__exit__)
        return process

    def worker(self, pages, *options):
        return self.run_beside(pages, "worker", "--scheduler", self.endpoint, "--pages", self.path(pages), "--parsers", "2", *options)

    def seed(self):
        told = weft("seeds", "add", self.site.url("/"), "--scheduler", self.endpoint)
        self.assertEqual(told.returncode, 0, told.stderr)

    def now(self):
        return status("--scheduler", self.endpoint)

    def until(self, ready, what, seconds=60):
        self.scheduler.wait_for(ready, what, seconds)

    def finished(self):
        return self.now()["state"] == "finished"

    def warc_files(self, pages):
        with contextlib.suppress(FileNotFoundError):
            return [name for name in os.listdir(self.path(pages)) if ".warc" in name]
        return []


class Stores(ClusterStatus):
    def test_each_workers_store_is_shown_once(self):
        os.mkdir(self.path("mounted"))
        good = self.worker("p1", "--name", "good", "--store", f"file://{self.path('mounted', 'crawl')}", "--store-free", "on")
        away = self.worker("p2", "--name", "away", "--store", f"file://{self.path('nowhere', 'crawl')}")
        for one in (good, away):
            one.wait_for(lambda one=one: "working for tcp" in one.told(), "it works")
        self.seed()
        self.until(self.finished, "the crawl is finished")

        def shown():
            return {store["worker"]: store for store in self.now()["stores"]}

        mounted = self.path("mounted", "crawl")

        def in_the_store():
            return [name for name in os.listdir(mounted) if name.endswith(".warc.gz")] if os.path.isdir(mounted) else []

        def told_all():
            now = shown()
            # What is told is as of the last heartbeat.
            left = [name for name in self.warc_files("p1") if name.endswith(".warc.gz")]
            if left or now.get("good", {}).get("freed") != len(in_the_store()):
                return False
            # Which parsers had pages is theirs and the fetchers' to say: who has files that cannot be stored says so.
            complains = now.keys() >= {"away"} and (now["away"]["trouble"] != "") == (now["away"]["waiting"] > 0)
            return set(now) == {"good", "away"} and now["good"]["waiting"] == 0 and complains and now["good"]["stored"] + now["away"]["waiting"] >= 2

        self.until(told_all, "the stores are told")
        stores = shown()
        self.assertEqual(len(self.now()["stores"]), 2, "one for each pages directory, though both of its parsers tell")
        stored = in_the_store()
        self.assertEqual((stores["good"]["stored"], stores["good"]["freed"]), (len(stored), len(stored)))
        self.assertEqual(stores["good"]["stored_bytes"], sum(os.path.getsize(self.path("mounted", "crawl", name)) for name in stored))
        self.assertEqual((stores["good"]["failed"], stores["good"]["trouble"]), (0, ""))
        self.assertEqual(stores["good"]["url"], f"file://{self.path('mounted', 'crawl')}")
        self.assertEqual((stores["away"]["stored"], stores["away"]["freed"]), (0, 0))
        if stores["away"]["waiting"]:
            self.assertIn("is the disk mounted?", stores["away"]["trouble"])
        told = weft("status", "--scheduler", self.endpoint).stdout
        self.assertRegex(told, rf"store file://\S+ \(good\): {len(stored)} files \(.*\) stored, {len(stored)} removed here, 0 waiting, 0 given up")
        if stores["away"]["waiting"]:
            self.assertRegex(told, r"store \(away\): nothing could be stored lately: .*is the disk mounted\?")
        self.assertEqual(len(re.findall(r"^ +store file://", told, re.MULTILINE)), 2, told)

    def test_one_process_tells_the_same(self):
        os.mkdir(self.path("mounted"))
        out = self.path("alone")
        words = ("crawl", self.site.url("/"), "--out", out, *LOOPBACK, "--delay", "200ms", "--parsers", "2", "--warc-size", "20000", "--store",
                 f"file://{self.path('mounted', 'c')}")
        seen = []

        def stored():
            told = weft("status", out, "--json")  # at first there is nothing to be read
            now = json.loads(told.stdout) if told.returncode == 0 else {"stores": []}
            seen[:] = [now]
            return now["stores"][0]["stored"] if now["stores"] else 0

        with Running(self.path("alone.log"), *words) as running:
            running.wait_for(lambda: stored() >= 2, "two files are stored", 60)
            self.assertEqual(len(seen[0]["stores"]), 1, "though both of its parsers tell")
            self.assertGreaterEqual(seen[0]["store"]["stored"], 2)
            self.assertEqual(running.wait(), 0, running.told())
        self.assertEqual(status(out)["stores"], [], "nobody runs it")
        self.assertRegex(weft("status", out).stdout, r"store file://\S+: \d+ files \(.*\) stored")


class TurnedAway(ClusterStatus):
    def test_what_knocks_at_a_parsers_port_is_counted(self):
        port = free_port()
        worker = self.run_beside("p", "parser", "--scheduler", self.endpoint, "--pages", self.path("p"), "--parsers", "1", "--name", "target",
                                 "--listen", f"tcp://127.0.0.1:{port}")
        worker.wait_for(lambda: "working for tcp" in worker.told(), "it works")

        def counted():
            (node,) = self.now()["nodes"]
            return node["refusals"]

        self.assertEqual(counted(), {"handshakes": 0, "frames": 0, "malformed": 0})
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port)) as knocking:
                knocking.sendall(CURVE_GREETING)
                knocking.settimeout(10)
                with contextlib.suppress(OSError):
                    while knocking.recv(4096):
                        pass
        did = collections.Counter()
        draw = random.Random(3)
        link = Link(f"127.0.0.1:{port}", None, draw, did, "")
        self.assertTrue(link.shaken(), did)
        sent = sum(link.send(*malformed_parts(draw)) for _ in range(FRAMES))
        self.assertEqual(sent, FRAMES)
        self.until(lambda: counted()["malformed"] >= FRAMES // 2 and counted()["handshakes"] >= 3, "they are counted", 20)
        link.close()
        told = weft("status", "--scheduler", self.endpoint).stdout
        self.assertRegex(told, r"turned away at target/parser-0: [3-9] connections, 0 messages under keys that may not send them, \d+ malformed")
        self.assertEqual(self.now()["refusals"]["malformed"], 0, "the scheduler's own are told apart")
        listed = weft("node", "list", "--scheduler", self.endpoint, "--json")
        self.assertIn('"refusals":{"handshakes":', listed.stdout)


class Names(ClusterStatus):
    def test_a_name_is_one_workers(self):
        first = self.worker("p1", "--name", "blue")
        first.wait_for(lambda: "working for tcp" in first.told(), "it works")
        self.seed()
        self.until(lambda: self.now()["pages"] >= 3, "three pages")
        second = self.worker("p2", "--name", "blue")
        self.assertEqual(second.wait(20), 1, second.told())
        self.told(second.told(), "refused by the scheduler: the name 'blue' is in use by another worker, on", "give this one another with --name")
        self.assertEqual(self.warc_files("p2"), [])
        third = self.worker("p3", "--name", "green")
        third.wait_for(lambda: "working for tcp" in third.told(), "another name is taken")
        self.until(self.finished, "the crawl is finished")
        now = self.now()
        self.assertEqual({node["worker"] for node in now["nodes"]}, {"blue", "green"})
        self.assertEqual({node["pages"] for node in now["nodes"] if node["worker"] == "blue"} - {""}, {self.path("p1")})
        self.assertGreaterEqual(now["refusals"]["registrations"], 1)
        self.adds_up(now)
        self.assertEqual(now["ledger"]["failed"], {})
        exported = rows("--scheduler", self.endpoint)
        self.each_once(exported)
        self.assertEqual(len(exported), PAGES + 1)
        self.records_read_back(exported, self.path("p1"), self.path("p3"))
        self.assertEqual(len(self.site.paths()), len(set(self.site.paths())), "nothing was asked twice")

    def test_a_worker_that_was_killed_is_started_again_under_its_name(self):
        first = self.worker("p1", "--name", "blue")
        first.wait_for(lambda: "working for tcp" in first.told(), "it works")
        self.seed()
        self.until(lambda: self.now()["pages"] >= 3, "three pages")
        first.kill()
        again = self.worker("p1", "--name", "blue")
        again.wait_for(lambda: "working for tcp" in again.told(), "it works again", 20)
        self.until(self.finished, "the crawl is finished")
        exported = rows("--scheduler", self.endpoint)
        self.each_once(exported)
        self.assertEqual(len(exported), PAGES + 1)

    def test_a_worker_that_stood_still_learns_that_its_name_was_taken(self):
        first = self.worker("p1", "--name", "blue")
        first.wait_for(lambda: "working for tcp" in first.told(), "it works")
        first.signal(signal.SIGSTOP)
        second = self.worker("p2", "--name", "blue")
        second.wait_for(lambda: "working for tcp" in second.told(), "it takes the name", 20)
        first.signal(signal.SIGCONT)
        self.assertEqual(first.wait(30), 1, first.told())
        self.told(first.told(), "the name 'blue' is")
        self.seed()
        self.until(self.finished, "the crawl is finished")
        self.assertEqual(len(rows("--scheduler", self.endpoint)), PAGES + 1)
        self.assertEqual(self.warc_files("p1"), [])


if __name__ == "__main__":
    weft_process.main(__doc__)
