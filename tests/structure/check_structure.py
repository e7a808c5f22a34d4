"""Checks the rules of the tree that a compiler does not: docs/architecture.md tells what they are for.

    check_structure.py [ROOT]

Prints one line a broken rule, "FILE:LINE: what", and ends with 1 if there is any.
"""
import os
import re
import sys

from cpp_text import blank_out, functions

FOLDERS = ("common", "storage", "scheduler", "fetcher", "parser", "cli")
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60

# Who may include whom. Tests may include everything, nobody includes tests.
MAY_INCLUDE = {
    "common": {"common"},
    "storage": {"common", "storage"},
    "scheduler": {"common", "scheduler", "storage"},
    "fetcher": {"common", "fetcher"},
    "parser": {"common", "parser", "storage"},
    "cli": set(FOLDERS),
}
# Of storage, scheduler and parser see the interfaces only.
CONCRETE = re.compile(r"^storage/(rocks_|warc_store)")
SEES_INTERFACES_ONLY = {"scheduler", "parser"}

# A C library's header appears in files of one name, wherever they lie (their tests too).
FENCED = (
    (re.compile(r"^curl/"), re.compile(r"(^|/)(fetcher/(curl_[^/]*|transfer_end\.(cc|h))|storage/curl_store_http\.cc)$")),
    (re.compile(r"^expat\.h$"), re.compile(r"(^|/)parser/sitemap_xml\.cc$")),
    (re.compile(r"^gumbo\.h$"), re.compile(r"(^|/)parser/(gumbo_[^/]*|bounded_gumbo\.(cc|h))$")),
    (re.compile(r"^zmq\.hp{0,2}$|^zmq_"), re.compile(r"(^|/)common/zmq_[^/]*$")),
    (re.compile(r"^rocksdb/"), re.compile(r"(^|/)storage/rocks_[^/]*$")),
    (re.compile(r"^sqlite3\.h$"), re.compile(r"(^|/)storage/sqlite_[^/]*$")),
    (re.compile(r"^cld2/"), re.compile(r"(^|/)parser/text_language\.cc$")),
    (re.compile(r"^ares[._]"), re.compile(r"(^|/)fetcher/ares_[^/]*$")),
)

CLOCK_FILE = "common/system_clock.cc"
CPU_FILE = "tests/bench/cpu_time.h"  # what benchmarks spent: no time of the world, and for nothing else
CPU_READ = re.compile(r"\bclock_gettime\s*\(\s*CLOCK_(?:THREAD|PROCESS)_CPUTIME_ID\b")
CLOCK_READ = re.compile(
    r"\bstd::chrono::(?:system|steady|high_resolution|utc|file)_clock\b|\b(?:system|steady)_clock::now\b"
    r"|\babsl::(?:Now|GetCurrentTimeNanos)\s*\(|\b(?:clock_gettime|gettimeofday|timespec_get|ftime)\s*\("
    r"|(?<![\w.>:])(?:std::|::)?time\s*\(\s*(?:NULL|nullptr|0|&\s*\w+)\s*\)")
SLEEP = re.compile(
    r"\bsleep_(?:for|until)\s*\(|\babsl::SleepFor\s*\(|(?<![\w.>:])(?:::)?(?:sleep|usleep|nanosleep)\s*\(")
DETACHED = re.compile(r"\.\s*detach\s*\(\s*\)")
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

SOURCE_ENDINGS = (".cc", ".h")
TEXT_ENDINGS = SOURCE_ENDINGS + (".py", ".sh", ".proto", ".cmake", ".md", ".txt", ".toml", ".yml", ".yaml")
SKIPPED_FOLDERS = {".git", "build", ".cache", "__pycache__"}


class Tree:
    """The files under `root`, read once, by path relative to it."""

    def __init__(self, root):
        self.root = root
        self.text = {}
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")
                if self._is_text(path):
                    with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                        self.text[path] = file.read()

    @staticmethod
    def _is_text(path):
        top = path.split("/")[0]
        plain_script = top in ("scripts", ".ci") and "." not in path.rsplit("/", 1)[-1]
        return path.endswith(TEXT_ENDINGS) or plain_script

    def sources(self):
        return [path for path in self.text if path.endswith(SOURCE_ENDINGS)]


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def check_includes(tree):
    for path in tree.sources():
        top = path.split("/")[0]
        for number, line in enumerate(tree.text[path].splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            header = match.group(2)
            for library, files in FENCED:
                if library.search(header) and not files.search(path):
                    yield path, number, f"<{header}> may be included in {files.pattern} only"
            yield from check_project_include(path, top, number, header)


def check_project_include(path, top, number, header):
    target = header.split("/")[0]
    if "/" not in header or target not in FOLDERS + ("tests",) or top not in MAY_INCLUDE:
        return
    if target not in MAY_INCLUDE[top]:
        yield path, number, f"{top} may not include {target} ({header})"
    elif top in SEES_INTERFACES_ONLY and CONCRETE.match(header):
        yield path, number, f"{top} may include the interfaces of storage only, not {header}"


FOREACH = re.compile(r"foreach\s*\(\s*(\w+)\s+(?:IN\s+ITEMS\s+)?([^()]*)\)(.*?)endforeach\s*\(", re.DOTALL)


def names_in_list(text):
    """The words of a CMakeLists.txt, those of its loops with the loop's variable filled in."""
    text = re.sub(r"#.*", "", text)
    text = FOREACH.sub(lambda loop: " ".join(loop.group(3).replace("${%s}" % loop.group(1), item)
                                             for item in loop.group(2).split()), text)
    return set(text.replace("(", " ").replace(")", " ").split())


def check_every_source_is_built(tree):
    for path in tree.text:
        if not path.endswith(".cc"):
            continue
        folder = os.path.dirname(path)
        while True:
            lists = tree.text.get(f"{folder}/CMakeLists.txt" if folder else "CMakeLists.txt", "")
            if os.path.relpath(path, folder or ".").replace(os.sep, "/") in names_in_list(lists):
                break
            if not folder:
                yield path, 1, "in no CMakeLists.txt: it is never compiled"
                break
            folder = os.path.dirname(folder)


def check_banned_calls(tree):
    for path in tree.sources():
        code = blank_out(tree.text[path])
        if path != CLOCK_FILE:
            for match in CLOCK_READ.finditer(code):
                if path == CPU_FILE and CPU_READ.match(code, match.start()):
                    continue
                yield path, line_of(code, match.start()), f"reads a clock ({match.group(0)}): take a const Clock&"
        for match in SLEEP.finditer(code):
            yield path, line_of(code, match.start()), f"sleeps ({match.group(0).rstrip('(')}): wait for an event"
        for match in DETACHED.finditer(code):
            yield path, line_of(code, match.start()), "detaches a thread"


def check_lengths(tree):
    for path, text in tree.text.items():
        lines = text.count("\n")
        if lines > MAX_FILE_LINES and not path.endswith(".md"):
            yield path, MAX_FILE_LINES + 1, f"{lines} lines, at most {MAX_FILE_LINES}: split it by job"
    for path in tree.sources():
        for name, first, lines in functions(tree.text[path]):
            if lines > MAX_FUNCTION_LINES:
                yield path, first, f"{name} has {lines} lines, at most {MAX_FUNCTION_LINES}"


def check_nothing_unfinished(tree):
    for path, text in tree.text.items():
        for match in UNFINISHED.finditer(text):
            yield path, line_of(text, match.start()), f"{match.group(0)}: finish it, or leave it out"


def check_headers(tree):
    for path in tree.sources():
        if path.endswith(".h") and "#pragma once" not in tree.text[path]:
            yield path, 1, "has no #pragma once"


def check_options_are_documented(tree):
    """Every option of the table stands in the README or under docs/ as --name."""
    table = "cli/options_table.cc"
    if table not in tree.text:
        yield table, 1, "is missing"
        return
    documents = "".join(text for path, text in tree.text.items()
                        if path == "README.md" or (path.startswith("docs/") and path.endswith(".md")))
    found = list(re.finditer(r'\.name = "([a-z0-9-]+)"', tree.text[table]))
    if not found:
        yield table, 1, "no option was found in it: this check and the table disagree"
    for match in found:
        if not re.search(rf"--{match.group(1)}(?![a-z0-9-])", documents):
            yield table, line_of(tree.text[table], match.start()), \
                f"--{match.group(1)} is documented neither in README.md nor under docs/"


CHECKS = (check_includes, check_every_source_is_built, check_banned_calls, check_lengths, check_nothing_unfinished,
          check_headers, check_options_are_documented)


def check(root):
    tree = Tree(root)
    return [f"{path}:{line}: {what}" for rule in CHECKS for path, line, what in rule(tree)], len(tree.sources())


def main(arguments):
    root = arguments[0] if arguments else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    broken, sources = check(root)
    for line in broken:
        print(line)
    if sources == 0:
        print(f"{root} holds no source: nothing was checked")
        return 1
    print(f"{sources} sources, {len(broken)} broken rules")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
