"""Weft crawls a real site and stores the pages that an independent crawler finds, each once.

    real_site_test.py WEFT [SITE]
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))

import doc_sites  # noqa: E402
from crawl_key import crawl_key, differences  # noqa: E402

WEFT = ""
SITE = "postgresql"
SECONDS = 300


def independent_pages(server):
    """The HTML pages that wget2 gets from the site, by nginx's log."""
    server.take_requests()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["wget2", "-q", "-r", "-l", "inf", "--max-threads=20", "--no-robots", "-P", folder, server.url],
                       check=False, timeout=SECONDS)
    return doc_sites.html_urls(server.take_requests(), server.origin)


def weft(*words):
    return subprocess.run([WEFT, *words], capture_output=True, text=True, check=False, timeout=SECONDS,
                          stdin=subprocess.DEVNULL)


def exported_pages(out):
    """URLs of the stored HTML pages, with repeats if there are any."""
    told = weft("export", out, "--format", "jsonl")
    if told.returncode != 0:
        raise AssertionError(f"weft export ended with {told.returncode}:\n{told.stderr}")
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    return [row["url"] for row in rows
            if row["status"] == 200 and row["content_type"].split(";")[0].strip() == "text/html"]


class RealSite(unittest.TestCase):
    def test_the_same_pages_as_an_independent_crawler(self):
        with doc_sites.serve(SITE) as server, tempfile.TemporaryDirectory() as folder:
            theirs = independent_pages(server)
            out = os.path.join(folder, "out")
            told = weft("crawl", server.url, "--out", out, "--allow-private-net", "127.0.0.0/8", "--delay", "0",
                        "--host-connections", "20")
            self.assertEqual(told.returncode, 0, told.stderr[-4000:])
            asked = doc_sites.html_urls(server.take_requests(), server.origin)
            stored = exported_pages(out)
            self.assertGreater(len(theirs), doc_sites.SITES[SITE].pages // 2)
            self.assertEqual(differences(stored, theirs), ([], []), "only in Weft's export, only in wget2's crawl")
            self.assertEqual(differences(stored, asked), ([], []), "only in the export, only in nginx's log")
            self.assertEqual(len(stored), len({crawl_key(url) for url in stored}), "a page was exported twice")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    WEFT = sys.argv.pop(1)
    if len(sys.argv) > 1:
        SITE = sys.argv.pop(1)
    unittest.main()
