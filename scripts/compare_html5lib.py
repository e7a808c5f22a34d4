"""Weft's links against those of html5lib, an independent tree builder, on pages of Debian's documentation packages.

    scripts/compare-html5lib [--pages N] [--seed S] [--site SITE]... [--extractor NAME] [--xhtml] [--weft BINARY] [FILE...]

Takes a sample of N pages (2,000, of all four sites), or the FILEs, and compares of each: the encoding, the links with
their kinds and rel=nofollow in document order, title, base, meta robots, canonical, description and language. The rules by
which elements name URLs are applied twice, by Weft and in html5lib_links.py; URLs are resolved by Weft both times.
Prints each page that differs with its first difference, then the totals; ends with 1 if any differs.

--xhtml reads the pages as application/xhtml+xml, and those that are well-formed with expat in html5lib's place.
"""
import argparse
import base64
import json
import multiprocessing
import os
import random
import subprocess
import sys
import urllib.parse

import doc_sites

CHUNK = 20
HTTP = ("http://", "https://")
QUERY_SAFE = "!$%&()*+,-./:;=?@[\\]^_`{|}~"  # bytes of an encoded character that the query state leaves


def ask(weft, what, rows):
    """The answers of `weft inspect`, a line for a line."""
    told = subprocess.run([weft, "inspect", what, "--jsonl"],
                          input="".join(json.dumps(row) + "\n" for row in rows).encode(), stdout=subprocess.PIPE, check=True)
    answers = [json.loads(line) for line in told.stdout.decode().splitlines()]
    if len(answers) != len(rows):
        raise RuntimeError(f"weft inspect {what} gave {len(answers)} answers to {len(rows)} lines")
    return answers


def hrefs(weft, rows):
    return [answer.get("href") for answer in ask(weft, "url", rows)]


def in_encoding(reference, encoding):
    """A reference with its query in the encoding of the page, as the standard's query state writes it."""
    if reference.isascii() or encoding.lower() in ("utf-8", "utf-16le", "utf-16be", "replacement"):
        return reference
    before, mark, query = reference.partition("?")
    query, hash_mark, fragment = query.partition("#")
    if not mark or "#" in before:
        return reference
    written = ""
    for character in query:
        try:
            written += character if character.isascii() else urllib.parse.quote(character.encode(encoding), safe=QUERY_SAFE)
        except UnicodeEncodeError:
            written += f"%26%23{ord(character)}%3B"
    return before + mark + written + hash_mark + fragment


def expected_answers(weft, pages, urls):
    """What `weft inspect links` should say of html5lib's pages."""
    scalar = str.maketrans({chr(code): "\ufffd" for code in range(0xD800, 0xE000)})
    bases = hrefs(weft, [{"input": (page.base or "").translate(scalar), "base": url} for page, url in zip(pages, urls)])
    rows, canonicals = [], []
    for place, (page, url) in enumerate(zip(pages, urls)):
        base = bases[place]
        if page.base is None or base is None or base.split(":")[0] in ("data", "javascript"):
            bases[place] = base = url
        for kind, reference, _ in page.references:
            reload = kind == "refresh" and not reference
            rows.append({"input": in_encoding(reference.translate(scalar), page.encoding), "base": url if reload else base})
        canonicals.append({"input": (page.canonical or "").translate(scalar), "base": base})
    resolved = iter(hrefs(weft, rows))
    of_canonical = hrefs(weft, canonicals)
    for place, page in enumerate(pages):
        links = [(href, kind, nofollow) for (kind, _, nofollow), href in zip(page.references, resolved)
                 if href is not None and href.startswith(HTTP)]
        canonical = of_canonical[place] if page.canonical else None
        yield {"charset": page.encoding, "links": links, "title": page.title or "", "base": bases[place],
               "meta_robots": page.meta_robots, "description": page.description or "",
               "language": (page.language or "").strip(" \t\n\f\r"),
               "canonical": canonical if canonical and canonical.startswith(HTTP) else None}


def first_difference(expected, found):
    """None, or in words."""
    found = dict(found, links=[(link["url"], link["kind"], link["nofollow"]) for link in found["links"]])
    if expected["charset"].lower() != found["charset"].lower():
        return f"charset: html5lib {expected['charset']}, Weft {found['charset']}"
    if expected["links"] != found["links"]:
        if sorted(expected["links"]) == sorted(found["links"]):
            return "links: the same ones in another order"
        for place in range(max(len(expected["links"]), len(found["links"]))):
            pair = [links[place] if place < len(links) else "(none)" for links in (expected["links"], found["links"])]
            if pair[0] != pair[1]:
                return (f"link {place + 1} (html5lib {len(expected['links'])} in all, Weft {len(found['links'])}): "
                        f"html5lib {pair[0]}, Weft {pair[1]}")
    for what in ("title", "base", "meta_robots", "canonical", "description", "language"):
        if expected[what] != found[what]:
            return f"{what}: html5lib {expected[what]!r}, Weft {found[what]!r}"
    return None


def compare(weft, cases, extractor=None, xhtml=False):
    """`cases`: (bytes, url). Of each how many links Weft found, and the first difference (None: there is none).

    None alone for XHTML that is not well-formed.
    """
    import html5lib_links  # here, so that --help needs no package
    urls = hrefs(weft, [{"input": url} for _, url in cases])
    rows = [{"html_b64": base64.b64encode(html).decode(), "url": url,
             "content_type": "application/xhtml+xml" if xhtml else "text/html", **({"extractor": extractor} if extractor else {})}
            for (html, _), url in zip(cases, urls)]
    found = ask(weft, "links", rows)
    # Where a page declares no encoding, the one that Weft found.
    read = html5lib_links.read_xml if xhtml else html5lib_links.read
    pages = [read(html, answer["charset"]) for (html, _), answer in zip(cases, found)]
    kept = [place for place, page in enumerate(pages) if page is not None]
    expected = expected_answers(weft, [pages[place] for place in kept], [urls[place] for place in kept])
    results = [None] * len(cases)
    for place, answer in zip(kept, expected):
        results[place] = (len(found[place]["links"]), first_difference(answer, found[place]))
    return results


def compare_files(job):
    weft, files, extractor, xhtml = job
    os.nice(10 - os.nice(0))
    cases = []
    for path, url in files:
        with open(path, "rb") as file:
            cases.append((file.read(), url))
    results = compare(weft, cases, extractor, xhtml)
    return [(path, *result) for (path, _), result in zip(files, results) if result is not None]


def sample(sites, count, seed):
    every = []
    for site in sites:
        root = doc_sites.unpacked(site)
        for folder, _, names in os.walk(root, followlinks=True):
            every += [(os.path.join(folder, name), site, root) for name in names if name.endswith((".html", ".htm"))]
    chosen = random.Random(seed).sample(sorted(every), min(count, len(every)))
    return [(path, f"http://{site}.example/" + urllib.parse.quote(os.path.relpath(path, root))) for path, site, root in chosen]


def main(arguments):
    parser = argparse.ArgumentParser(prog="scripts/compare-html5lib", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=2000, help="default: 2000")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument("--site", action="append", choices=list(doc_sites.SITES), help="default: all of them")
    parser.add_argument("--extractor", help="Weft's extractor; default: the linear one")
    parser.add_argument("--xhtml", action="store_true", help="as application/xhtml+xml, against expat")
    parser.add_argument("--weft", help="the binary; default: that of scripts/weft, built if needed")
    parser.add_argument("files", nargs="*", metavar="FILE")
    options = parser.parse_args(arguments)
    scripts = os.path.join(doc_sites.ROOT, "scripts")
    subprocess.run([f"{scripts}/setup", f"{scripts}/packages.txt", f"{scripts}/bench-packages.txt"], check=True)
    weft = options.weft or os.path.join(scripts, "weft")
    files = ([(path, "http://file.example/" + urllib.parse.quote(os.path.basename(path))) for path in options.files]
             or sample(options.site or doc_sites.SITES, options.pages, options.seed))
    jobs = [(weft, files[at:at + CHUNK], options.extractor, options.xhtml) for at in range(0, len(files), CHUNK)]
    done = different = links = 0
    with multiprocessing.Pool(2) as pool:
        for results in pool.imap_unordered(compare_files, jobs):
            for path, count, difference in results:
                links += count
                if difference is not None:
                    different += 1
                    print(f"{path}: {difference}", flush=True)
            done += len(results)
            if sys.stderr.isatty() or done % 200 < CHUNK:
                print(f"compare-html5lib: {done} of {len(files)} pages, {different} differ", file=sys.stderr)
    print(f"{done} pages with {links} links (seed {options.seed}): {done - different} equal, {different} differ")
    return 1 if different else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (doc_sites.SiteError, OSError, subprocess.CalledProcessError) as error:
        print(f"compare-html5lib: {error}", file=sys.stderr)
        sys.exit(2)
