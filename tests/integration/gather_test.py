"""An export of a cluster on a machine that has none of its pages: they are asked of the workers.

    gather_test.py WEFT
"""
import glob
import gzip
import json
import os
import random
import sys
import tempfile
import zipfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from scripted_site import Site, page, text  # noqa: E402
from weft_process import LOOPBACK, Checks, Running, rows, weft  # noqa: E402

HOSTS = 4
PAGES = 30
LARGE = 900_000   # bytes: more than one piece


def tree():
    noise = random.Random(1).randbytes(LARGE // 2).hex()
    pages = {"/": page("/0", "/large"), "/large": text(noise)}
    for i in range(PAGES):
        pages[f"/{i}"] = page(*(f"/{n}" for n in range(3 * i + 1, 3 * i + 4) if n < PAGES))
    return pages


class Gather(Checks):
    @classmethod
    def setUpClass(cls):
        cls.sites = [Site(tree()) for _ in range(HOSTS)]
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = cls.temporary.name
        cls.data = cls.path("data")
        cls.running = {}
        cls.start("scheduler", "scheduler", "--data", cls.data, "--listen", "tcp://127.0.0.1:0", "--keys", *LOOPBACK, "--delay", "0",
                  "--host-connections", "4")
        cls.running["scheduler"].wait_for(lambda: "scheduler at tcp" in cls.running["scheduler"].told(), "the scheduler listens")
        for name in ("P1", "P2"):
            cls.token(name, "worker")
            cls.start_worker(name)
        cls.laptop = cls.token("laptop", "tool")
        told = weft("seeds", "add", *(site.url("/") for site in cls.sites), "--data", cls.data)
        assert told.returncode == 0, told.stderr
        cls.running["scheduler"].wait_for(lambda: cls.now()["state"] == "finished", "the crawl is finished", 120)
        cls.at_files = rows(cls.data, "--gather", "never", "--text")
        assert len(cls.at_files) == HOSTS * (PAGES + 2), len(cls.at_files)
        cls.held = {name: cls.stored_by(name) for name in ("P1", "P2")}
        assert all(cls.held.values()), "each worker has pages"

    @classmethod
    def tearDownClass(cls):
        for process in cls.running.values():
            process.__exit__()
        cls.temporary.cleanup()
        for site in cls.sites:
            site.close()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def start(cls, name, *words):
        cls.running[name] = Running(cls.path(f"{name}.log"), *words)

    @classmethod
    def start_worker(cls, name):
        cls.start(name, "worker", "--join", cls.path(f"{name}.token"), "--pages", cls.path(name), "--parsers", "1", "--name", name)
        cls.running[name].wait_for(lambda: "working for tcp" in cls.running[name].told(), "it works")

    @classmethod
    def token(cls, name, role):
        file = cls.path(f"{name}.token")
        told = weft("token", "new", "--role", role, "--name", name, "--data", cls.data, "-o", file)
        assert told.returncode == 0, told.stderr
        return file

    @classmethod
    def now(cls):
        return json.loads(weft("status", cls.data, "--json").stdout)

    @classmethod
    def stored_by(cls, name):
        files = {os.path.basename(file).removesuffix(".open") for file in glob.glob(cls.path(name) + "/*.warc.gz*")}
        return {row["url"] for row in cls.at_files if row["warc_file"] in files}

    def export(self, *words, join=True):
        reach = ("--join", self.laptop) if join else (self.data,)
        return weft("export", *reach, "--gather", "always", *words)

    def lines(self, *files):
        found = []
        for file in files:
            with open(file, encoding="utf-8") as lines:
                found += [json.loads(line) for line in lines]
        return found

    def killed(self, name):
        self.running[name].kill()
        self.addCleanup(self.start_worker, name)

    def test_it_is_the_export_over_the_files_row_for_row(self):
        told = self.export("--text")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual([json.loads(line) for line in told.stdout.splitlines()], self.at_files)

    def test_on_the_schedulers_machine_no_token_is_needed(self):
        told = self.export("--text", join=False)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual([json.loads(line) for line in told.stdout.splitlines()], self.at_files)

    def test_formats_conditions_and_shards_work_as_ever(self):
        shards = []
        for part in ("1/2", "2/2"):
            told = self.export("--format", "csv", "--columns", "url,title", "--where", "depth>1", "--shard", part)
            self.assertEqual(told.returncode, 0, told.stderr)
            shards += told.stdout.splitlines()[1:]
        at_files = weft("export", self.data, "--gather", "never", "--format", "csv", "--columns", "url,title", "--where", "depth>1")
        self.assertEqual(sorted(shards), sorted(at_files.stdout.splitlines()[1:]))

    def test_a_wacz_holds_the_same_records(self):
        archives = []
        for how in ("always", "never"):
            file = self.path(f"{how}.wacz")
            told = weft("export", self.data, "--gather", how, "-o", file)
            self.assertEqual(told.returncode, 0, told.stderr)
            with zipfile.ZipFile(file) as whole:
                archives.append(gzip.decompress(whole.read("archive/pages.warc.gz")))
        self.assertEqual(archives[0].count(b"WARC-Type: response"), len(self.at_files))
        self.assertTrue(archives[0] == archives[1])

    def test_a_missing_node_is_named_and_resume_brings_its_pages(self):
        out = self.path("parts.jsonl")
        self.killed("P2")
        told = self.export("--rows-per-file", "20", "-o", out)
        self.assertEqual(told.returncode, 1, told.stderr)
        gone = self.held["P2"]
        self.told(told.stderr, "1 node is missing", "P2", "last heard", f"{len(gone)} pages of theirs are not in the export", "--resume")
        here = self.lines(*sorted(glob.glob(self.path("parts-*.jsonl"))))
        self.assertEqual({row["url"] for row in here}, {row["url"] for row in self.at_files} - gone)
        again = self.export("--rows-per-file", "20", "-o", out, "--resume")
        self.assertEqual(again.returncode, 1, "it is still missing: " + again.stderr)
        self.doCleanups()
        told = self.export("--rows-per-file", "20", "-o", out, "--resume")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.told(told.stderr, f"going on with {len(gone)} pages that were left out before")
        found = self.lines(*sorted(glob.glob(self.path("parts-*.jsonl"))))
        self.each_once(found)
        plain = [{key: value for key, value in row.items() if key != "text"} for row in self.at_files]
        self.assertEqual(sorted(found, key=lambda row: row["url"]), sorted(plain, key=lambda row: row["url"]))
        self.assertFalse(os.path.exists(out + ".state"))

    def test_a_record_that_has_changed_on_the_workers_disk_is_told_by_name(self):
        row = next(row for row in self.at_files if row["url"] in self.held["P1"])
        file = next(path for path in (f"{self.path('P1')}/{row['warc_file']}{end}" for end in ("", ".open")) if os.path.exists(path))
        where = row["warc_offset"] + 40

        def flip():
            with open(file, "r+b") as warc:
                warc.seek(where)
                byte = warc.read(1)[0]
                warc.seek(where)
                warc.write(bytes([byte ^ 1]))

        flip()
        self.addCleanup(flip)
        told = self.export()
        self.assertEqual(told.returncode, 1, told.stderr)
        self.told(told.stderr, f"{row['url']}: its page cannot be read", "the bytes have changed since they were stored")

    def test_who_is_no_tool_is_refused(self):
        told = weft("export", "--join", self.path("P1.token"), "--gather", "always")
        self.assertEqual(told.returncode, 1, told.stderr)
        self.told(told.stderr, "'P1' may not be used by tools")

    def test_a_revoked_tool_is_refused(self):
        file = self.token("guest", "tool")
        self.assertEqual(weft("export", "--join", file, "--gather", "always").returncode, 0)
        self.assertEqual(weft("token", "revoke", "guest", "--data", self.data).returncode, 0)
        self.running["scheduler"].wait_for(lambda: weft("status", "--join", file).returncode == 1, "the scheduler has read its list, as it does each second")
        told = weft("export", "--join", file, "--gather", "always")
        self.assertEqual((told.returncode, told.stdout), (1, ""), told.stderr)


if __name__ == "__main__":
    weft_process.main(__doc__)
