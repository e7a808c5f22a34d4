"""Checks docs/conformance.md against the tests that it names, the standards whose clauses it names, and the sources that cite them.

    check_conformance.py [ROOT]

Every row of a table whose first column is "clause" names a clause of its standard, once, and at least one test; the test exists.
Every clause that a comment of the sources cites is such a row. The same holds for the table of docs/protocol.md whose first column is "rule": the
rules are numbered without a gap, each has tests that exist, and every rule that a source names is there. Prints one line a fault, "FILE:LINE: what", and ends with 1 if there is any.
Where the facts about RFC 9309 lie beside the third-party cases (WEFT_CONFORMANCE_DATA), its sections there are compared too.
"""
import os
import re
import sys

DOCUMENT = "docs/conformance.md"
PROTOCOL = "docs/protocol.md"


def numbers(*ranges):
    """"13.2.5.1-80" is eighty clauses. Each brings those it lies in."""
    found = set()
    for text in ranges:
        head, _, last = text.partition("-")
        stem, _, first = head.rpartition(".")
        for number in range(int(first), int(last or first) + 1):
            clause = f"{stem}.{number}" if stem else str(number)
            while clause:
                found.add(clause)
                clause = clause.rpartition(".")[0]
    return found


# The clauses of each standard, as far as a crawler can meet them.
KNOWN = {
    "URL": numbers("1.1-3", "2.1", "3.1-7", "4.1-7", "5.1-2", "6.1-2"),
    "HTML": numbers("2.4.1-4", "4.2.1-7", "4.2.5.1-3", "4.6.1-7", "4.8.4.3.1-15", "13.1.1-6", "13.2.1-6", "13.2.3.1-5", "13.2.4.1-5", "13.2.5.1-80",
                    "13.2.6.1-5", "13.2.6.4.1-23", "14.1-5"),
    "Encoding": numbers("4.1-3", "5", "6.1", "7.1-4", "8.1.1-2", "9.1-2", "10.1.1-2", "10.2.1-2", "11.1.1-2", "12.1.1-2", "12.2.1-2", "12.3.1-2", "13.1.1-2",
                        "14.1.1", "14.2.1", "14.3.1", "14.4.1", "14.5.1-2"),
    "MIME Sniffing": numbers("4.1-6", "5.1-3", "6.1-3", "7.1-3", "8.1-9"),
    "CSS Syntax": numbers("3.1-3", "4.1-3", "4.3.1-14", "5.1-5"),
    "CSS Cascade": numbers("2.1-3", "6.1-4"),
    "SVG": numbers("16.1.1-7"),
    "XML": numbers("2.1-12", "4.3.1-3"),
    "RFC 2822": numbers("3.3", "4.1-5"),
    "RFC 3986": numbers("2.1-5", "3.1-5", "4.1-5", "5.1-4", "6.1", "6.2.1-4", "6.2.2.1-3"),
    "RFC 4287": numbers("4.1.1-3", "4.2.1-14", "4.2.7.1-6"),
    "RFC 8288": numbers("2.1-2", "3.1-5", "3.4.1-2"),
    "RFC 8878": numbers("3.1.1-2"),
    "RFC 9110": numbers("5.1-6", "5.6.1-7", "8.1-8", "8.4.1.1-3", "10.1-2", "10.2.1-4", "15.1-6", "15.4.1-9"),
    "RFC 9112": numbers("2.1-3", "5.1-2", "6.1-3", "7.1-4", "8"),
    "RFC 9309": numbers("1", "2.1-5", "2.2.1-4", "2.3.1.1-5", "3", "4", "5.1-2"),
}
# What is no standard with numbers: any words tell the clause.
UNNUMBERED = {"Practice", "Sitemaps", "RSS", "HTML attributes index", "X-Robots-Tag"}

CITED = re.compile(r"(?P<name>RFC \d+|URL(?: [Ss]tandard)?|HTML(?: [Ss]tandard)?|Encoding(?: [Ss]tandard)?|MIME Sniffing(?: [Ss]tandard)?|CSS Syntax(?: 3)?|"
                   r"SVG 2|XML 1\.0)(?:,| \(| section)? ?\(?(?P<clause>\d+(?:\.\d+)+)\b")
BARE = re.compile(r"(?:^|\()(?P<clause>\d+(?:\.\d+)+)(?=[,:;) ]|\.?$)")
HTML_13 = re.compile(r"\b13\.2(?:\.\d+)+\b")
# Whose clauses stand bare in a file's comments: the first that fits.
OF_FILE = ((re.compile(r"^common/(url|percent_encoding|idna)"), "URL"), (re.compile(r"^parser/css_"), "CSS Syntax"),
           (re.compile(r"^parser/html_sniff"), "MIME Sniffing"), (re.compile(r"^parser/(charset_conversion|encoding_labels)"), "Encoding"),
           (re.compile(r"^fetcher/robots_"), "RFC 9309"), (re.compile(r"^common/transfer_coding|^common/http_message"), "RFC 9112"),
           (re.compile(r"^parser/(?!sitemap|loose_xml|visible_text)"), "HTML"))
SOURCES = re.compile(r"^(common|parser)/[^/]+\.(cc|h)$|^fetcher/robots_[^/]+\.(cc|h)$")
FACTS = "robots-rfc9309.md"
RULE_FOLDERS = ("common", "scheduler", "fetcher", "parser", "storage", "cli")
RULES_NAMED = re.compile(r"\b[Rr]ules? \d+(?:(?:, | and | to )\d+)*")


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


class Row:
    """One clause, or a run of them, of one table's row."""

    def __init__(self, line, cell, tests):
        self.line = line
        self.cell = cell
        self.tests = tests
        self.standard = next((name for name in sorted([*KNOWN, *UNNUMBERED], key=len, reverse=True) if (cell + " ").startswith(name + " ")), None)
        match = re.match(r"(\d+(?:\.\d+)*)(?:-(\d+))?(?: .+)?$", cell[len(self.standard or ""):].strip())
        self.clauses = []
        if match:
            stem, _, first = match.group(1).rpartition(".")
            last = int(match.group(2) or first)
            self.clauses = [f"{stem}.{number}" if stem else str(number) for number in range(int(first), last + 1)]


def table_rows(text, head):
    """(line, cells) of the tables whose first column is so called."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[0] == head:
            inside = True
        elif inside and not set(cells[0]) <= set("-: "):
            yield number, cells


def tests_of(cells):
    return re.findall(r"`([^`]+)`", cells[-1]) if len(cells) > 2 else []


def rows(text):
    for number, cells in table_rows(text, "clause"):
        yield Row(number, cells[0], tests_of(cells))


def test_exists(root, named):
    path, _, test = named.partition(":")
    suite, _, name = test.partition(".")
    if not os.path.isfile(os.path.join(root, "tests", path)) or not name:
        return False
    text = read(root, f"tests/{path}")
    if path.endswith(".py"):
        inside = re.search(rf"^class {re.escape(suite)}\b.*?(?=^class |\Z)", text, re.DOTALL | re.MULTILINE)
        return bool(inside and re.search(rf"^\s+def {re.escape(name)}\(", inside.group(0), re.MULTILINE))
    return bool(re.search(rf"^(?:TEST|TEST_F|TEST_P)\({re.escape(suite)}, {re.escape(name)}\)", text, re.MULTILINE))


def check_rows(root, table):
    seen = {}
    for row in table:
        if row.cell in seen:
            yield DOCUMENT, row.line, f"{row.cell} stands in line {seen[row.cell]} already"
        seen[row.cell] = row.line
        if row.standard is None:
            yield DOCUMENT, row.line, f"{row.cell} is of no standard that this check knows"
        elif row.standard in KNOWN:
            if not row.clauses:
                yield DOCUMENT, row.line, f"{row.cell} has no clause's number"
            for clause in row.clauses:
                if clause not in KNOWN[row.standard]:
                    yield DOCUMENT, row.line, f"{row.standard} has no clause {clause}"
        if not row.tests:
            yield DOCUMENT, row.line, f"{row.cell} has no test"
        for named in row.tests:
            if not test_exists(root, named):
                yield DOCUMENT, row.line, f"there is no test {named}"


def citations(path, text):
    """(line, standard, clause) of the comments."""
    bare = next((standard for pattern, standard in OF_FILE if pattern.search(path)), None)
    for number, line in enumerate(text.splitlines(), 1):
        comment = re.search(r"(?:^|\s)//\s*(.*)$", line)
        if not comment:
            continue
        rest = comment.group(1)
        for match in CITED.finditer(rest):
            name = re.sub(r" [Ss]tandard$| 3$| 2$| 1\.0$", "", match.group("name"))
            yield number, name, match.group("clause")
        rest = CITED.sub(lambda match: "#" * len(match.group(0)), rest)
        found = {match.group("clause") for match in BARE.finditer(rest)} if bare else set()
        for clause in found - set(HTML_13.findall(rest)):
            yield number, bare, clause
        for clause in HTML_13.findall(rest):
            yield number, "HTML", clause


def check_citations(root, table):
    listed = {}
    for row in table:
        listed.setdefault(row.standard, set()).update(row.clauses)
    cited = 0
    for folder in ("common", "parser", "fetcher"):
        for name in sorted(os.listdir(os.path.join(root, folder))) if os.path.isdir(os.path.join(root, folder)) else []:
            path = f"{folder}/{name}"
            if not SOURCES.match(path):
                continue
            for line, standard, clause in citations(path, read(root, path)):
                cited += 1
                # A section that is listed by its parts is listed.
                if not any(known == clause or known.startswith(clause + ".") for known in listed.get(standard, ())):
                    yield path, line, f"{standard} {clause} is not listed in {DOCUMENT}"
    if cited == 0:
        yield DOCUMENT, 1, "no source cites any clause: this check and the sources disagree"


def check_facts():
    folder = os.environ.get("WEFT_CONFORMANCE_DATA")
    path = os.path.join(folder, "..", "facts", FACTS) if folder else ""
    if not path or not os.path.isfile(path):
        return
    for clause in re.findall(r"^## .*\((\d+(?:\.\d+)*)\)$", read(os.path.dirname(path), FACTS), re.MULTILINE):
        if clause not in KNOWN["RFC 9309"]:
            yield DOCUMENT, 1, f"the facts know a clause {clause} of RFC 9309, this check does not"


def rules_named(root):
    """(file, line, number) of the protocol's rules that comments of the sources name."""
    for folder in RULE_FOLDERS:
        for name in sorted(os.listdir(os.path.join(root, folder))) if os.path.isdir(os.path.join(root, folder)) else []:
            if not name.endswith((".cc", ".h", ".proto")):
                continue
            for line, text in enumerate(read(root, f"{folder}/{name}").splitlines(), 1):
                comment = text.partition("//")[2]
                for match in RULES_NAMED.finditer(comment):
                    for number in re.findall(r"\d+", match.group(0)):
                        yield f"{folder}/{name}", line, int(number)


def check_rules(root):
    if not os.path.isfile(os.path.join(root, PROTOCOL)):
        return
    known = set()
    for line, cells in table_rows(read(root, PROTOCOL), "rule"):
        if cells[0] != str(len(known) + 1):
            yield PROTOCOL, line, f"rule {len(known) + 1} would be next, not {cells[0]}"
        known.add(len(known) + 1)
        if not tests_of(cells):
            yield PROTOCOL, line, f"rule {cells[0]} has no test"
        for named in tests_of(cells):
            if not test_exists(root, named):
                yield PROTOCOL, line, f"there is no test {named}"
    for path, line, number in rules_named(root):
        if number not in known:
            yield path, line, f"rule {number} is not listed in {PROTOCOL}"


def check(root):
    table = list(rows(read(root, DOCUMENT)))
    faults = [*check_rows(root, table), *check_citations(root, table), *check_facts(), *check_rules(root)]
    return [f"{path}:{line}: {what}" for path, line, what in faults], len(table)


def main(arguments):
    root = arguments[0] if arguments else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    faults, count = check(root)
    for line in faults:
        print(line)
    print(f"{count} clauses, {len(faults)} faults")
    return 1 if faults or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
