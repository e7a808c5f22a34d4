"""Feeds the check of docs/conformance.md trees with one fault each, and one with none."""
import os
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import check_conformance  # noqa: E402

HEAD = "# Conformance\n\n| clause | what Weft does | test |\n|---|---|---|\n"
URL_ROW = "| URL 4.4 scheme state | letters | `common/url_test.cc:UrlState.Scheme` |\n"
HTML_ROW = "| HTML 13.2.5.43-52 comments | `c\\|x` | `parser/states_test.cc:Comments.End`, `integration/x_test.py:Same.test_it` |\n"
GOOD = {
    "docs/protocol.md": "## Rules\n| rule | what holds | test |\n|---|---|---|\n| 1 | first wins | `parser/states_test.cc:Comments.End` |\n",
    "storage/db.h": "#pragma once\n// First wins (rule 1).\n",
    "docs/conformance.md": HEAD + URL_ROW + HTML_ROW + "\n| question | cases |\n|---|---|\n| of no clause | 1 |\n",
    "common/url.cc": "// 4.4, the states.\nint x;  // as HTML 13.2.5.51 has it\n",
    "parser/html_tokenizer.cc": "// 13.2.5.43 ... 51: comments. Version 2.5 of 1.5 MiB (13.2.5.52)\n",
    "tests/common/url_test.cc": "TEST(UrlState, Scheme) {}\n",
    "tests/parser/states_test.cc": "TEST_P(Comments, End) {}\n",
    "tests/integration/x_test.py": "class Other:\n    def test_that(self):\n        pass\n\n\nclass Same(Base):\n    def test_it(self):\n        pass\n",
}


def faults_of(changes):
    with tempfile.TemporaryDirectory() as root, mock.patch.dict(os.environ):
        os.environ.pop("WEFT_CONFORMANCE_DATA", None)
        for path, text in {**GOOD, **changes}.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return check_conformance.check(root)[0]


class Faults(unittest.TestCase):
    def finds(self, changes, what):
        faults = faults_of(changes)
        self.assertEqual(len(faults), 1, faults)
        self.assertIn(what, faults[0])

    def document(self, row):
        return {"docs/conformance.md": HEAD + URL_ROW + HTML_ROW + row}

    def test_a_good_tree_has_none(self):
        self.assertEqual(faults_of({}), [])

    def test_a_missing_test_file(self):
        self.finds(self.document("| URL 4.5 a | b | `common/gone_test.cc:A.B` |\n"), "conformance.md:7: there is no test common/gone_test.cc:A.B")

    def test_a_missing_test(self):
        self.finds({"tests/common/url_test.cc": "// TEST(UrlState, Scheme)\nTEST(UrlState, SchemeStart) {}\n"}, "there is no test common/url_test.cc:UrlState.Scheme")
        self.finds({"tests/common/url_test.cc": "TEST(Url, Scheme) {}\n"}, "there is no test")

    def test_a_missing_python_test(self):
        self.finds(self.document("| URL 4.5 a | b | `integration/x_test.py:Same.test_that` |\n"), "no test integration/x_test.py:Same.test_that")
        self.finds(self.document("| URL 4.5 a | b | `integration/x_test.py` |\n"), "no test integration/x_test.py")

    def test_a_clause_without_a_test(self):
        self.finds(self.document("| URL 4.5 a | b | |\n"), "URL 4.5 a has no test")
        self.finds(self.document("| URL 4.5 a | `common/url_test.cc:UrlState.Scheme` | none yet |\n"), "has no test")

    def test_a_clause_that_its_standard_lacks(self):
        self.finds(self.document("| URL 4.8 a | b | `common/url_test.cc:UrlState.Scheme` |\n"), "URL has no clause 4.8")
        self.finds(self.document("| HTML 13.2.5.80-81 a | b | `common/url_test.cc:UrlState.Scheme` |\n"), "HTML has no clause 13.2.5.81")

    def test_a_clause_without_a_number_or_of_no_standard(self):
        self.finds(self.document("| URL four | b | `common/url_test.cc:UrlState.Scheme` |\n"), "URL four has no clause's number")
        self.finds(self.document("| Gopher 1 | b | `common/url_test.cc:UrlState.Scheme` |\n"), "of no standard")

    def test_a_clause_that_is_listed_twice(self):
        self.finds(self.document(URL_ROW), "stands in line 5 already")

    def test_a_cited_clause_that_is_not_listed(self):
        self.finds({"common/url.cc": "// 4.5: serialising\n"}, "common/url.cc:1: URL 4.5 is not listed")
        self.finds({"common/url.h": "#pragma once\n// The host parser (URL Standard 3.5).\n"}, "common/url.h:2: URL 3.5 is not listed")
        self.finds({"parser/srcset.h": "// As 13.2.5.53 says.\n"}, "HTML 13.2.5.53 is not listed")
        self.finds({"parser/srcset.h": "// Text (RFC 9112 section 5.2).\n"}, "RFC 9112 5.2 is not listed")
        self.finds({"fetcher/robots_rules.h": "// compared ignoring case (2.2.1)\n"}, "RFC 9309 2.2.1 is not listed")

    def rules(self, row):
        return {"docs/protocol.md": GOOD["docs/protocol.md"] + row}

    def test_a_rule_without_a_test(self):
        self.finds(self.rules("| 2 | generations | none |\n"), "protocol.md:5: rule 2 has no test")
        self.finds(self.rules("| 2 | generations | `common/url_test.cc:A.B` |\n"), "there is no test common/url_test.cc:A.B")

    def test_a_rule_that_is_left_out(self):
        self.finds(self.rules("| 3 | chunks | `common/url_test.cc:UrlState.Scheme` |\n"), "rule 2 would be next, not 3")
        self.finds({"scheduler/desk.cc": "// A crash forgets both (rules 1, 19).\n"}, "scheduler/desk.cc:1: rule 19 is not listed")
        self.finds({"common/wire.proto": "uint64 limit = 3;  // cumulative (Rule 25)\n"}, "wire.proto:1: rule 25 is not listed")

    def test_sources_that_cite_nothing(self):
        self.finds({"common/url.cc": "int x;\n", "parser/html_tokenizer.cc": "\n"}, "no source cites any clause")


if __name__ == "__main__":
    unittest.main()
