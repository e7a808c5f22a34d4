"""Sitemaps end to end: pages that nothing but a sitemap names, and who may name a sitemap.

    sitemaps_test.py WEFT
"""
import gzip
import os
import tempfile

import weft_process
from scripted_site import Answer, Site, page, redirect, text
from weft_process import LOOPBACK, Checks, rows, status, weft


def xml(body, **headers):
    return Answer(200, {"Content-Type": "application/xml", **headers}, body if isinstance(body, bytes) else body.encode())


def urlset(*urls):
    return '<?xml version="1.0"?><urlset>' + "".join(f"<url><loc>{url}</loc></url>" for url in urls) + "</urlset>"


def index(*urls):
    return "<sitemapindex>" + "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls) + "</sitemapindex>"


class Sitemaps(Checks):
    def site(self, pages):
        site = Site(pages)
        self.addCleanup(site.close)
        return site

    def crawl(self, site, *options):
        out = os.path.join(self.enterContext(tempfile.TemporaryDirectory(prefix="weft-sitemaps-")), "crawl")
        told = weft("crawl", site.url("/"), "--out", out, *LOOPBACK, "--delay", "0s", *options)
        self.assertEqual(told.returncode, 0, told.stderr)
        report = status(out)
        self.assertEqual(report["state"], "finished")
        self.adds_up(report)
        exported = rows(out)
        self.each_once(exported)
        return {row["url"].removeprefix(site.origin): row for row in exported}, report, out

    def hidden(self, robots="Sitemap: {}/index.xml.gz\n"):
        """A start page without links, and pages that only sitemaps below an index name."""
        site = self.site({"/": page(), "/one": page("/linked"), "/two": page(), "/linked": page(), "/item": page(),
                          "/no": page()})
        at = site.origin
        site.pages.update({
            "/robots.txt": text("User-agent: *\nDisallow: /no\n" + robots.format(at)),
            "/index.xml.gz": xml(gzip.compress(index(f"{at}/inner.xml", f"{at}/moved.xml", f"{at}/feed").encode())),
            "/inner.xml": xml(index(f"{at}/pages.gz", f"{at}/index.xml.gz")),
            # Packed by the site, and once more by the server.
            "/pages.gz": Answer(200, {"Content-Type": "text/html", "Content-Encoding": "gzip"},
                                gzip.compress(gzip.compress(urlset(f"{at}/one", f"{at}/no", "https://elsewhere.test/").encode()))),
            "/moved.xml": redirect("/list.txt"),
            "/list.txt": text(f"{at}/two\n"),
            "/feed": xml(f"<rss><channel><item><link>{at}/item</link></item></channel></rss>"),
        })
        return site

    SITEMAPS = {"/index.xml.gz", "/inner.xml", "/pages.gz", "/moved.xml", "/list.txt", "/feed"}

    def test_pages_that_only_a_nested_sitemap_names_are_crawled(self):
        site = self.hidden()
        pages, report, out = self.crawl(site)
        self.assertEqual(set(pages), {"/", "/one", "/two", "/linked", "/item"} | self.SITEMAPS)
        self.assertEqual(sorted(site.paths()), sorted({"/robots.txt"} | set(pages)), "each is asked for once")
        self.assertEqual(report["ledger"]["refused"], {"robots": 1, "scope": 1})
        depths = {path: row["depth"] for path, row in pages.items()}
        self.assertEqual({depths[path] for path in self.SITEMAPS | {"/"}}, {0})
        self.assertEqual([depths[path] for path in ("/one", "/two", "/item", "/linked")], [1, 1, 1, 2])
        self.records_read_back(pages.values(), os.path.join(out, "warc"))
        with open(os.path.join(out, "crawl.log"), encoding="utf-8") as log:
            told = log.read()
        for kind in ("sitemap:index", "sitemap:urlset", "sitemap:text", "sitemap:rss"):
            self.assertIn(kind, told)

    def test_off_reads_none(self):
        pages, _, _ = self.crawl(self.hidden(), "--sitemaps", "off")
        self.assertEqual(set(pages), {"/"})

    def test_depth_holds_for_what_sitemaps_name(self):
        pages, report, _ = self.crawl(self.hidden(), "--max-depth", "1")
        self.assertEqual(set(pages), {"/", "/one", "/two", "/item"} | self.SITEMAPS)
        self.assertEqual(report["ledger"]["refused"]["depth"], 1)
        pages, _, _ = self.crawl(self.hidden(), "--max-depth", "0")
        self.assertEqual(set(pages), {"/"})

    def test_a_given_sitemap_is_read_instead_of_those_of_robots(self):
        site = self.hidden()
        elsewhere = self.site({"/s.xml": xml(urlset(site.url("/two")))})
        pages, report, _ = self.crawl(site, "--sitemaps", elsewhere.url("/s.xml"))
        self.assertEqual(set(pages), {"/", "/two", elsewhere.url("/s.xml")})
        self.assertEqual(report["ledger"]["refused"], {})
        pages, _, _ = self.crawl(site, "--sitemaps", elsewhere.url("/s.xml"), "--sitemaps", "auto")
        self.assertIn("/one", pages)
        self.assertIn(elsewhere.url("/s.xml"), pages)

    def test_a_sitemap_on_another_host_is_out_of_scope_unless_it_is_let_in(self):
        elsewhere = self.site({})
        site = self.hidden(robots="Sitemap: " + elsewhere.url("/s.xml") + "\n")
        elsewhere.pages["/s.xml"] = xml(urlset(site.url("/two")))
        pages, report, _ = self.crawl(site)
        self.assertEqual(set(pages), {"/"})
        self.assertEqual(report["ledger"]["refused"], {"scope": 1})
        pages, _, _ = self.crawl(site, "--include", r"/s\.xml$")
        self.assertIn("/two", pages)

    def test_sitemaps_are_known_though_robots_forbids_the_seed(self):
        site = self.hidden(robots="Disallow: /$\nSitemap: {}/list.txt\n")
        pages, report, _ = self.crawl(site)
        self.assertEqual(set(pages), {"/list.txt", "/two"})
        self.assertEqual(report["ledger"]["refused"], {"robots": 1})

    def test_a_sitemap_that_a_link_led_to_is_read(self):
        site = self.site({"/": page("/sitemap.xml", "/feed"), "/one": page(), "/item": page()})
        site.pages["/sitemap.xml"] = xml(urlset(site.url("/one")))
        site.pages["/feed"] = xml(f"<rss><channel><item><link>{site.url('/item')}</link></item></channel></rss>")
        pages, _, _ = self.crawl(site)
        self.assertEqual({path: row["depth"] for path, row in pages.items()},
                         {"/": 0, "/sitemap.xml": 1, "/feed": 1, "/one": 2})

    def test_a_page_that_is_called_a_sitemap_and_a_broken_one(self):
        site = self.site({"/": page(), "/map.html": page("/one"), "/one": page(), "/two": page(), "/three": page()})
        site.pages["/robots.txt"] = text("Sitemap: /map.html\nSitemap: /broken.xml\nSitemap: /gone.xml\n")
        at = site.origin
        site.pages["/broken.xml"] = xml(f"\n<urlset><url><loc>{at}/two</loc></url><url><loc>{at}/three?a&b</loc></wrong>")
        site.pages["/three?a&b"] = page()
        pages, _, _ = self.crawl(site)
        self.assertEqual(set(pages), {"/", "/map.html", "/broken.xml", "/gone.xml", "/one", "/two", "/three?a&b"})
        self.assertEqual(pages["/gone.xml"]["status"], 404)


if __name__ == "__main__":
    weft_process.main(__doc__)
