"""Links of small pages, broken ones and third-party ones, by Weft and by html5lib, a tree builder that shares nothing with it; and
of XHTML by expat.

    html5lib_test.py WEFT

scripts/compare-html5lib does the same with the documentation pages of whole packages.
"""
import glob
import os
import random
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
import compare_html5lib  # noqa: E402

DEBIANS_PYTHON = "/usr/bin/python3"  # which alone sees python3-html5lib
DATA = os.environ.get("WEFT_CONFORMANCE_DATA", "")
URL = "http://example.com/dir/page.html?q=1"

# A document a rule.
SMALL = (
    "<a href=x>a</a><area href=y><a>no</a><a href=''>self</a><a href='  z '>",
    "<a href='x' rel='me NoFollow'><a href=y rel=nofollows><area href=z rel=nofollow>",
    "<frameset><frame src=a longdesc=b><frame src=c></frameset>",
    "<iframe src=a><a href=no></iframe><iframe src=''></iframe><iframe longdesc=d>",
    "<base target=x><base href=/b/><base href=/c/><a href=x><link rel=canonical href=k>",
    "<a href=x></a><base href='http://other.example/d/'><a href='?q'>",
    "<base href='data:,x'><a href=x>", "<base href='http://['><a href=x>", "<base href=''><a href=x>",
    "<meta http-equiv=REFRESH content='5; URL = \"a b\"x'>", "<meta http-equiv=refresh content='.5,y'>",
    "<meta http-equiv=refresh content='5;url'>", "<meta http-equiv=refresh content=5>",
    "<meta http-equiv=refresh content='5x;url=no'><meta http-equiv=refresh content='1;url=yes'>",
    "<meta http-equiv=refresh content=' 1 urly'><meta http-equiv=refresh content='1;url=second'>",
    "<meta http-equiv=refresh content=\"0;'quoted'\"><base href=/b/>",
    "<link rel=stylesheet href=a><link rel='ALTERNATE stylesheet' href=b><link rel=alternate href=c><link rel=next href=d>"
    "<link rel=prev href=e><link rel='shortcut icon' href=f><link rel=manifest href=g><link rel=preconnect href=h><link href=i>",
    "<link rel=preload as=image imagesrcset='a 1x, b 2x' href=c><link rel=canonical href=''><link rel=canonical href=1>",
    "<img src=a srcset='b 1x, c 2x'><img srcset='d,, e 1x,f'><img srcset=' , g (,) 1x, h,'><img srcset='data:,x 1x, i'>",
    "<picture><source srcset='a, b 2x' src=c><img src=d longdesc=e></picture><input type=IMAGE src=f><input type=text src=no>",
    "<video src=a poster=b><source src=c><track src=d></video><audio src=e></audio><embed src=f><object data=g></object>",
    "<script src=a></script><script>'<a href=no>'</script><form action=b><button formaction=c></button><input formaction=d></form>",
    "<blockquote cite=a><q cite=b><ins cite=c></ins><del cite=d></del></blockquote>", "<html manifest=e lang=en><p>",
    "<body background=a><table background=b><tr background=c><td background=d><th background=e></table>",
    "<style>@import 'a'; @import url(b); p{background:url( 'c' )} /* url(no) */ q{x:url(d\\)e)} r{x:URL(f) url(\"g\\\nh\")}</style>",
    "<p style='background:url(a)' title='url(no)'><b style=\"list-style:url('b')\">", "<style>@import 'a' screen; @charset 'no'; x{y:'no'}</style>",
    "<svg><a href=a xlink:href=no></a><a xlink:href=b></a><image href=c /><use xlink:href=d /><script href=e /></svg><a xlink:href=no>",
    "<math><a href=no></a><mi href=no></math>", "<image src=a>", "<noscript><a href=x><img src=y></noscript>",
    "<title> a\n b&amp;c </title><title>second</title><svg><title>third</title></svg>", "<svg><title>no</title></svg><title>t</title>",
    "<title>a</b><!--c--></title>", "<textarea><a href=no></textarea><xmp><a href=no></xmp><noembed><a href=no></noembed>",
    "<!-- <a href=no> --><a href=x><!--> <a href=y><!-- --!><a href=z>", "<a href=x><plaintext><a href=no>",
    "<a href='?a=1&copy=2&amp;b&copy;&notit;&#x41;&#65'>", "<a href=\"&#x01;x&#x1f;\"><a href='\x01y\x02'>", "<a href='a\nb\tc'>", "<a\nhref\n=\nx\n>",
    "<a href=x href=no><a HREF=Y><a href='x'y=z><a href=x/><a =href=no><a href=a\"b'c<d>", "<a href=x", "<a href='x>", "<a/href=x/>",
    "<meta name=robots content=' noindex,\n nofollow'><meta name=ROBOTS content=none><meta name=Weft content=all><meta name=other content=no>",
    "<meta name=description content='a  b'><meta name=description content=no>", "<html lang=' de '><html lang=en>",
    "<p><a href=1>one<p>two<div><b>three</a>four", "<table><a href=1>x<tr><td><a href=2>y</table>", "<b><a href=1><p>x</b>y</a>z",
    "<select><option><a href=1></select><a href=2>", "<a href=1><a href=2></a>", "<frameset><a href=no></frameset><noframes><a href=no></noframes>",
    "<meta charset=windows-1251><a href='?\xef'>", "<meta charset=iso-8859-2><a href='/\xb1?\xb1&\u20ac'>",
)

# Tags in any order. What html5lib does otherwise than the standard of now is left out: template, </br>, and in foreign
# content many an end tag (docs/conformance.md).
PIECES = (
    "<div>", "</div>", "<p>", "</p>", "<a href=x>", "<a href='y?a=1&amp;b'>", "</a>", "<b>", "</b>", "<i>", "</i>", "<table>",
    "</table>", "<tr>", "<td>", "</td>", "</tr>", "<ul>", "<li>", "</ul>", "<!-- <a href=no> -->", "text & more", "<br>", "<h1>",
    "</h1>", "<span>", "</span>", "<title>t</title>", "<script>'<a href=no>'</script>", "<style><a href=no></style>",
    "<textarea><a href=no></textarea>", "<iframe src=f><a href=no></iframe>", "<area href=m>", "<base href='/b/'>",
    "<meta http-equiv=refresh content='1;url=r'>", "<noscript>", "</noscript>", "<select>", "</select>", "<form>", "</form>",
    "<body>", "</body>", "<html>", "</html>", "<head>", "</head>", "<a name=n>", "<a href=\"z", "\">", "<!", "</>", "<a/href=s>",
    "<font color=x>", "<font>", "</font>", "<object>", "</object>", "<input>", "<input type=hidden>", "<optgroup>", "</option>",
    "<colgroup>", "<col>", "<tbody>", "</tbody>", "<th>", "</th>", "</caption>", "</li>", "<dd>", "<dt>", "</dl>", "<dl>",
    "<marquee>", "</marquee>", "<img src=i>", "</frameset>", "<noframes><a href=no></noframes>", "<frameset>", "<frame src=g>",
    "<option>", "<caption>", "<button>", "</button>", "<nobr>", "<center>", "<pre>", "\n")
BROKEN = 2000


def broken_page(seed):
    order = random.Random(seed)
    return "".join(order.choice(PIECES) for _ in range(order.randint(3, 30)))


XHTML = '<?xml version="1.0" encoding="%s"?><!-- > --><html xmlns="http://www.w3.org/1999/xhtml" lang="en">%s</html>'
# Well-formed documents; the content of script, style and title holds no elements (docs/conformance.md).
IN_XHTML = (
    "<head><title/><base href='/b/'/><script src='a'/><style/></head><body><textarea/><iframe src='f'/><a href='1'/></body>",
    "<title>a &amp; <![CDATA[<b> &amp;]]></title><script><![CDATA[<a href='no'/>]]></script><![CDATA[<a href='no'/>]]><a href='1'/>",
    "<style>@import 'a'; <![CDATA[ p > a{background:url(b)} ]]></style><p style='background:url(&quot;c&quot;)'/>",
    "<table><a href='1'><a href='2'/></a></table><p><p><a href='3'/></p></p><select><a href='4'/></select><b><a href='5'/></b>",
    "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'><a xlink:href='1'/><image href='2'/><a href=''/></svg>",
    "<s:svg xmlns:s='http://www.w3.org/2000/svg'><s:a href='1'/><s:use href='2'/><a href='3'/></s:svg><a href='4'/>",
    "<x xmlns='urn:x'><a href='no'/><y xmlns='http://www.w3.org/1999/xhtml'><a href='1'/></y><a href='no'/></x><a href='2'/>",
    "<x xmlns='urn:x'/><a href='1'/><x xmlns=''><a href='no'/></x><template><a href='no'/><img src='no'/></template><noscript><a href='2'/></noscript>",
    "<a href='?a=1&amp;b=2'/><a href=' x&#10;y '/><a href='&#228;?&#228;' rel='NOFOLLOW'/><img srcset='a 1x, b 2x' alt=''/>",
    "<meta http-equiv='refresh' content='1;url=r'/><link rel='canonical' href='k'/><meta name='robots' content='none'/><body background='b'/>",
    "<!-- <a href='no'/> --><?pi <a href='no'/?><a href='1' /><a\nhref = '2'\n></a\n>",
)


class SameAsHtml5lib(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            import html5lib  # noqa: F401
        except ImportError:
            raise unittest.SkipTest("html5lib is not installed (Debian: python3-html5lib)")

    def same(self, pages, may_move=False):
        cases = [(page if isinstance(page, bytes) else page.encode("latin-1", "xmlcharrefreplace"), URL) for page in pages]
        links = 0
        for page, (count, difference) in zip(pages, compare_html5lib.compare(weft_process.binary, cases)):
            links += count
            with self.subTest(page):
                if not (may_move and "another order" in (difference or "")):
                    self.assertIsNone(difference)
        return links

    def test_small_pages(self):
        self.assertGreater(self.same(SMALL), 100)

    def test_broken_pages(self):
        # A table's stray content stands before it in the tree, after it in the page.
        self.assertGreater(self.same([broken_page(seed) for seed in range(BROKEN)], may_move=True), 1000)

    @unittest.skipIf(not DATA, "WEFT_CONFORMANCE_DATA is not set")
    def test_third_party_pages(self):
        pages = []
        for path in sorted(glob.glob(os.path.join(DATA, "html", "*.html"))):
            with open(path, "rb") as file:
                page = file.read()
            if b"big5" not in page:  # Python's codec lacks the characters of Hong Kong that the standard's has
                pages.append(page)
        self.assertGreater(self.same(pages), 50)

    def test_small_pages_in_the_xml_syntax(self):
        pages = [(XHTML % (encoding, body)).encode(encoding) for body in IN_XHTML for encoding in ("utf-8", "iso-8859-2")]
        results = compare_html5lib.compare(weft_process.binary, [(page, URL) for page in pages], xhtml=True)
        for page, result in zip(pages, results):
            with self.subTest(page):
                self.assertIsNotNone(result, "is not well-formed")
                self.assertIsNone(result[1])

    def test_a_difference_is_found(self):
        page = compare_html5lib.compare(weft_process.binary, [(b"<svg><desc><x></desc><area href=m>", URL)])
        self.assertIn("link 1", page[0][1])  # html5lib follows the standard of 2017 here


if __name__ == "__main__":
    try:
        import html5lib  # noqa: F401
    except ImportError:
        if os.path.exists(DEBIANS_PYTHON) and os.path.realpath(sys.executable) != os.path.realpath(DEBIANS_PYTHON):
            os.execv(DEBIANS_PYTHON, [DEBIANS_PYTHON, "-B", *sys.argv])
    weft_process.main(__doc__)
