"""What pages and headers say of links, end to end: which of them a crawl follows.

    directives_test.py WEFT
"""
import os
import tempfile

import weft_process
from scripted_site import Answer, Site, page
from weft_process import LOOPBACK, Checks, rows, status, weft


def html(body, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(200, {"Content-Type": "text/html", **named}, b"<!doctype html><title>t</title>" + body.encode())


def css(body):
    return Answer(200, {"Content-Type": "text/css"}, body.encode())


class Directives(Checks):
    def site(self):
        site = Site({
            "/": html("<a href=/free>a</a><a href=/no-link rel='me nofollow'>b</a><a href=/meta>c</a><a href=/other>d</a>"
                      "<a href=/ours>e</a><a href=/noindex>f</a><link rel=stylesheet href=/s.css>", Link="</linked>; rel=next"),
            "/meta": html("<meta name=robots content='index,NOFOLLOW'><a href=/no-meta>a</a>"),
            "/other": html("<a href=/of-other>a</a>", X_Robots_Tag="otherbot: nofollow"),
            "/ours": html("<a href=/no-ours>a</a>", X_Robots_Tag="weft: nofollow"),
            "/noindex": html("<meta name=robots content=noindex><a href=/of-noindex>a</a>"),
            "/s.css": css("@import 'more.css'; p { background: url(/p.png) }"),
            "/more.css": css("p { background: url(/q.png) }"),
            **{path: page() for path in ("/free", "/no-link", "/no-meta", "/no-ours", "/of-other", "/of-noindex", "/linked",
                                         "/p.png", "/q.png")},
        })
        self.addCleanup(site.close)
        return site

    OBEYED = {"/", "/free", "/meta", "/other", "/ours", "/noindex", "/of-other", "/of-noindex"}
    NOFOLLOW = {"/no-link", "/no-meta", "/no-ours"}

    def crawl(self, *options):
        """What the site was asked for, the exported rows by path, and crawl.log."""
        site = self.site()
        out = os.path.join(self.enterContext(tempfile.TemporaryDirectory(prefix="weft-directives-")), "crawl")
        told = weft("crawl", site.url("/"), "--out", out, *LOOPBACK, "--delay", "0s", *options)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.adds_up(status(out))
        exported = rows(out)
        self.each_once(exported)
        with open(os.path.join(out, "crawl.log"), encoding="utf-8") as log:
            told = log.read()
        asked = set(site.paths()) - {"/robots.txt"}
        pages = {row["url"].removeprefix(site.origin): row for row in exported}
        self.assertEqual(set(pages), asked)
        return asked, pages, told

    def test_nofollow_is_obeyed_and_noindex_is_told(self):
        asked, pages, told = self.crawl()
        self.assertEqual(asked, self.OBEYED)
        self.assertEqual({path: row["robots"] for path, row in pages.items() if row["robots"]},
                         {"/meta": ["nofollow"], "/ours": ["nofollow"], "/noindex": ["noindex"]})
        for note in ("noindex", "nofollow", "nofollow-links:1"):
            self.assertRegex(told, rf" {note}\n")

    def test_nofollow_can_be_ignored(self):
        asked, pages, _ = self.crawl("--nofollow", "ignore")
        self.assertEqual(asked, self.OBEYED | self.NOFOLLOW)
        self.assertEqual(pages["/noindex"]["robots"], ["noindex"])

    def test_who_ignores_robots_hears_nothing(self):
        asked, pages, _ = self.crawl("--ignore-robots")
        self.assertEqual(asked, self.OBEYED | self.NOFOLLOW)
        self.assertEqual([path for path, row in pages.items() if row["robots"]], [])

    def test_the_link_header_is_followed_where_its_kind_is(self):
        asked, _, _ = self.crawl("--follow", "navigation,next")
        self.assertEqual(asked, self.OBEYED | {"/linked"})

    def test_style_sheets_are_searched_where_their_kinds_are_followed(self):
        for extractor in ("linear", "gumbo"):
            asked, _, _ = self.crawl("--follow", "default,style,resource", "--extractor", extractor)
            self.assertEqual(asked, self.OBEYED | {"/s.css", "/more.css", "/p.png", "/q.png"})


if __name__ == "__main__":
    weft_process.main(__doc__)
