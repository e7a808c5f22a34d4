"""A cluster whose nodes have keys, over loopback: who joins, who does not, and what becomes of a node that is revoked.

    [WEFT_SITE=cppreference|java|postgresql|python] keys_test.py WEFT
"""
import json
import os
import re
import signal
import socket
import stat
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from weft_process import LOOPBACK, Checks, Running, html_urls, rows, weft  # noqa: E402
import doc_sites  # noqa: E402

SITE = os.environ.get("WEFT_SITE", "postgresql")
SEES_WITHIN = 10


class KeysTest(Checks):
    def setUp(self):
        self.server = doc_sites.Server(SITE, "127.0.0.1")
        self.addCleanup(self.server.close)
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        self.data = self.path("data")
        self.scheduler = None
        self.endpoint = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_beside(self, log, *words):
        process = Running(self.path(log), *words)
        self.addCleanup(process.__exit__)
        return process

    def start(self, *options, listen="tcp://127.0.0.1:0"):
        self.scheduler = self.run_beside("scheduler.log", "scheduler", "--data", self.data, "--listen", listen, *LOOPBACK,
                                         "--delay", "0", "--host-connections", "20", *options)
        self.scheduler.wait_for(lambda: "scheduler at tcp" in self.scheduler.told(), "the scheduler listens")
        self.endpoint = re.search(r"scheduler at (tcp://\S+);", self.scheduler.told()).group(1)

    def token(self, name, role="worker"):
        """The file of a new token."""
        file = self.path(f"{name}.token")
        told = weft("token", "new", "--role", role, "--name", name, "--data", self.data, "-o", file)
        self.assertEqual(told.returncode, 0, told.stderr)
        return file

    def worker(self, name, token):
        return self.run_beside(f"{name}.log", "worker", "--join", token, "--pages", self.path(name), "--parsers", "1")

    def works(self, worker):
        worker.wait_for(lambda: "working for tcp" in worker.told(), "it works")

    def seed(self):
        told = weft("seeds", "add", self.server.url, "--data", self.data)
        self.assertEqual((told.returncode, told.stdout), (0, "1 seed added, 0 known already\n"), told.stderr)

    def now(self):
        told = weft("status", self.data, "--json")
        self.assertEqual(told.returncode, 0, told.stderr)
        return json.loads(told.stdout)

    def until(self, ready, what, seconds=60):
        self.scheduler.wait_for(ready, what, seconds)

    def refused(self, process, *pieces):
        self.assertEqual(process.wait(30), 1, process.told())
        self.told(process.told(), *pieces)

    def test_three_commands_make_a_cluster(self):
        self.start("--keys")
        self.told(self.scheduler.told(), "weft worker --join FILE --pages DIR", f"weft token new --role worker --data {self.data}")
        file = self.token("one")
        worker = self.worker("P1", file)
        self.works(worker)
        self.seed()
        self.until(lambda: self.now()["state"] == "finished", "the crawl is finished", 120)
        now = self.now()
        self.adds_up(now)
        self.assertEqual({node["token"] for node in now["nodes"]}, {"one"})
        exported = rows(self.data, "--pages", self.path("P1"))
        self.each_once(exported)
        self.records_read_back(exported, self.path("P1"))
        self.assertGreater(len(html_urls(exported)), doc_sites.SITES[SITE].pages // 2)
        worker.signal(signal.SIGTERM)
        self.assertEqual(worker.wait(30), 0, worker.told())

    def test_secrets_are_their_owners_alone(self):
        self.start("--keys")
        file = self.token("one")
        for path in (file, os.path.join(self.data, "keys", "scheduler.key"), os.path.join(self.data, "keys", "tokens")):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600, path)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.data, "keys")).st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.data, "weft.sock")).st_mode), 0o600)
        os.chmod(file, 0o644)
        told = weft("worker", "--join", file, "--pages", self.path("P1"))
        self.assertEqual(told.returncode, 2, told.stderr)
        self.told(told.stderr, f"chmod 600 {file}")
        with open(file, encoding="ascii") as text:
            secret = text.read()
        with open(os.path.join(self.data, "keys", "tokens"), encoding="ascii") as text:
            self.assertNotIn(secret.strip(), text.read())

    def test_a_token_that_cannot_be_written_is_none(self):
        self.start("--keys")
        file = self.token("one", "tool")
        for output, says in ((file, "it is there already"), (self.path("nowhere/x"), "No such file or directory")):
            told = weft("token", "new", "--role", "tool", "--name", "two", "--data", self.data, "-o", output)
            self.assertEqual(told.returncode, 1, told.stderr)
            self.told(told.stderr, says)
        listed = json.loads(weft("token", "list", "--data", self.data, "--json").stdout)
        self.assertEqual([one["name"] for one in listed], ["one"])
        self.assertEqual(weft("status", "--join", file).returncode, 0, "it was not overwritten")

    def test_without_keys_on_loopback_tokens_are_said_to_be_of_no_use(self):
        self.start("--keys")
        self.token("one")
        self.scheduler.signal(signal.SIGTERM)
        self.scheduler.wait()
        self.start()
        self.told(self.scheduler.told(), "asks for no key, as it is on loopback")

    def test_a_token_comes_by_file_input_environment_or_word(self):
        self.start("--keys")
        file = self.token("laptop", "tool")
        with open(file, encoding="ascii") as text:
            token = text.read().strip()
        self.assertEqual(weft("status", "--join", file).returncode, 0)
        self.assertEqual(weft("status", "--join", "-", text=token + "\n").returncode, 0)
        told = weft("status", env=dict(os.environ, WEFT_JOIN=file))
        self.assertEqual(told.returncode, 0, told.stderr)
        told = weft("status", "--join", token)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.told(told.stderr, "other users of this machine can read it")
        told = weft("status", "--join", token[:-9])
        self.assertEqual(told.returncode, 1, told.stderr)
        self.told(told.stderr, "copied whole")
        self.assertNotIn(token[:40], told.stderr)

    def test_a_token_is_for_its_role(self):
        self.start("--keys")
        told = weft("status", "--join", self.token("w"))
        self.assertEqual(told.returncode, 1, told.stderr)
        self.told(told.stderr, "'w' may not be used by tools")
        self.refused(self.worker("P1", self.token("t", "tool")), "'t' may not")

    def test_a_wrong_key_and_none_are_refused_and_counted(self):
        self.start("--keys")
        other = self.path("other")
        told = weft("token", "new", "--data", other, "--address", self.endpoint, "-o", self.path("foreign.token"))
        self.assertEqual(told.returncode, 0, told.stderr)
        # Another scheduler's token: this one cannot prove to hold that key, so it says nothing. One that it never made:
        file = self.token("one")
        os.rename(os.path.join(self.data, "keys", "tokens"), self.path("tokens"))
        time.sleep(1)
        self.refused(self.worker("P1", file), "does not accept this token")
        told = weft("status", "--scheduler", self.endpoint)
        self.assertEqual(told.returncode, 1, told.stderr)
        self.told(told.stderr, "asks for a key")
        before = self.now()["refusals"]["handshakes"]
        self.assertGreater(before, 1)
        foreign = self.run_beside("foreign.log", "fetcher", "--join", self.path("foreign.token"))
        self.until(lambda: self.now()["refusals"]["handshakes"] > before, "it is counted")
        self.assertNotIn("working for", foreign.told())
        self.told(weft("status", self.data).stdout, "turned away")

    def test_a_revoked_node_is_dropped_and_the_crawl_is_finished_by_others(self):
        self.start("--keys")
        first = self.worker("P1", self.token("one"))
        self.works(first)
        second = self.worker("P2", self.token("two"))
        self.works(second)
        self.seed()
        self.until(lambda: self.now()["pages"] >= 50, "50 pages")
        begin = time.monotonic()
        told = weft("token", "revoke", "one", "--data", self.data)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.until(lambda: {node["token"] for node in self.now()["nodes"]} == {"two"}, "it is dropped", SEES_WITHIN)
        self.assertLess(time.monotonic() - begin, SEES_WITHIN)
        self.refused(first, "'one' was revoked")
        self.until(lambda: self.now()["state"] == "finished", "the crawl is finished", 150)
        now = self.now()
        self.adds_up(now)
        self.assertEqual(now["ledger"]["failed"], {})
        exported = rows(self.data, "--pages", self.path("P1"), "--pages", self.path("P2"))
        self.each_once(exported)
        self.records_read_back(exported, self.path("P1"), self.path("P2"))
        # It does not come back.
        again = self.run_beside("again.log", "worker", "--join", self.path("one.token"), "--pages", self.path("P3"))
        self.refused(again, "does not accept this token")
        listed = json.loads(weft("token", "list", "--data", self.data, "--json").stdout)
        self.assertEqual([(one["name"], one["revoked"] != "") for one in listed], [("one", True), ("two", False)])

    def test_one_token_is_for_one_process_at_a_time(self):
        self.start("--keys")
        file = self.token("one")
        first = self.worker("P1", file)
        self.works(first)
        self.refused(self.worker("P2", file), "the token 'one' is in use by another process")
        # A worker that was killed is no obstacle to its successor.
        first.kill()
        self.works(self.worker("P3", file))

    def test_silent_connections_and_rubbish_stop_nobody(self):
        self.start("--keys")
        port = int(self.endpoint.rsplit(":", 1)[1])
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(400)]
        for one in silent[:50]:
            one.sendall(b"\xff\x00\x00\x00\x00\x04\x00\x00\x00\x7f" + b"x" * 1000)
        worker = self.worker("P1", self.token("one"))
        self.works(worker)
        self.seed()
        self.until(lambda: self.now()["pages"] >= 50, "50 pages")
        for one in silent:
            one.close()
        self.until(lambda: self.now()["refusals"]["handshakes"] >= 400, "they are counted")

    def test_beyond_loopback_there_are_keys_or_it_is_said_aloud(self):
        self.start(listen="tcp://0.0.0.0:0")
        told = weft("status", "--scheduler", f"tcp://127.0.0.1:{self.endpoint.rsplit(':', 1)[1]}")
        self.assertEqual(told.returncode, 1, told.stderr)
        self.told(told.stderr, "asks for a key")
        self.assertEqual(weft("status", "--join", self.token("laptop", "tool")).returncode, 0)
        told = weft("worker", "--scheduler", "tcp://192.0.2.1:7700", "--pages", self.path("P"))
        self.assertEqual(told.returncode, 2, told.stderr)
        self.told(told.stderr, "--scheduler", "192.0.2.1", "loopback", "--join", "--insecure")

    def test_insecure_says_what_it_means(self):
        self.start("--insecure", listen="tcp://0.0.0.0:0")
        self.told(self.scheduler.told(), "--insecure: tcp://0.0.0.0:0 asks for no key and encrypts nothing")
        told = weft("status", "--scheduler", f"tcp://127.0.0.1:{self.endpoint.rsplit(':', 1)[1]}")
        self.assertEqual(told.returncode, 0, told.stderr)
        told = weft("token", "new", "--data", self.data)
        self.assertEqual(told.returncode, 2, told.stderr)
        self.told(told.stderr, "--address")

    def test_a_worker_that_joins_at_once_is_not_too_early_for_its_token(self):
        """A scheduler looks for new tokens once a second."""
        self.start("--keys")
        for number in range(4):
            worker = self.worker(f"w{number}", self.token(f"w{number}"))
            self.works(worker)
            time.sleep(0.3 * number)

    def test_a_token_made_before_the_first_start_holds(self):
        told = weft("token", "new", "--data", self.data, "--role", "tool", "--address", "tcp://127.0.0.1:1", "-o",
                    self.path("early.token"))
        self.assertEqual(told.returncode, 0, told.stderr)
        self.start("--keys")
        told = weft("status", "--join", self.path("early.token"), "--scheduler", self.endpoint)
        self.assertEqual(told.returncode, 0, told.stderr)


if __name__ == "__main__":
    weft_process.main(__doc__)
