"""What goes first: with --order popular what many pages link to, by default what is nearest.

    order_test.py WEFT
"""
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from scripted_site import Answer, Site, page  # noqa: E402
from weft_process import LOOPBACK, Checks, Running, rows, status  # noqa: E402

BRANCHES, LEAVES = 8, 20
# A batch is worth four seconds: some forty URLs.
PACE = ("--delay", "100ms")


def library(**more):
    """Pages at depth 2 that all name /hub, which nothing nearer does."""
    pages = {"/": page(*(f"/{branch}" for branch in range(BRANCHES)))}
    for branch in range(BRANCHES):
        leaves = [f"/{branch}/{leaf}" for leaf in range(LEAVES)]
        pages[f"/{branch}"] = page(*leaves)
        pages.update({leaf: page("/hub", title=leaf) for leaf in leaves})
    pages["/hub"] = page("/", title="hub")
    pages.update(more)
    return pages


class Order(Checks):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="weft-order-"))
        self.crawls = 0

    def site(self, pages):
        site = Site(pages)
        self.addCleanup(site.close)
        return site

    def begin(self, site, *options):
        """A crawl that has begun, and its directory."""
        self.crawls += 1
        out = os.path.join(self.folder, f"crawl-{self.crawls}")
        running = Running(out + ".log", "crawl", site.url("/"), "--out", out, *LOOPBACK, *PACE, *options)
        self.addCleanup(running.__exit__)
        return running, out

    def finish(self, crawl, out, pages):
        self.assertEqual(crawl.wait(), 0, crawl.told())
        told = status(out)
        self.assertEqual((told["state"], told["ledger"]["discovered"]), ("finished", pages))
        self.adds_up(told)
        self.each_once(rows(out))

    def test_what_many_pages_link_to_is_fetched_earlier_and_nothing_else_changes(self):
        nearest, popular, ruled = (self.site(library()) for _ in range(3))
        crawls = [self.begin(nearest), self.begin(popular, "--order", "popular"),
                  self.begin(ruled, "--order", "popular", "--rule", "match=/hub priority=-1")]
        for crawl, out in crawls:
            self.finish(crawl, out, len(library()))
        for site in (nearest, popular, ruled):
            paths = [path for path in site.paths() if path != "/robots.txt"]
            self.assertEqual(sorted(paths), sorted(library()), "each once")
        last = len(library())
        places = [[path for path in site.paths() if path != "/robots.txt"].index("/hub") for site in (nearest, popular, ruled)]
        self.assertEqual(places[0], last - 1, "breadth-first: all that is nearer goes before")
        self.assertLess(places[1], last - 10, "popular: as soon as enough pages have named it and what was out has come in")
        self.assertEqual(places[2], last - 1, "a rule comes before popularity")

    def test_a_sitemaps_priority_decides_among_its_urls(self):
        entries = "".join(f"<url><loc>{{origin}}/u{i}</loc><priority>{'1.0' if i >= 50 else '0.1'}</priority></url>"
                          for i in range(60))
        site = self.site({f"/u{i}": page(title=f"u{i}") for i in range(60)})
        site.pages["/"] = page()
        site.pages["/map.xml"] = Answer(200, {"Content-Type": "text/xml"},
                                        f"<urlset>{entries.format(origin=site.origin)}</urlset>".encode())
        crawl, out = self.begin(site, "--order", "popular", "--sitemaps", site.url("/map.xml"))
        self.finish(crawl, out, 62)
        listed = [path for path in site.paths() if path.startswith("/u")]
        self.assertEqual(set(listed[:10]), {f"/u{i}" for i in range(50, 60)})

    def test_another_order_is_refused(self):
        told = weft_process.weft("crawl", "http://127.0.0.1/", "--out", os.path.join(self.folder, "x"), *LOOPBACK,
                                 "--order", "random")
        self.assertEqual(told.returncode, 2)
        self.told(told.stderr, "order", "breadth", "popular")


if __name__ == "__main__":
    weft_process.main(__doc__)
