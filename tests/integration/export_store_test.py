"""Exports whose files go to a store: the S3 imitation and moto's server of store_test.py, behind the proxy that fails as stores fail.

    export_store_test.py WEFT
"""
import csv
import io
import itertools
import os
import random
import sqlite3
import sys
import unittest.mock
import zipfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import store_test  # noqa: E402
import weft_process  # noqa: E402
from s3_servers import FAULTS  # noqa: E402
from store_test import BUCKET, PAGES  # noqa: E402
from weft_process import LOOPBACK, Running, weft  # noqa: E402

FOLDER = f"s3://{BUCKET}/tables of ä"
ROWS = 7
PARTS = -(-(PAGES + 1) // ROWS)


class Exports:
    """What both servers' tests share."""

    def setUp(self):
        super().setUp()
        web = store_test.site()
        self.held.callback(web.close)
        told = weft("crawl", web.url("/"), "--out", self.out, *LOOPBACK, "--delay", "0s", "--parsers", "2")
        self.assertEqual(told.returncode, 0, told.stderr)

    def words(self, proxy, name, *options):
        return ("export", self.out, "--output", f"{FOLDER}/{name}", "--store-endpoint", proxy.url, "--store-timeout", "1s", *options)

    def export(self, proxy, name, *options):
        return self.weft(*self.words(proxy, name, *options))

    def until_stored(self, proxy, name, *options):
        """Called again, with --resume, as long as it fails."""
        told = self.export(proxy, name, *options)
        for _ in range(8):
            if told.returncode == 0:
                break
            self.assertEqual(told.returncode, 1, told.stderr)
            told = self.export(proxy, name, *options, "--resume")
        self.assertEqual(told.returncode, 0, told.stderr)
        return told

    def local(self, *options):
        told = weft("export", self.out, *options)
        self.assertEqual(told.returncode, 0, told.stderr)
        return list(csv.DictReader(io.StringIO(told.stdout)))

    def rows_of(self, objects):
        """Of CSV parts, in the order of their names; each whole, with a header of its own."""
        found = []
        for name in sorted(objects):
            text = objects[name].decode()
            self.assertTrue(text.endswith("\r\n"), name)
            found += csv.DictReader(io.StringIO(text, newline=""))
        return found

    def objects(self, server):
        return {key.removeprefix(f"{FOLDER[5:]}/"): one.data for key, one in server.objects.items()}

    def staged(self):
        return sorted(name for _, _, names in os.walk(os.path.join(self.out, "export")) for name in names)

    CSV = ("--format", "csv", "--columns", "url,status,title")
    IN_PARTS = (*CSV, "--rows-per-file", str(ROWS))


class ExportToStore(Exports, store_test.StoreTest):
    def test_parts_are_stored_one_by_one_and_hold_the_same(self):
        server, proxy = self.imitation()
        told = self.export(proxy, "pages.csv", *self.IN_PARTS)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn(f"{PAGES + 1} pages exported to {FOLDER}/pages-00000.csv and on", told.stderr)
        self.assertEqual(set(self.objects(server)), {f"pages-{part:05}.csv" for part in range(PARTS)})
        self.assertEqual(self.rows_of(self.objects(server)), self.local(*self.CSV))
        self.assertEqual(set(server.stores.values()), {1})
        self.assertEqual(self.staged(), [".lock", ".pages.csv.complete"])
        again = self.export(proxy, "pages.csv", *self.IN_PARTS, "--resume")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("is complete already", again.stderr)
        self.assertEqual(set(server.stores.values()), {1})

    def test_through_faults_every_part_is_stored_once(self):
        seed = random.randrange(1 << 30)
        print(f"seed {seed}", flush=True)
        dice = random.Random(seed)
        requests = itertools.count()
        server, proxy = self.imitation(lambda *_: dice.choice(FAULTS) if next(requests) < 4 or dice.random() < 0.35 else None)
        self.until_stored(proxy, "pages.csv", *self.IN_PARTS)
        self.assertGreater(sum(count for fault, count in proxy.done.items() if fault), 3)
        self.assertEqual(self.rows_of(self.objects(server)), self.local(*self.CSV))
        self.assertEqual(len(self.objects(server)), PARTS)

    def test_killed_while_it_stores_it_goes_on(self):
        for late in (False, True):
            with self.subTest(late=late):
                # The fourth request that stores hangs; or is done, and the answer lost.
                puts = [0]

                def plan(number, method, path, puts=puts, late=late):
                    puts[0] += method == "PUT"
                    return None if method != "PUT" or puts[0] < 4 else "late cut" if late and puts[0] == 4 else "silence"

                server, proxy = self.imitation(plan)
                name = f"pages-{late}.csv"
                with unittest.mock.patch.dict(os.environ, self.env):
                    with Running(os.path.join(self.folder, f"log-{late}"), *self.words(proxy, name, *self.IN_PARTS)) as running:
                        running.wait_for(lambda proxy=proxy, late=late: proxy.done["late cut" if late else "silence"] > 0, "a request hangs")
                        running.kill()
                self.assertLess(len(self.objects(server)), PARTS)
                proxy.over.set()
                proxy.plan = lambda *_: None
                told = self.export(proxy, name, *self.IN_PARTS)
                self.assertEqual(told.returncode, 1)
                self.assertIn("--resume", told.stderr)
                told = self.export(proxy, name, *self.IN_PARTS, "--resume")
                self.assertEqual(told.returncode, 0, told.stderr)
                self.assertEqual(len(self.objects(server)), PARTS)
                self.assertEqual(self.rows_of(self.objects(server)), self.local(*self.CSV))
                self.assertEqual(set(server.stores.values()), {1})

    def test_one_file_that_could_not_be_stored_is_kept_and_stored_later(self):
        server, proxy = self.imitation(lambda number, method, path: "503" if method == "PUT" else None)
        told = self.export(proxy, "pages.sqlite")
        self.assertEqual(told.returncode, 1, told.stderr)
        self.told(told.stderr, "is kept in", "--resume goes on")
        self.assertEqual(server.objects, {})
        proxy.plan = lambda *_: None
        told = self.export(proxy, "pages.sqlite", "--resume")
        self.assertEqual(told.returncode, 0, told.stderr)
        path = os.path.join(self.folder, "back.sqlite")
        with open(path, "wb") as file:
            file.write(self.objects(server)["pages.sqlite"])
        with sqlite3.connect(path) as database:
            self.assertEqual(database.execute("SELECT count(*) FROM pages").fetchone(), (PAGES + 1,))
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchone(), ("ok",))

    def test_every_format_that_is_a_file(self):
        server, proxy = self.imitation()
        for name in ("p.jsonl.gz", "p.parquet", "p.wacz", "p.cdxj", "links.tsv"):
            told = self.export(proxy, name, *(("--table", "links") if name == "links.tsv" else ()))
            self.assertEqual(told.returncode, 0, told.stderr)
        objects = self.objects(server)
        self.assertEqual(set(objects), {"p.jsonl.gz", "p.parquet", "p.wacz", "p.cdxj", "links.tsv"})
        self.assertEqual((objects["p.parquet"][:4], objects["p.parquet"][-4:]), (b"PAR1", b"PAR1"))
        with zipfile.ZipFile(io.BytesIO(objects["p.wacz"])) as wacz:
            self.assertIsNone(wacz.testzip())
        self.assertEqual(objects["p.cdxj"].decode(), weft("export", self.out, "--format", "cdxj").stdout)

    def test_a_directory_has_its_mark_last(self):
        order = []
        server, proxy = self.imitation(lambda number, method, path: order.append(path) if method == "PUT" else None)
        told = self.export(proxy, "table/", "--format", "parquet", "--rows-per-file", "10")
        self.assertEqual(told.returncode, 0, told.stderr)
        names = {f"table/crawl=crawl/subset=warc/part-{part:05}.parquet" for part in range(4)}
        self.assertEqual(set(self.objects(server)), names | {"table/crawl=crawl/_SUCCESS"})
        self.assertTrue(order[-1].endswith("_SUCCESS"), order)

    def test_what_is_there_is_never_replaced(self):
        server, proxy = self.imitation()
        self.assertEqual(self.export(proxy, "p.csv", *self.CSV).returncode, 0)
        before = self.objects(server)
        for more in ((), ("--force",)):
            told = self.export(proxy, "p.csv", "--format", "csv", "--columns", "url", *more)
            self.assertEqual(told.returncode, 1)
            self.assertIn("is never replaced: choose another name", told.stderr)
        self.assertEqual(self.objects(server), before)

    def test_wrong_use_is_told(self):
        server, proxy = self.imitation()
        self.assertEqual(weft("export", self.out, "--output", "s3://x/y.csv").returncode, 2, "no bucket's name")
        del self.env["AWS_SECRET_ACCESS_KEY"]
        told = self.export(proxy, "p.csv", *self.CSV)
        self.assertEqual(told.returncode, 2, told.stderr)
        self.assertIn("AWS_SECRET_ACCESS_KEY", told.stderr)
        self.env["AWS_SECRET_ACCESS_KEY"] = "wrong"
        told = self.export(proxy, "p.csv", *self.CSV)
        self.assertEqual(told.returncode, 1, told.stderr)
        self.assertIn("403", told.stderr)
        self.assertEqual(server.objects, {})


class ExportToMoto(Exports, store_test.MotoTest):
    """Signatures are checked as botocore makes them."""

    def test_parts_through_faults(self):
        seed = random.randrange(1 << 30)
        print(f"seed {seed}", flush=True)
        dice = random.Random(seed)
        proxy = self.proxy(lambda *_: dice.choice(FAULTS) if dice.random() < 0.25 else None)
        self.until_stored(proxy, "pages.csv", *self.IN_PARTS)
        local = os.path.join(self.folder, "pages.csv")
        self.assertEqual(weft("export", self.out, *self.IN_PARTS, "--output", local).returncode, 0)
        here = {f"{FOLDER.split('/', 3)[3]}/pages-{part:05}.csv": store_test.sha256_of(os.path.join(self.folder, f"pages-{part:05}.csv"))
                for part in range(PARTS)}
        self.assertEqual(self.found(), {"objects": here, "uploads": 0})


def _only(case, own):
    """The inherited tests are those of other files."""
    for name in [name for name in dir(case) if name.startswith("test_") and name not in own]:
        setattr(case, name, None)


_only(ExportToMoto, {"test_parts_through_faults"})
_only(ExportToStore, {name for name in vars(ExportToStore) if name.startswith("test_")})


if __name__ == "__main__":
    weft_process.main(__doc__)
