"""The real sites that other tests crawl are there and are served; the comparison by crawl key sees every difference."""
import os
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts")
sys.path.insert(0, SCRIPTS)

import doc_sites  # noqa: E402
from crawl_key import crawl_key, differences  # noqa: E402


class CrawlKey(unittest.TestCase):
    def test_default_form(self):
        for url, key in (
                ("HTTP://User:pw@Example.COM:80/a#b", "http://example.com/a"),
                ("https://example.com:443", "https://example.com/"),
                ("https://example.com:80/", "https://example.com:80/"),
                ("http://example.com./?", "http://example.com/"),
                ("http://example.com/%7ea%2fb%c3", "http://example.com/~a%2Fb%C3"),
                ("http://example.com/%2541", "http://example.com/%2541"),
                ("http://example.com/?b=%41&a", "http://example.com/?b=A&a"),
                ("http://[::1]:8080/", "http://[::1]:8080/")):
            self.assertEqual(crawl_key(url), key)
            self.assertEqual(crawl_key(key), key)

    def test_differences_are_seen_both_ways(self):
        ours = {"http://a/x#1", "http://a/%7Ey", "http://a/only-ours"}
        theirs = {"http://a/x", "http://a/~y", "http://a/only-theirs"}
        self.assertEqual(differences(ours, theirs), (["http://a/only-ours"], ["http://a/only-theirs"]))


class DocSites(unittest.TestCase):
    def test_an_independent_crawl_reaches_all_of_postgresql(self):
        with doc_sites.serve("postgresql") as server, tempfile.TemporaryDirectory() as folder:
            subprocess.run(["wget2", "-q", "-r", "-l", "inf", "--max-threads=4", "--no-robots", "-P", folder,
                            server.url], check=False, timeout=60)
            pages = doc_sites.html_urls(server.take_requests(), server.origin)
            self.assertGreater(len(pages), 1000)
            self.assertIn(server.url, pages)
            self.assertEqual(server.take_requests(), [])

    def test_requests_are_told_once_with_status_and_type(self):
        with doc_sites.serve("postgresql") as server:
            urllib.request.urlopen(server.origin + "/sql.html?a=1").close()
            with self.assertRaises(urllib.error.HTTPError):
                urllib.request.urlopen(server.origin + "/no-such-page")
            told = [(request.path, request.status, request.mime) for request in server.take_requests()]
            self.assertEqual(told, [("/sql.html?a=1", 200, "text/html"), ("/no-such-page", 404, "text/html")])

    def test_the_server_is_gone_afterwards(self):
        with doc_sites.serve("postgresql") as server:
            url = server.url
        with self.assertRaises(urllib.error.URLError):
            urllib.request.urlopen(url, timeout=5)

    def test_an_empty_site_is_an_error(self):
        with tempfile.TemporaryDirectory() as cache:
            site = doc_sites.SITES["postgresql"]
            os.makedirs(os.path.join(cache, site.package, site.folder))
            before, doc_sites.CACHE = doc_sites.CACHE, cache
            try:
                with self.assertRaisesRegex(doc_sites.SiteError, "holds 0 pages"):
                    doc_sites.unpacked("postgresql")
            finally:
                doc_sites.CACHE = before

    def test_the_command_gets_the_url_and_gives_its_exit_code(self):
        script = os.path.join(SCRIPTS, "doc_sites")
        told = subprocess.run([script, "serve", "postgresql", "--", "echo", "at {url}"], capture_output=True, text=True,
                              check=False)
        self.assertRegex(told.stdout, r"^at http://127\.0\.0\.1:\d+/index\.html$")
        self.assertEqual(told.returncode, 0)
        self.assertEqual(subprocess.run([script, "serve", "postgresql", "--", "false"], check=False).returncode, 1)
        self.assertEqual(subprocess.run([script, "serve", "nowhere", "--", "true"], capture_output=True,
                                        check=False).returncode, 1)


if __name__ == "__main__":
    unittest.main()
