"""A crawl that is killed again and again, and gone on with by the same command, ends with what an undisturbed one has.

    kill_resume_test.py WEFT [--kills N] [--seed N]
"""
import os
import random
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from weft_process import LOOPBACK, Checks, Running, html_urls, rows, status, weft  # noqa: E402
import doc_sites  # noqa: E402

KILLS = 12
SEED = random.SystemRandom().randrange(1 << 32)
LONGEST = 0.9  # seconds that a run may live


def taken(name, otherwise):
    if name not in sys.argv:
        return otherwise
    at = sys.argv.index(name)
    value = int(sys.argv[at + 1])
    del sys.argv[at:at + 2]
    return value


class KillResume(Checks):
    def test_nothing_lost_and_nothing_twice(self):
        print(f"seed {SEED}, {KILLS} kills", flush=True)
        draw = random.Random(SEED)
        with doc_sites.serve("postgresql") as server, tempfile.TemporaryDirectory() as folder:
            calm = os.path.join(folder, "calm")
            told = weft("crawl", server.url, "--out", calm, *LOOPBACK, "--delay", "0", "--host-connections", "20")
            self.assertEqual(told.returncode, 0, told.stderr)
            expected = html_urls(rows(calm))
            self.assertGreater(len(expected), 1000)

            out = os.path.join(folder, "out")
            # Two connections that pause so long that all kills land before the end.
            pause = max(10, int(KILLS * LONGEST / 2 * 2000 / len(expected) * 1.5))
            command = ("crawl", server.url, "--out", out, *LOOPBACK, "--delay", f"{pause}ms", "--host-connections", "2",
                       "--connections", "2", "--parsers", "2")
            landed = self.kill_again_and_again(draw, folder, command)
            self.assertGreaterEqual(landed, KILLS * 3 // 4, "too few kills landed within the crawl")
            if os.path.exists(os.path.join(out, "crawl.db")):
                self.adds_up(status(out))
            last = weft(*command, seconds=600)
            self.assertEqual(last.returncode, 0, last.stderr)

            now = status(out)
            self.assertEqual(now["state"], "finished")
            self.assertEqual(now["ledger"]["failed"], {})
            self.adds_up(now)
            exported = rows(out)
            self.each_once(exported)
            self.same_urls(html_urls(exported), expected)
            self.assertEqual(now["ledger"]["done"], len(exported))
            self.records_read_back(exported, os.path.join(out, "warc"))
            self.files_are_gzip(os.path.join(out, "warc"))

    def kill_again_and_again(self, draw, folder, command):
        landed = 0
        for _ in range(KILLS):
            with Running(os.path.join(folder, "log"), *command) as run:
                time.sleep(draw.uniform(0.03, LONGEST))
                landed += run.process.poll() is None
                run.kill()
        return landed


if __name__ == "__main__":
    KILLS = taken("--kills", KILLS)
    SEED = taken("--seed", SEED)
    weft_process.main(__doc__)
