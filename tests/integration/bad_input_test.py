"""Every mistake on the command line, in a seed list or about a directory is told with what, where and what to do.

    bad_input_test.py WEFT NEWER_CRAWL_DB
"""
import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from scripted_site import Site, fan, page  # noqa: E402
from weft_process import LOOPBACK, Checks, Running, html_urls, rows, status, weft  # noqa: E402
import doc_sites  # noqa: E402

NEWER_CRAWL_DB = ""
FAST = (*LOOPBACK, "--delay", "0")


class Case(Checks):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        self.out = os.path.join(self.folder, "out")

    def site(self, pages=None):
        site = Site(pages or fan(3))
        self.addCleanup(site.close)
        return site

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content.encode())
        return path

    def fails(self, words, code, *pieces, **more):
        """The command ends with `code` and says every piece; nothing is begun."""
        told = weft(*words, **more)
        self.assertEqual(told.returncode, code, told.stderr)
        self.assertEqual(told.stdout, "")
        self.told(told.stderr, "weft: ", *pieces)
        self.assertNotIn("terminate called", told.stderr)
        return told.stderr

    def nothing_begun(self):
        self.assertFalse(os.path.exists(os.path.join(self.out, "crawl.db")))


class CommandLine(Case):
    def test_unknown_flag(self):
        self.fails(("crawl", "http://127.0.0.1/", "--out", self.out, "--dleay", "0"), 2, "--dleay", "--delay")
        self.nothing_begun()

    def test_unknown_command(self):
        self.fails(("crwal", "http://127.0.0.1/"), 2, "crwal")

    def test_no_command(self):
        told = weft()
        self.assertIn(told.returncode, (0, 2))
        self.told(told.stdout + told.stderr, "crawl", "--help")

    def test_missing_out(self):
        self.fails(("crawl", "http://127.0.0.1/", *FAST), 2, "--out")

    def test_bad_values(self):
        for flag, value, pieces in (("--delay", "5x", ("5x", "500ms")), ("--delay", "-1s", ("-1s",)),
                                    ("--max-pages", "many", ("many",)), ("--max-body", "1XB", ("1XB", "MiB")),
                                    ("--scope", "hosts", ("hosts", "domain")), ("--include", "(", ("(",)),
                                    ("--allow-private-net", "127.0.0.0/99", ("127.0.0.0/99",)),
                                    ("--resolve", "nonsense", ("nonsense",)), ("--proxy", "ftp://x", ("ftp://x",)),
                                    ("--header", "nonsense", ("Name: value",)), ("--connections", "0", ("0",)),
                                    ("--warc-compression", "rar", ("rar", "gzip"))):
            with self.subTest(f"{flag} {value}"):
                self.fails(("crawl", "http://127.0.0.1/", "--out", self.out, f"{flag}={value}"), 2, flag, *pieces)
        self.nothing_begun()

    def test_config_file(self):
        for content, pieces in (("dleay = '1s'\n", ("dleay", "delay")), ("delay = 'soon'\n", ("delay", "soon")),
                                ("delay = \n", ("weft.toml", "1"))):
            with self.subTest(content):
                config = self.file("weft.toml", content)
                self.fails(("crawl", "http://127.0.0.1/", "--out", self.out, "--config", config), 2, config, *pieces)
        self.fails(("crawl", "http://127.0.0.1/", "--out", self.out, "--config", "/no/such.toml"), 2, "/no/such.toml")
        self.nothing_begun()


class SeedLists(Case):
    def test_missing_file(self):
        self.fails(("crawl", "-i", "/no/seeds.txt", "--out", self.out), 2, "/no/seeds.txt does not exist")
        self.fails(("crawl", "seeds.txt", "--out", self.out), 2, "seeds.txt does not exist", "https://")
        self.nothing_begun()

    def test_directory(self):
        self.fails(("crawl", "-i", self.folder, "--out", self.out), 2, f"{self.folder} is a directory")

    def test_empty(self):
        for content in ("", "\n# nothing\n\n"):
            empty = self.file("empty.txt", content)
            self.fails(("crawl", "-i", empty, "--out", self.out), 2, f"{empty} holds no seed", "one URL a line")
        self.fails(("crawl", "-", "--out", self.out), 2, "standard input holds no seed")
        self.nothing_begun()

    def test_junk_lines_are_told_and_the_rest_goes_on(self):
        site = self.site()
        junk = self.file("junk.txt", f"ftp://example.com/\n{site.url()}\nhttp://[::1/\nnot a url\n\x00\x01\n"
                                     f"http://example.com:99999/\n{'x' * 20000}\n")
        told = weft("crawl", "-i", junk, "--out", self.out, *FAST)
        self.assertEqual(told.returncode, 0, told.stderr)
        for number in (1, 3, 4, 5, 6, 7):
            self.assertRegex(told.stderr, rf"(?m)^weft: {re.escape(junk)}:{number}: '.*': .+")
        self.assertNotIn(f"{junk}:2:", told.stderr)
        self.assertEqual(len(rows(self.out)), 4)

    def test_no_seed_left(self):
        junk = self.file("junk.txt", "ftp://example.com/\nmailto:x\n")
        self.fails(("crawl", "-i", junk, "--out", self.out), 2, "no seed is left", f"{junk}:1:", f"{junk}:2:")
        self.fails(("crawl", "--out", self.out, *FAST), 2, "no seeds are given", "weft crawl https://example.com/")
        self.nothing_begun()

    def test_a_scheme_that_is_not_http(self):
        self.fails(("crawl", "ftp://127.0.0.1/", "--out", self.out, *FAST), 2, "ftp://127.0.0.1/", "http://")
        self.nothing_begun()

    def test_all_seeds_excluded(self):
        site = self.site()
        command = ("crawl", site.url(), "--out", self.out, *FAST)
        self.fails((*command, "--exclude", "127"), 2, f"seed {site.url()}: not crawled: excluded", "no seed is left",
                   "--change-scope")
        self.assertEqual(site.paths(), [])
        told = weft(*command, "--exclude", "", "--change-scope")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(len(rows(self.out)), 4)


class Contact(Case):
    def test_a_public_host_needs_one(self):
        words = ("crawl", "https://example.com/a b?x=1&y".replace(" ", "%20"), "--out", self.out, "--delay", "2s")
        told = self.fails(words, 2, "contact", "example.com")
        command = shlex.split(next(line for line in told.splitlines() if "--contact you@" in line))
        self.assertEqual(command, [weft_process.binary, *words, "--contact", "you@example.org"])
        self.nothing_begun()

    def test_a_private_address_needs_to_be_allowed(self):
        told = self.fails(("crawl", "http://127.0.0.1:9/", "--out", self.out), 2, "private address",
                          "--allow-private-net 127.0.0.1")
        command = shlex.split(next(line for line in told.splitlines() if "--allow-private-net" in line))
        self.assertEqual(command[-2:], ["--allow-private-net", "127.0.0.1"])
        self.nothing_begun()

    def test_a_private_address_is_not_asked_unless_allowed(self):
        site = self.site()
        told = weft("crawl", site.url(), "--out", self.out, "--contact", "me@example.org", "--delay", "0")
        self.assertEqual(site.paths(), [])
        self.told(told.stderr, "address", "--allow-private-net")
        self.assertEqual(status(self.out)["ledger"]["refused"], {"address": 1})

    def test_a_link_to_a_private_address_is_not_asked(self):
        private = Site(fan(1), "127.9.9.9")
        self.addCleanup(private.close)
        site = self.site({"/": page(private.url())})
        told = weft("crawl", site.url(), "--out", self.out, "--scope", "any", "--delay", "0", "--allow-private-net",
                    f"{site.address}/32")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(private.paths(), [])
        self.assertEqual(status(self.out)["ledger"]["refused"], {"address": 1})


class Directories(Case):
    def test_out_below_a_file(self):
        blocker = self.file("blocker", "x")
        out = os.path.join(blocker, "out")
        self.fails(("crawl", "http://127.0.0.1:9/", "--out", out, *FAST), 1, f"--out {out}", "choose another place")
        self.fails(("crawl", "http://127.0.0.1:9/", "--out", blocker, *FAST), 1, f"--out {blocker}", "choose another place")

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root and setpriv, to be somebody else")
    def test_out_that_may_not_be_written(self):
        os.chmod(self.folder, 0o755)
        os.mkdir(self.out, 0o755)
        for out in (self.out, os.path.join(self.out, "below")):
            told = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                                   weft_process.binary, "crawl", "http://127.0.0.1:9/", "--out", out, *FAST],
                                  capture_output=True, text=True, check=False, timeout=60)
            self.assertEqual(told.returncode, 1, told.stderr)
            self.told(told.stderr, f"--out {out}", "Permission denied", "choose another place")

    def test_out_that_holds_something_else(self):
        os.mkdir(self.out)
        self.file("out/thesis.txt", "important")
        self.fails(("crawl", "http://127.0.0.1:9/", "--out", self.out, *FAST), 1, self.out, "thesis.txt",
                   "choose an empty directory")
        self.assertEqual(os.listdir(self.out), ["thesis.txt"])

    def test_a_second_crawl_in_the_same_place(self):
        site = self.site(fan(200))
        command = ("crawl", site.url(), "--out", self.out, *LOOPBACK, "--delay", "50ms")
        with Running(os.path.join(self.folder, "log"), *command) as run:
            run.wait_for(lambda: os.path.exists(os.path.join(self.out, "crawl.db")), "the crawl has begun")
            self.fails(command, 1, self.out, f"(pid {run.process.pid})", "stop it first")
            run.wait_for(lambda: "/p3" in site.paths(), "the first goes on")

    def test_somebody_who_reads_is_waited_for(self):
        site = self.site()
        self.assertEqual(weft("crawl", site.url(), "--out", self.out, *FAST, "--max-pages", "1").returncode, 0)
        with open(os.path.join(self.out, "weft.lock"), "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)  # as weft export holds it
            with Running(os.path.join(self.folder, "log"), "crawl", "--out", self.out, "--max-pages", "none") as run:
                time.sleep(0.5)
                self.assertIsNone(run.process.poll(), run.told())
                fcntl.flock(lock, fcntl.LOCK_UN)
                self.assertEqual(run.wait(20), 0, run.told())
            self.assertEqual(len(rows(self.out)), 4)
            fcntl.flock(lock, fcntl.LOCK_SH)
            self.fails(("crawl", "--out", self.out), 1, self.out, "is reading there", "try again")

    def test_nothing_to_look_at(self):
        for command in ("status", "export"):
            self.fails((command, self.out), 1, self.out, "no crawl is there", "--out")
        self.assertFalse(os.path.exists(self.out))

    def test_export_to_a_place_that_cannot_be_written(self):
        self.assertEqual(weft("crawl", self.site().url(), "--out", self.out, *FAST).returncode, 0)
        target = os.path.join(self.folder, "no", "such.jsonl")
        self.fails(("export", self.out, "-o", target), 1, target, "there is no directory " + os.path.dirname(target))
        if os.path.exists("/dev/full"):
            with open("/dev/full", "wb") as full:
                told = subprocess.run([weft_process.binary, "export", self.out], stdout=full, stderr=subprocess.PIPE,
                                      text=True, check=False, timeout=60)
            self.assertEqual(told.returncode, 1)
            self.told(told.stderr, "No space left")

    def test_an_output_that_cannot_be_written_is_told(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("there is no /dev/full")
        self.assertEqual(weft("crawl", self.site().url(), "--out", self.out, *FAST).returncode, 0)
        data = os.path.join(self.folder, "data")
        for words in (("status", self.out), ("status", self.out, "--json"), ("politeness", "a.example", self.out), ("traps", self.out), ("help",),
                      ("token", "new", "--data", data, "--address", "tcp://127.0.0.1:1"), ("token", "list", "--data", data), ("version",)):
            with open("/dev/full", "wb") as full:
                told = subprocess.run([weft_process.binary, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
            self.assertEqual(told.returncode, 1, words)
            self.told(told.stderr, "cannot write the output: No space left")

    def test_nobody_reads_what_it_has_to_tell(self):
        """Standard error is a pipe whose reader has gone, as in `weft … 2>&1 | head`."""
        self.assertEqual(weft("crawl", self.site().url(), "--out", self.out, *FAST).returncode, 0)
        warc = next(os.path.join(self.out, "warc", name) for name in os.listdir(os.path.join(self.out, "warc")) if name.endswith(".warc.gz"))
        site = self.site().url()
        second = os.path.join(self.folder, "second")
        for words in (("warc", "check", warc), ("warc", "extract", warc, "--out", self.folder + "/pages"), ("index", warc),
                      ("export", self.out, "-o", self.folder + "/x.jsonl"), ("crawl", site, "--out", second, *FAST)):
            read, write = os.pipe()
            os.close(read)
            with os.fdopen(write, "wb") as nobody:
                told = subprocess.run([weft_process.binary, *words], stdout=subprocess.DEVNULL, stderr=nobody, check=False, timeout=60)
            self.assertEqual(told.returncode, 0, words)
        self.assertEqual(len(rows(second)), 4)

    def test_a_page_that_is_gone_is_told_and_the_others_are_exported(self):
        self.assertEqual(weft("crawl", self.site().url(), "--out", self.out, *FAST, "--parsers", "1").returncode, 0)
        warc = os.path.join(self.out, "warc")
        for name in os.listdir(warc):
            if name.endswith(".warc.gz"):
                os.remove(os.path.join(warc, name))
        told = weft("export", self.out)
        self.assertEqual(told.returncode, 1)
        self.told(told.stderr, "its page cannot be read", "4 of 4 pages could not be read")
        self.assertEqual(len(told.stdout.splitlines()), 4)

    def test_a_damaged_crawl_db_is_told(self):
        self.assertEqual(weft("crawl", self.site().url(), "--out", self.out, *FAST).returncode, 0)
        self.file("out/crawl.db/CURRENT", "garbage\n")
        for words in (("crawl", "--out", self.out), ("status", self.out)):
            self.fails(words, 1, "crawl.db")

    def test_a_crawl_db_of_a_newer_version_is_left_alone(self):
        self.assertEqual(weft("crawl", self.site().url(), "--out", self.out, *FAST).returncode, 0)
        subprocess.run([NEWER_CRAWL_DB, os.path.join(self.out, "crawl.db")], check=True, timeout=60)
        for words in (("crawl", "--out", self.out), ("status", self.out), ("export", self.out)):
            self.fails(words, 1, "crawl.db was written by a newer Weft", "use that version")


@unittest.skipUnless(os.geteuid() == 0, "needs root, to mount a small file system")
class FullDisk(Case):
    MIB = 1 << 20

    def mounted(self, size):
        place = os.path.join(self.folder, "small")
        os.mkdir(place)
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True,
                               text=True, check=False)
        if mount.returncode != 0:
            self.skipTest(f"no small file system can be mounted here: {mount.stderr}")
        self.addCleanup(subprocess.run, ["umount", "-l", place], check=False)
        return place

    def fill(self, filler):
        with open(filler, "wb", buffering=0) as file, self.assertRaises(OSError):
            while True:
                file.write(b"x" * 4096)

    def crawl_through_a_full_disk(self, full, out, server):
        """Fills the file system `full` under a crawl that has begun, makes room again, and looks at what came of it."""
        calm = os.path.join(self.folder, "calm")
        self.assertEqual(weft("crawl", server.url, "--out", calm, *FAST, "--host-connections", "20").returncode, 0)
        filler = os.path.join(full, "filler")
        with Running(os.path.join(self.folder, "log"), "crawl", server.url, "--out", out, *LOOPBACK, "--delay", "3ms",
                     "--max-pages", "none") as run:
            run.wait_for(lambda: os.path.exists(os.path.join(out, "weft.sock")) and status(out)["pages"] > 100,
                         "100 pages")
            self.fill(filler)
            run.wait_for(lambda: "paused" in run.told(), "the full disk is told")
            self.told(run.told(), "No space left", "goes on by itself")
            time.sleep(3)  # a while in trouble: nothing is dropped
            # Once for the pages and once for the CrawlDb, if both lie there.
            self.assertLessEqual(run.told().count("paused"), 2, run.told())
            os.remove(filler)
            self.assertEqual(run.wait(120), 0, run.told())
            self.told(run.told(), "the crawl goes on", "Crawl finished")
        exported = rows(out)
        self.each_once(exported)
        self.same_urls(html_urls(exported), html_urls(rows(calm)))
        self.records_read_back(exported, os.path.join(out, "warc"))
        self.adds_up(status(out))
        self.assertEqual(status(out)["ledger"]["failed"], {})
        with open(os.path.join(out, "crawl.log"), encoding="utf-8") as log:
            logged = {line.split()[3] for line in log}
        self.assertEqual(logged, {row["url"] for row in exported}, "lines of crawl.log were lost")

    def test_pages_that_cannot_be_stored_wait(self):
        place = self.mounted(32 * self.MIB)
        with doc_sites.serve("postgresql") as server:
            self.crawl_through_a_full_disk(place, os.path.join(place, "out"), server)

    def test_a_crawl_db_that_cannot_be_written_waits(self):
        place = self.mounted(32 * self.MIB)
        out = os.path.join(place, "out")
        with doc_sites.serve("postgresql") as server:
            # Pages are on a disk of their own, which has room.
            self.assertEqual(weft("crawl", server.url, "--out", out, *FAST, "--max-pages", "1").returncode, 0)
            shutil.move(os.path.join(out, "warc"), os.path.join(self.folder, "warc"))
            os.symlink(os.path.join(self.folder, "warc"), os.path.join(out, "warc"))
            self.crawl_through_a_full_disk(place, out, server)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    NEWER_CRAWL_DB = sys.argv.pop(2)
    weft_process.main(__doc__)
