"""What a page names, read from html5lib's tree, or expat's for XHTML, by rules that share no line with Weft's.

The rules are those of the HTML standard: its index of attributes for what names a URL, 4.2.3 (base), 4.2.5.3 (refresh),
4.8.4.3 (srcset), and CSS Syntax 3 for url() and @import. The names of the kinds are Weft's (common/link_kind.h).

    page = read(html_bytes, default_encoding)
    page.references     # [(kind, reference, nofollow)], in tree order
"""
import re
import xml.etree.ElementTree

import html5lib
from html5lib import treebuilders

HTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
SPACE = " \t\n\f\r"

# Attributes that name one URL: (element, attribute) to kind.
NAMING = {
    ("frame", "src"): "frame", ("iframe", "src"): "frame",
    ("img", "src"): "image", ("audio", "src"): "media", ("video", "src"): "media", ("video", "poster"): "image",
    ("track", "src"): "media", ("source", "src"): "media",
    ("embed", "src"): "embed", ("object", "data"): "embed", ("script", "src"): "script",
    ("form", "action"): "form", ("button", "formaction"): "form", ("input", "formaction"): "form",
    ("html", "manifest"): "resource",
    # Of obsolete features, those that browsers still fetch, and longdesc.
    ("frame", "longdesc"): "cite", ("iframe", "longdesc"): "cite", ("img", "longdesc"): "cite",
    **{(element, "cite"): "cite" for element in ("blockquote", "q", "ins", "del")},
    **{(element, "background"): "image" for element in ("body", "table", "td", "th", "tr")},
}
OF_ELEMENT = {}
for (_element, _attribute), _kind in NAMING.items():
    OF_ELEMENT.setdefault(_element, []).append((_attribute, _kind))

REL_KINDS = {"canonical": "canonical", "alternate": "alternate", "next": "next", "prev": "prev", "previous": "prev",
             "icon": "image", "apple-touch-icon": "image", "apple-touch-icon-precomposed": "image", "mask-icon": "image",
             "manifest": "resource", "preload": "resource", "modulepreload": "resource", "prefetch": "resource",
             "prerender": "resource", "dns-prefetch": None, "preconnect": None}


def _builder():
    base = treebuilders.getTreeBuilder("etree")

    class Element(base.elementClass):
        """Its clones, which the adoption agency makes, name nothing again."""
        clones = set()

        def cloneNode(self):
            clone = super().cloneNode()
            self.clones.add(clone._element)
            return clone

    class Builder(base):
        elementClass = Element

        def _mark(self, element, token):
            # Reconstructed formatting elements come from a token whose type is spelt out; the tokenizer's are numbers.
            if token["type"] == "StartTag":
                Element.clones.add(element._element)
            return element

        def createElement(self, token):
            return self._mark(super().createElement(token), token)

        def insertElementNormal(self, token):
            return self._mark(super().insertElementNormal(token), token)

    return Builder, Element.clones


def tokens(text):
    return [token for token in re.split(f"[{SPACE}]+", lower(text)) if token]


def lower(text):
    """ASCII lower case: str.lower would turn a Kelvin sign into a "k"."""
    return re.sub("[A-Z]", lambda letter: letter.group().lower(), text)


def collapse(text):
    return " ".join(word for word in re.split(f"[{SPACE}]+", text) if word)


def refresh_target(content):
    """The shared declarative refresh steps: None, or the URL's text ("" for the page itself)."""
    match = re.match(rf"[{SPACE}]*(?:([0-9]+)[0-9.]*|\.[0-9.]*)(.*)\Z", content, re.DOTALL)
    if not match:
        return None
    rest = match.group(2)
    if not rest:
        return ""
    if rest[0] not in ";," + SPACE:
        return None
    rest = rest.lstrip(SPACE)
    if rest[:1] in (";", ","):
        rest = rest[1:]
    rest = rest.lstrip(SPACE)
    if not rest:
        return ""
    prefix = re.match(rf"[uU][rR][lL][{SPACE}]*=[{SPACE}]*", rest)
    if prefix:
        rest = rest[prefix.end():]
    elif rest[0] in "uU":
        return rest  # "otherwise, jump to the step labelled parse", past the quotes
    if rest[:1] in ("'", '"'):
        return rest[1:].split(rest[0], 1)[0]
    return rest


def srcset_urls(text):
    at = 0
    while True:
        at = re.compile(f"[{SPACE},]*").match(text, at).end()
        if at == len(text):
            return
        url = re.compile(f"[^{SPACE}]+").match(text, at).group()
        at += len(url)
        stripped = url.rstrip(",")
        if stripped == url:
            at = re.compile(r"(?:\([^)]*\)?|[^,(])*").match(text, at).end()
        yield stripped


_ESCAPE = r"\\(?:[0-9a-fA-F]{1,6}(?:\r\n|[ \t\n\f\r])?|[^0-9a-fA-F\n\f\r])"
_CSS = re.compile(
    rf"""(?P<comment>/\*.*?(?:\*/|\Z))
    |(?P<string>"(?:\\(?:\r\n|[\n\f\r])|{_ESCAPE}|[^"\\\n\f\r])*"?|'(?:\\(?:\r\n|[\n\f\r])|{_ESCAPE}|[^'\\\n\f\r])*'?)
    |(?P<at>@(?:{_ESCAPE}|[-\w\u0080-\U0010ffff])+)
    |(?P<name>(?:{_ESCAPE}|[-\w\u0080-\U0010ffff])+)(?P<call>\([{SPACE}]*)?
    |(?P<end>[;{{}}])
    |(?P<other>.)""", re.DOTALL | re.VERBOSE)
_CSS_BARE = re.compile(rf"(?:{_ESCAPE}|[^)\s\\])*", re.DOTALL)


def css_unescape(text):
    def character(match):
        escaped = match.group(1)
        if re.match("[0-9a-fA-F]", escaped):
            value = int(escaped.strip(), 16)
            return chr(value) if 0 < value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF else "\ufffd"
        return "" if escaped[0] in "\n\f\r" else escaped
    return re.sub(r"\\([0-9a-fA-F]{1,6}(?:\r\n|[ \t\n\f\r])?|\r\n|.)", character, text, flags=re.DOTALL)


def css_string(text):
    body = text[1:-1] if len(text) > 1 and text[-1] == text[0] else text[1:]
    return css_unescape(body)


def css_urls(css):
    """(kind, reference) of url() and @import."""
    at, importing = 0, False
    while at < len(css):
        match = _CSS.match(css, at)
        at = match.end()
        if match.group("string"):
            if importing:
                yield "style", css_string(match.group("string"))
            importing = False
        elif match.group("at"):
            importing = lower(css_unescape(match.group("at"))) == "@import"
        elif match.group("end"):
            importing = False
        elif match.group("call"):
            name = lower(css_unescape(match.group("name")))
            if name not in ("url", "src"):
                continue
            string = _CSS.match(css, at)
            if string and string.group("string"):
                at = string.end()
                url = css_string(string.group("string"))
            elif name == "url":
                bare = _CSS_BARE.match(css, at)
                at = bare.end()
                url = css_unescape(bare.group())
            else:
                continue
            yield "style" if importing else "resource", url
            importing = False


class Page:
    def __init__(self, clones):
        self._clones = clones
        self.references = []
        self.base = self.title = self.canonical = self.description = self.language = None
        self.meta_robots = []
        self.encoding = ""
        self._refreshed = False

    def read(self, root):
        stack = [root]
        while stack:
            node = stack.pop()
            if not isinstance(node.tag, str):
                continue  # a comment
            if node.tag.startswith(HTML):
                name = node.tag[len(HTML):]
                if node not in self._clones:
                    self._html(name, node)
                if name == "template":
                    continue
            elif node.tag.startswith(SVG) and node not in self._clones:
                self._svg(node.tag[len(SVG):], node)
            if node.get("style") and node not in self._clones:
                self._css(node.get("style"))
            stack.extend(reversed(node))

    def _add(self, kind, reference, rel=""):
        if reference:
            self.references.append((kind, reference, "nofollow" in tokens(rel)))

    def _css(self, css):
        for kind, reference in css_urls(css):
            self._add(kind, reference)

    def _html(self, name, node):
        if name in ("a", "area") and node.get("href") is not None:
            # An empty href is a link to the page itself.
            self.references.append(("navigation", node.get("href"), "nofollow" in tokens(node.get("rel", ""))))
        elif name == "base" and self.base is None:
            self.base = node.get("href")
        elif name == "title" and self.title is None:
            self.title = collapse(node.text or "")
        elif name == "meta":
            self._meta(node)
        elif name == "link":
            self._link(node)
        elif name == "input" and lower(node.get("type", "")) == "image":
            self._add("image", node.get("src"))
        elif name == "html" and self.language is None:
            self.language = node.get("lang") or None
        elif name == "style":
            self._css(node.text or "")
        for attribute, kind in OF_ELEMENT.get(name, ()):
            if attribute in ("longdesc", "formaction"):
                continue
            self._add(kind, node.get(attribute))
        if name in ("img", "source"):
            for url in srcset_urls(node.get("srcset", "")):
                self._add("image", url)
        for attribute in ("longdesc", "formaction"):
            if (name, attribute) in NAMING:
                self._add(NAMING[name, attribute], node.get(attribute))

    def _svg(self, name, node):
        href = node.get("href", node.get(XLINK_HREF))
        if name == "a" and href is not None:
            self.references.append(("navigation", href, "nofollow" in tokens(node.get("rel", ""))))
        kind = {"image": "image", "feImage": "image", "script": "script", "use": "resource"}.get(name)
        if kind:
            self._add(kind, href)

    def _meta(self, node):
        content = node.get("content")
        if content is None:
            return
        if lower(node.get("http-equiv", "")) == "refresh" and not self._refreshed:
            target = refresh_target(content)
            if target is not None:
                self._refreshed = True
                self.references.append(("refresh", target, False))
        name = lower(node.get("name", ""))
        if name == "description" and self.description is None:
            self.description = collapse(content)
        if name in ("robots", "weft"):
            self.meta_robots.append(collapse(content))

    def _link(self, node):
        rel = node.get("rel", "")
        for url in srcset_urls(node.get("imagesrcset", "")):
            self._add("image", url)
        href = node.get("href")
        if not href:
            return
        words = tokens(rel)
        kind = "cite"
        for word in words:
            kind = REL_KINDS.get(word, kind)
        if "stylesheet" in words:
            kind = "style"
        if kind == "canonical" and self.canonical is None:
            self.canonical = href
        if kind is not None:
            self._add(kind, href, rel)


def read(html, default_encoding):
    """`default_encoding`: for pages that do not declare one, where the standard leaves it to the implementation."""
    builder, clones = _builder()
    parser = html5lib.HTMLParser(builder, namespaceHTMLElements=True)
    root = parser.parse(html, useChardet=False, default_encoding=default_encoding)
    page = Page(clones)
    page.encoding = parser.documentEncoding or ""
    page.read(root)
    return page


def read_xml(xhtml, encoding):
    """None: it is not well-formed. `encoding`: what it is known to be."""
    try:
        root = xml.etree.ElementTree.fromstring(xhtml)
    except xml.etree.ElementTree.ParseError:
        return None
    page = Page(frozenset())
    page.encoding = encoding
    page.read(root)
    return page
