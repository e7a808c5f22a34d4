"""Nodes that leave a cluster in order or for good, hosts that wait for a node with a tag, and checkpoints of a scheduler.

    leaving_test.py WEFT
"""
import collections
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from cluster_test import Cluster  # noqa: E402
from scripted_site import Site, page  # noqa: E402
from weft_process import LOOPBACK, Checks, rows, weft  # noqa: E402

PAGES = 150
TAKEN = re.compile(r"weft: (\d+) pages were taken again from")


def tree():
    return {"/": page("/0"), **{f"/{i}": page(*(f"/{n}" for n in range(3 * i + 1, 3 * i + 4) if n < PAGES)) for i in range(PAGES)}}


class NamedCluster(Cluster):
    """Its workers have names, and its scheduler may begin in another directory."""

    def start_scheduler(self, data="data", *more):
        self.scheduler = self._start("scheduler.log", "scheduler", "--data", os.path.join(self.folder, data), "--listen",
                                     self.endpoint, *LOOPBACK, *self.options, *more)
        self.scheduler.wait_for(lambda: "scheduler at tcp" in self.scheduler.told(), "the scheduler listens")
        self.endpoint = re.search(r"scheduler at (tcp://\S+);", self.scheduler.told()).group(1)

    def start_worker(self, name, *more):
        worker = self._start(f"{name}.log", "worker", "--scheduler", self.endpoint, "--pages", self.pages(name),
                             "--parsers", "1", "--name", name, *more)
        worker.wait_for(lambda: "working for tcp" in worker.told(), "it works")
        return worker

    def tool(self, *words):
        return weft(*words, "--scheduler", self.endpoint)

    def nodes(self):
        return {node["name"]: node for node in self.status()["nodes"]}


class Leaving(Checks):
    def setUp(self):
        self.site = Site(tree())
        self.addCleanup(self.site.close)
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        self.expected = sorted([self.site.url("/")] + [self.site.url(f"/{i}") for i in range(PAGES)])

    def cluster(self, *options):
        return NamedCluster(self.folder, "--delay", "10ms", "--host-connections", "2", *options)

    def asked(self):
        return collections.Counter(path for path in self.site.paths() if path != "/robots.txt")

    def complete(self, cluster, *folders):
        now = cluster.status()
        self.assertEqual(now["state"], "finished", cluster.logs())
        self.adds_up(now)
        exported = rows("--scheduler", cluster.endpoint)
        self.each_once(exported)
        self.assertEqual(sorted(row["url"] for row in exported), self.expected)
        self.records_read_back(exported, *(cluster.pages(name) for name in folders))

    def test_a_worker_that_is_drained_hands_in_and_ends(self):
        with self.cluster("--delay", "40ms") as cluster:
            leaving = cluster.start_worker("w1")
            cluster.add_seeds(self.site.url())
            cluster.wait_until_pages(20)
            cluster.start_worker("w2")
            told = cluster.tool("node", "drain", "w1")
            self.assertEqual((told.returncode, told.stdout), (0, "drained: w1/fetcher, w1/parser-0\n"), told.stderr)
            self.assertEqual(leaving.wait(10), 0, leaving.told())
            self.assertIn("everything is handed in", leaving.told())
            self.assertEqual(sorted(cluster.nodes()), ["w2/fetcher", "w2/parser-0"])
            self.assertLess(cluster.status()["pages"], PAGES)
            cluster.wait_until_finished()
            self.assertEqual({path: count for path, count in self.asked().items() if count > 1}, {}, "fetched again")
            self.complete(cluster, "w1", "w2")
            told = cluster.tool("node", "drain", "w1")
            self.assertEqual(told.returncode, 1)
            self.told(told.stderr, "no node is called 'w1'")

    def test_nodes_are_listed_with_what_they_do(self):
        with self.cluster() as cluster:
            cluster.start_worker("w1", "--tags", "eu,render")
            cluster.add_seeds(self.site.url())
            cluster.scheduler.wait_for(lambda: cluster.nodes()["w1/fetcher"]["pages_handed_in"] > 30, "pages are counted")
            nodes = cluster.nodes()
            version = weft("--version").stdout.split()[1]
            fetcher = nodes["w1/fetcher"]
            self.assertEqual((fetcher["role"], fetcher["worker"], fetcher["version"], fetcher["tags"]),
                             ("fetcher", "w1", version, ["eu", "render"]))
            self.assertGreater(fetcher["pages_per_s"], 0)
            self.assertGreater(fetcher["credit"], 0)
            self.assertLess(fetcher["silent_ms"], 5000)
            self.assertEqual(nodes["w1/parser-0"]["pages"], cluster.pages("w1"))
            told = cluster.tool("node", "list")
            self.assertRegex(told.stdout, r"fetcher w1/fetcher: \d leases?, heard \d+ ms ago; room for \d+ more; "
                                          r"\d+\.\d pages/s, \d+ held.*; version \S+; tags eu,render")

    def test_a_machine_that_is_gone_is_forgotten(self):
        with self.cluster() as cluster:
            worker = cluster.start_worker("w1")
            cluster.add_seeds(self.site.url())
            cluster.wait_until_pages(30)
            worker.kill()
            told = cluster.tool("node", "forget", "w1")
            self.assertEqual(told.returncode, 1, told.stdout)
            self.told(told.stderr, "it is alive")
            last = []

            def forgotten():
                last[:] = [cluster.tool("node", "forget", "w1")]
                return last[0].returncode == 0
            cluster.scheduler.wait_for(forgotten, "it may be forgotten", 20)
            self.told(last[0].stdout, "forgotten:", f"{cluster.pages('w1')}, unless that directory is brought back")
            self.assertEqual(cluster.nodes(), {})
            away = cluster.status()["pages_away"]
            self.assertEqual([(one["worker"], one["state"]) for one in away], [("w1", "forgotten")])
            os.rename(cluster.pages("w1"), cluster.pages("gone"))
            told = weft("export", "--scheduler", cluster.endpoint)
            self.assertEqual(told.returncode, 1, told.stderr)
            self.told(told.stderr, "given up by weft node forget")
            # It comes back after all.
            os.rename(cluster.pages("gone"), cluster.pages("w1"))
            cluster.start_worker("w1")
            self.assertEqual(cluster.status()["pages_away"], [])
            cluster.wait_until_finished()
            self.complete(cluster, "w1")

    def test_a_host_waits_for_a_node_with_its_tag(self):
        with self.cluster("--rule", r"match=127\.0\.1\. tag=eu") as cluster:
            cluster.start_worker("w1")
            cluster.add_seeds(self.site.url())
            cluster.scheduler.wait_for(lambda: cluster.status()["tag_waits"], "it waits")
            self.assertEqual(cluster.status()["tag_waits"], [{"tag": "eu", "hosts": 1, "node_there": False}])
            self.told(cluster.scheduler.told(), "1 host waits for a node with the tag 'eu', and none is connected")
            self.assertIn("tag 'eu', and none is connected", cluster.tool("status").stdout)
            self.assertEqual(self.asked(), {})
            cluster.start_worker("w2", "--tags", "us,eu")
            cluster.wait_until_finished()
            self.assertEqual(cluster.status()["tag_waits"], [])
            self.assertIn("a node with the tag 'eu' is connected", cluster.scheduler.told())
            self.assertEqual(cluster.nodes()["w1/fetcher"]["pages_handed_in"], 0)
            self.complete(cluster, "w1", "w2")

    def test_a_checkpoint_is_made_while_it_runs_and_restored_after_a_kill(self):
        with self.cluster() as cluster:
            workers = [cluster.start_worker(name) for name in ("w1", "w2")]
            cluster.add_seeds(self.site.url())
            cluster.wait_until_pages(30)
            told = cluster.tool("checkpoint")
            self.assertEqual(told.returncode, 0, told.stderr)
            copy = told.stdout.split(": ")[0]
            self.assertRegex(told.stdout, r": [\d.]+ [KM]iB, to commit \d+, in ")
            self.assertEqual(sorted(set(os.listdir(copy)) - {"crawl.seen.a", "crawl.seen.b"}), ["crawl.db", "crawl.log"])
            self.assertEqual(cluster.status()["checkpoint"]["path"], copy)
            cluster.wait_until_pages(80)
            cluster.scheduler.kill()
            before = self.asked()
            told = weft("scheduler", "--data", os.path.join(self.folder, "data"), "--restore", copy, *LOOPBACK)
            self.assertEqual(told.returncode, 1, told.stderr)
            self.told(told.stderr, "a crawl is there already", "--force")
            cluster.start_scheduler("new", "--restore", copy)
            cluster.wait_until_finished()
            self.assertTrue(TAKEN.findall(cluster.scheduler.told()), cluster.scheduler.told())
            again = {path: count for path, count in self.asked().items() if count > 1}
            print(f"asked before the kill {sum(before.values())}, asked twice {len(again)}", flush=True)
            self.assertLess(len(again), 20, again)
            self.complete(cluster, "w1", "w2")
            for worker in workers:
                worker.signal()
                self.assertEqual(worker.wait(), 0, worker.told())

    def test_force_puts_a_checkpoint_in_the_place_of_the_crawl(self):
        with self.cluster() as cluster:
            cluster.start_worker("w1")
            cluster.add_seeds(self.site.url())
            cluster.wait_until_pages(30)
            copy = os.path.join(self.folder, "copies", "one")
            told = cluster.tool("checkpoint", "--to", copy)
            self.assertEqual(told.returncode, 0, told.stderr)
            again = cluster.tool("checkpoint", "--to", copy)
            self.assertEqual(again.returncode, 1)
            self.told(again.stderr, f"{copy} is there already")
            cluster.wait_until_pages(60)
            cluster.scheduler.kill()
            cluster.start_scheduler("data", "--restore", copy, "--force")
            cluster.wait_until_finished()
            self.complete(cluster, "w1")

    def test_checkpoints_are_made_every_so_often_and_the_newest_kept(self):
        with self.cluster("--checkpoint-every", "1s") as cluster:
            folder = os.path.join(self.folder, "data", "checkpoints")
            seen = set()

            def several():
                seen.update(name for name in (os.listdir(folder) if os.path.isdir(folder) else []) if not name.endswith(".partial"))
                return len(seen) >= 4
            cluster.scheduler.wait_for(several, "four of them")
            cluster.scheduler.signal()
            cluster.scheduler.wait()
            left = sorted(os.listdir(folder))
            self.assertLessEqual(len(left), 2, left)
            self.assertEqual(left, sorted(seen | set(left))[-len(left):])


if __name__ == "__main__":
    weft_process.main(__doc__)
