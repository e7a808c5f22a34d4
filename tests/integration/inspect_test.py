"""weft inspect over the binary: order, errors, hostile lines, promptness, and third-party cases through --jsonl.

    inspect_test.py WEFT
"""
import base64
import json
import os
import random
import select
import subprocess
import sys
import tempfile
import threading
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from weft_process import SECONDS, weft  # noqa: E402

DATA = os.environ.get("WEFT_CONFORMANCE_DATA", "")
MIB = 1 << 20
SPECIAL = ("http", "https", "ws", "wss", "ftp", "file")


def b64(data):
    return base64.b64encode(data).decode()


def raw(what, data, **more):
    """The answers to these bytes."""
    told = subprocess.run([weft_process.binary, "inspect", what, "--jsonl"], input=data, capture_output=True, check=False,
                          timeout=SECONDS, **more)
    if told.returncode != 0 or told.stderr:
        raise AssertionError(f"ended with {told.returncode}: {told.stderr}")
    return [json.loads(line) for line in told.stdout.decode("utf-8", errors="strict").splitlines()]


def ask(what, rows):
    answers = raw(what, "".join(json.dumps(row) + "\n" for row in rows).encode())
    if len(answers) != len(rows):
        raise AssertionError(f"{len(rows)} lines, {len(answers)} answers")
    return answers


class OneCase(unittest.TestCase):
    def shows(self, words, *pieces, text=""):
        told = weft("inspect", *words, text=text)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        for piece in pieces:
            self.assertIn(piece, told.stdout)
        self.assertNotIn("{", told.stdout)
        # What is told stands in one column.
        for line in told.stdout.splitlines():
            self.assertRegex(line, r"^  \S.{19}   \S|^  \S.{20}  \S|^.{24}\S" if line.startswith("  ") else r"^.{18}  \S")

    def fails(self, words, code, *pieces, text=""):
        told = weft("inspect", *words, text=text)
        self.assertEqual((told.returncode, told.stdout), (code, ""), told.stderr)
        self.assertTrue(told.stderr.startswith("weft: "), told.stderr)
        for piece in pieces:
            self.assertIn(piece, told.stderr)

    def test_a_url(self):
        self.shows(("url", "HTTP://EXAMPLE.com/a/../b?x#f"), "http://example.com/b?x#f\n", "com,example)/b?x\n")
        self.shows(("url", "../b", "--base", "https://example.com/a/"), " https://example.com/b\n")
        self.fails(("url", "http://"), 1, "'http://' is not a URL", "host")
        self.fails(("url", "x", "--base", "y"), 1, "base: ")

    def test_a_robots_txt(self):
        text = "User-agent: *\nDisallow: /x\n"
        self.shows(("robots", "-", "--agent", "Bot", "--url", "https://example.com/x"), "disallowed", "line 2: Disallow: /x",
                   "of *, as none names Bot", text=text)
        with tempfile.NamedTemporaryFile() as file:
            file.write(text.encode())
            file.flush()
            self.shows(("robots", file.name, "--url", "/y"), "allowed", "no line matches", "Weft")
        self.fails(("robots", "-"), 2, "--url is missing", "usage: weft inspect robots FILE|- --url URL")
        self.fails(("robots", "-", "--url", "x"), 2, '"url" is not a URL')

    def test_links_and_charset(self):
        html = "<meta charset=latin2><title>T</title><a href=x rel=nofollow>"
        self.shows(("links", "-", "--url", "https://example.com/"), "ISO-8859-2", "T\n",
                   "navigation nofollow   https://example.com/x\n", text=html)
        self.shows(("charset", "-"), "ISO-8859-2", "(meta)", text=html)
        self.shows(("charset", "-", "--content-type", "text/html; charset=koi8-r"), "KOI8-R", "(header)", text=html)

    def test_facts_and_links_of_every_kind(self):
        html = "<html lang=en><base href=/b/><link rel=canonical href=c><meta name=robots content=none><a rel=me href=x>a <b>b</b></a><img src=i>"
        self.shows(("links", "-", "--url", "https://example.com/"), "https://example.com/b/\n", "none\n",
                   "  canonical             https://example.com/b/c\n", "  image                 https://example.com/b/i\n", text=html)

    def test_a_sitemap(self):
        xml = ('<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://example.com/a</loc>'
               '<lastmod>2026-03-01</lastmod></url></urlset>')
        self.shows(("sitemap", "-", "--url", "https://example.com/sitemap.xml"), "urlset\n",
                   "  2026-03-01            https://example.com/a\n", text=xml)
        self.fails(("sitemap", "-"), 2, "--url is missing", "usage: weft inspect sitemap FILE|- --url URL")

    def test_wrong_usage(self):
        self.fails((), 2, "url, robots, links, sitemap, charset", "usage: weft inspect")
        self.fails(("urll", "x"), 2, "'urll' cannot be inspected", "did you mean url?")
        self.fails(("url",), 2, "no URL is named", "weft inspect url URL")
        self.fails(("url", "a", "b"), 2, "more than one URL is named")
        self.fails(("url", "a", "--agent", "b"), 2, "does not take --agent")
        self.fails(("url", "a", "--bse", "b"), 2, "unknown option --bse; did you mean --base?")
        self.fails(("charset",), 2, "no file is named")
        self.fails(("charset", "/nowhere/x"), 2, "cannot read /nowhere/x: No such file or directory")
        self.fails(("charset", "/"), 2, "cannot read /: Is a directory")
        self.fails(("url", "a", "--jsonl"), 2, "'a' does not go with --jsonl", "weft inspect url --jsonl < FILE")
        self.fails(("links", "--jsonl", "--url", "https://a/"), 2, "--url does not go with --jsonl", "html_b64")

    def test_a_full_disk_is_told(self):
        with open("/dev/full", "wb") as full:
            for words, text in ((("url", "http://a/"), ""), (("url", "--jsonl"), '{"input":"http://a/"}\n')):
                told = subprocess.run([weft_process.binary, "inspect", *words], input=text, text=True, stdout=full,
                                      stderr=subprocess.PIPE, check=False, timeout=SECONDS)
                self.assertEqual(told.returncode, 1)
                self.assertIn("cannot write standard output: No space left on device", told.stderr)


class Lines(unittest.TestCase):
    def test_answers_come_in_order(self):
        rows = [{"input": f"https://h.example/{i}" if i % 3 else f"nonsense {i}"} for i in range(20_000)]
        for i, answer in enumerate(ask("url", rows)):
            self.assertEqual(answer["href"], f"https://h.example/{i}" if i % 3 else None)

    def test_what_is_no_object_is_answered_and_the_run_goes_on(self):
        good = b'{"input":"http://a/"}'
        bad = [b"", b" ", b"[]", b"1", b'"x"', b"null", b"{}", b'{"input":1}', b'{"input":["x"]}', b"{", b"\x00", b"\xff\xfe",
               good + b"\x00", good + good, b'{"input":"\xff"}', b'{"input":"\xed\xa0\x80"}', b"{'input':'x'}", b"\r",
               b'{"input":"' + b"[" * 100_000, b'{"input":' + b"[" * 100_000, b"[" * 100_000]
        answers = raw("url", b"\n".join(piece for line in bad for piece in (line, good)))
        self.assertEqual(len(answers), 2 * len(bad))
        for line, wrong, right in zip(bad, answers[0::2], answers[1::2]):
            self.assertEqual(list(wrong), ["error"], line[:40])
            self.assertIn("expected an object such as", wrong["error"])
            self.assertEqual(right["href"], "http://a/", line[:40])

    def test_garbage_never_ends_it(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", file=sys.stderr)
        dice = random.Random(seed)
        whole = {"url": {"input": "http://a/\u00e9?x", "base": "http://b/"},
                 "robots": {"robots": "User-agent: *\nDisallow: /*a$", "agent": "x", "url": "/a"},
                 "links": {"html_b64": b64(b"<a href=x>"), "url": "http://a/"},
                 "charset": {"body_b64": b64(b"<meta charset=x>"), "content_type": "text/html;charset=y"}}
        for what, row in whole.items():
            lines = []
            for _ in range(2000):
                line = bytearray(json.dumps(row).encode())
                for _ in range(dice.randrange(1, 6)):
                    line[dice.randrange(len(line))] = dice.randrange(256)
                lines.append(bytes(line).replace(b"\n", b"!"))
            self.assertEqual(len(raw(what, b"\n".join(lines) + b"\n")), len(lines), what)

    def test_text_and_bytes_of_every_kind_are_taken(self):
        everything = bytes(range(256)) * 4
        for what, member in (("links", "html"), ("charset", "body"), ("robots", "robots")):
            row = {"url": "http://a/", "agent": "\u0000\ud800", member + "_b64": b64(everything)}
            self.assertNotIn("error", ask(what, [row])[0], what)
            del row[member + "_b64"]
            row[member] = "\u0000\ud800\U0001f600"
            self.assertNotIn("error", ask(what, [row])[0], what)
        self.assertEqual(ask("url", [{"input": "http://a/\u0000\ud800"}])[0]["href"], "http://a/%00%EF%BF%BD")

    def test_a_line_that_is_too_long_is_passed_over_without_being_held(self):
        good = b'{"body":"<meta charset=big5>"}\n'
        with tempfile.TemporaryFile() as file:
            file.write(good + b'{"body":"')
            file.seek(800 * MIB)  # a hole: it reads as NULs
            file.write(b'"}\n' + good)
            file.seek(0)
            with subprocess.Popen([weft_process.binary, "inspect", "charset", "--jsonl"], stdin=file,
                                  stdout=subprocess.PIPE) as process:
                answers = [json.loads(line) for line in process.stdout]
                _, state, used = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(state)
        self.assertEqual(process.returncode, 0)
        self.assertEqual([answer.get("charset") for answer in answers], ["Big5", None, "Big5"])
        self.assertIn("longer than 64 MiB", answers[1]["error"])
        self.assertLess(used.ru_maxrss * 1024, 500 * MIB)

    def test_a_line_at_the_limit_is_read(self):
        def line(size):
            head, tail = b'{"body":"', b'"}'
            return head + b"x" * (size - len(head) - len(tail)) + tail

        answers = raw("charset", line(64 * MIB) + b"\n" + line(64 * MIB + 1) + b"\n" + line(100))
        self.assertEqual(["error" in answer for answer in answers], [False, True, False])

    def test_whoever_waits_for_an_answer_gets_it(self):
        with subprocess.Popen([weft_process.binary, "inspect", "url", "--jsonl"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as process:
            for i in range(50):
                process.stdin.write(b'{"input":"http://a/%d"}\n' % i)
                process.stdin.flush()
                ready, _, _ = select.select([process.stdout], [], [], 20)
                self.assertTrue(ready, f"no answer to line {i}")
                self.assertEqual(json.loads(process.stdout.readline())["href"], f"http://a/{i}")
            process.stdin.close()
            self.assertEqual(process.wait(timeout=SECONDS), 0)

    def test_a_reader_that_goes_ends_it(self):
        with subprocess.Popen([weft_process.binary, "inspect", "url", "--jsonl"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.close()

            def feed():
                try:
                    while True:
                        process.stdin.write(b'{"input":"http://a/"}\n' * 1000)
                except BrokenPipeError:
                    pass

            thread = threading.Thread(target=feed)
            thread.start()
            self.assertEqual(process.wait(timeout=SECONDS), 1)
            thread.join()
            self.assertIn(b"cannot write standard output: Broken pipe", process.stderr.read())
            try:
                process.stdin.close()
            except BrokenPipeError:
                pass


@unittest.skipUnless(DATA, "WEFT_CONFORMANCE_DATA names no directory of third-party cases; none were run")
class ThirdPartyCases(unittest.TestCase):
    def read(self, name):
        with open(os.path.join(DATA, name), encoding="utf-8") as file:
            if name.endswith(".jsonl"):
                return [json.loads(line) for line in file if line.strip()]
            return [row for row in json.load(file) if isinstance(row, dict)]

    def tally(self, what, cases, least, rate=1.0):
        """`cases`: (shown, expected, actual). Prints how many are equal, and those that are not."""
        cases = list(cases)
        equal = sum(expected == actual for _, expected, actual in cases)
        print(f"{what}: {equal} of {len(cases)} equal", file=sys.stderr)
        for shown, expected, actual in cases:
            if expected != actual:
                print(f"  {ascii(shown)}: {actual!r}, the case has {expected!r}", file=sys.stderr)
        self.assertGreaterEqual(len(cases), least, f"{what}: cases are missing")
        self.assertGreaterEqual(equal, rate * len(cases), what)

    def test_urls(self):
        rows = self.read("url/urltestdata.json")
        answers = ask("url", [{"input": row["input"], "base": row["base"]} for row in rows])
        cases = {True: [], False: []}
        for row, answer in zip(rows, answers):
            self.assertEqual("error" in answer, answer["href"] is None)
            judged = row.get("href") or row["input"]
            special = judged.split(":")[0].lower() in SPECIAL or ":" not in judged
            cases[special].append(((row["input"], row["base"]), row.get("href"), answer["href"]))
        self.tally("href, special schemes", cases[True], 300)
        self.tally("href, other schemes", cases[False], 150)

    def test_keys_are_keys_of_themselves(self):
        rows = self.read("url/urltestdata.json")
        answers = ask("url", [{"input": row["input"], "base": row["base"]} for row in rows])
        answers += ask("url", [{"input": row["input"]} for row in self.read("url/normalise.jsonl")])
        answers += ask("url", [{"input": row["url"]} for row in self.read("url/surt.jsonl")])
        keys = [answer["key"] for answer in answers if answer.get("key")]
        again = ask("url", [{"input": key} for key in keys])
        self.tally("key of a key", [(key, key, answer["key"]) for key, answer in zip(keys, again)], 800)

    def test_hosts(self):
        for name, least in (("url/toascii.json", 60), ("url/IdnaTestV2.json", 1800)):
            rows = self.read(name)
            answers = ask("url", [{"input": f"https://{row['input']}/x"} for row in rows])
            self.tally(name, [(row["input"], row["output"], answer["host"]) for row, answer in zip(rows, answers)], least, 0.98)

    def test_registrable_domains(self):
        rows = [row for row in self.read("psl/registrable.jsonl") if row["domain"]]
        answers = ask("url", [{"input": f"http://{row['domain']}/"} for row in rows])
        # A domain comes in the form that a URL has: Punycode.
        expected = ask("url", [{"input": f"http://{row['registrable'] or 'none'}/"} for row in rows])
        self.tally("registrable domains",
                   [(row["domain"], row["registrable"] and wanted["host"], answer["registrable_domain"])
                    for row, wanted, answer in zip(rows, expected, answers)], 40)

    def test_robots(self):
        rows = self.read("robots/cases.jsonl")
        members = ("robots", "robots_b64", "agent", "url")
        answers = ask("robots", [{name: row[name] for name in members if name in row} for row in rows])
        cases = {True: [], False: []}
        for row, answer in zip(rows, answers):
            expected = row["rfc_reading"] if row["disputed"] else row["allowed"]
            cases[row["disputed"]].append((row["id"], expected, answer.get("allowed")))
        self.tally("robots, undisputed", cases[False], 500)
        self.tally("robots, disputed, as RFC 9309 reads", cases[True], 50)

    def test_robots_extras(self):
        rows = [row for row in self.read("robots/extras.jsonl") if "robots" in row]
        answers = ask("robots", [{"robots": row["robots"], "agent": row["agent"],
                                  "url": row.get("base", "http://example.com/")} for row in rows])
        for field, least in (("crawl_delay", 5), ("sitemaps", 3)):
            self.tally(field, [(row["source"], row[field], answer[field]) for row, answer in zip(rows, answers)
                               if field in row], least)

    def test_charsets(self):
        rows = self.read("encoding/html-sniff.jsonl")
        answers = ask("charset", [{"body_b64": row["html_b64"]} for row in rows])
        self.tally("charsets of pages", [(row["source"], row["encoding"].lower(), answer["charset"].lower())
                                         for row, answer in zip(rows, answers)], 40, 0.95)
        rows = [row for row in self.read("encoding/content-type.jsonl") if row["encoding"]]
        answers = ask("charset", [{"body": "", "content_type": row["content_type"]} for row in rows])
        self.tally("charsets of headers", [(row["content_type"], (row["encoding"].lower(), "header"),
                                            (answer["charset"].lower(), answer["source"]))
                                           for row, answer in zip(rows, answers)], 4)


if __name__ == "__main__":
    weft_process.main(__doc__)
