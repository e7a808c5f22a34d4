"""Feeds the checks trees that break one rule each, and one that breaks none."""
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import check_structure  # noqa: E402
from cpp_text import blank_out, functions  # noqa: E402

GOOD = {
    "CMakeLists.txt": "add_subdirectory(common)\n",
    "README.md": "`--delay` waits.\n",
    "common/CMakeLists.txt": "weft_library(weft_common SOURCES url.cc system_clock.cc zmq_bus.cc)\n",
    "common/url.h": "#pragma once\n",
    "common/url.cc": '#include "common/url.h"\n#include <string>\nint F() { return 1; }\n',
    "common/system_clock.cc": "int Now() { return clock_gettime(CLOCK_BOOTTIME, 0); }\n",
    "common/zmq_bus.cc": "#include <zmq.h>\n",
    "storage/CMakeLists.txt": "weft_library(weft_storage SOURCES rocks_kv.cc)\n",
    "storage/rocks_kv.cc": '#include <rocksdb/db.h>\n#include "common/url.h"\n',
    "scheduler/CMakeLists.txt": "weft_library(weft_scheduler SOURCES scope.cc)\n",
    "scheduler/scope.cc": '#include "storage/crawl_db.h"\n',
    "cli/CMakeLists.txt": "add_executable(weft options_table.cc)\n",
    "cli/options_table.cc": '#include "scheduler/scope.h"\n#include "storage/rocks_kv.h"\n{.name = "delay"},\n',
    "tests/common/CMakeLists.txt": "weft_test(t SOURCES url_test.cc)\n",
    "tests/common/url_test.cc": '#include "common/url.h"\n',
}


def broken_by(changes):
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**GOOD, **changes}.items():
            if text is None:
                continue
            os.makedirs(os.path.dirname(os.path.join(root, path)) or root, exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return check_structure.check(root)[0]


class Rules(unittest.TestCase):
    def breaks(self, changes, what):
        broken = broken_by(changes)
        self.assertEqual(len(broken), 1, broken)
        self.assertIn(what, broken[0])

    def test_a_good_tree_breaks_none(self):
        self.assertEqual(broken_by({}), [])

    def test_common_includes_nobody(self):
        self.breaks({"common/url.cc": '#include "storage/kv.h"\n'}, "common/url.cc:1: common may not include storage")

    def test_scheduler_and_fetcher_do_not_know_each_other(self):
        self.breaks({"scheduler/scope.cc": '\n#include "fetcher/transport.h"\n'},
                    "scheduler/scope.cc:2: scheduler may not include fetcher")

    def test_nodes_do_not_include_cli(self):
        self.breaks({"scheduler/scope.cc": '#include "cli/options.h"\n'}, "may not include cli")

    def test_nobody_includes_tests(self):
        self.breaks({"scheduler/scope.cc": '#include "tests/support/fake_clock.h"\n'}, "may not include tests")

    def test_scheduler_sees_interfaces_of_storage_only(self):
        self.breaks({"scheduler/scope.cc": '#include "storage/rocks_kv.h"\n'}, "interfaces of storage only")

    def test_each_fenced_library(self):
        for header in ("curl/curl.h", "gumbo.h", "zmq.h", "zmq.hpp", "rocksdb/db.h", "ares.h"):
            with self.subTest(header):
                self.breaks({"common/url.cc": f"#include <{header}>\n"}, f"<{header}> may be included in")

    def test_fenced_libraries_in_tests_too(self):
        self.breaks({"tests/common/url_test.cc": "#include <zmq.h>\n"}, "<zmq.h> may be included in")

    def test_a_source_in_no_list(self):
        self.breaks({"common/lost.cc": "\n"}, "common/lost.cc:1: in no CMakeLists.txt")

    def test_a_source_in_a_comment_of_a_list(self):
        self.breaks({"common/lost.cc": "\n", "CMakeLists.txt": "# common/lost.cc\n"}, "in no CMakeLists.txt")

    def test_a_source_of_which_a_longer_name_is_listed(self):
        self.breaks({"common/rl.cc": "\n", "CMakeLists.txt": "common/url.cc\n"}, "common/rl.cc:1: in no CMakeLists.txt")

    def test_a_source_listed_further_up(self):
        self.assertEqual(broken_by({"common/new.cc": "\n", "CMakeLists.txt": "add(x common/new.cc)\n"}), [])

    def test_sources_listed_by_a_loop(self):
        loop = "foreach(name new other)\n  add(x common/${name}.cc)\nendforeach()\n"
        self.assertEqual(broken_by({"common/new.cc": "\n", "CMakeLists.txt": loop}), [])
        self.breaks({"common/lost.cc": "\n", "CMakeLists.txt": loop}, "common/lost.cc:1: in no CMakeLists.txt")

    def test_clock_reads(self):
        for read in ("std::chrono::steady_clock::now()", "absl::Now()", "time(nullptr)", "::time(NULL)", "std::time(0)",
                     "clock_gettime(CLOCK_MONOTONIC, &t)", "gettimeofday(&t, nullptr)"):
            with self.subTest(read):
                broken = broken_by({"common/url.cc": f"int F() {{\n  return {read};\n}}\n"})
                self.assertTrue(broken and all(":2: reads a clock" in line for line in broken), broken)

    def test_what_only_looks_like_a_clock_read(self):
        self.assertEqual(broken_by({"common/url.cc": '// absl::Now()\nauto s = "time(nullptr)"; int a = x.time(0);\n'}), [])

    def test_the_processors_time_is_read_in_one_file(self):
        for which in ("THREAD", "PROCESS"):
            read = f"void F() {{ clock_gettime(CLOCK_{which}_CPUTIME_ID, &t); }}\n"
            self.assertEqual(broken_by({"tests/bench/cpu_time.h": "#pragma once\n" + read}), [])
            self.breaks({"common/url.cc": read}, "common/url.cc:1: reads a clock")
        self.breaks({"tests/bench/cpu_time.h": "#pragma once\nvoid F() { clock_gettime(CLOCK_MONOTONIC, &t); }\n"}, "reads a clock")

    def test_sleeps_and_detached_threads(self):
        self.breaks({"common/url.cc": "void F() { std::this_thread::sleep_for(x); }\n"}, "sleeps")
        self.breaks({"tests/common/url_test.cc": "void F() { usleep(1); }\n"}, "sleeps")
        self.breaks({"common/url.cc": "void F() { t.detach(); }\n"}, "detaches a thread")

    def test_a_file_too_long(self):
        self.breaks({"common/url.cc": "\n" * 501}, "501 lines, at most 500")
        self.assertEqual(broken_by({"common/url.cc": "\n" * 500}), [])

    def test_a_function_too_long(self):
        self.breaks({"common/url.cc": "int F(int a) {\n" + "  ++a;\n" * 59 + "}\n"}, "common/url.cc:1: F has 61 lines")
        self.assertEqual(broken_by({"common/url.cc": "int F(int a) {\n" + "  ++a;\n" * 58 + "}\n"}), [])

    def test_unfinished_work(self):
        self.breaks({"common/url.cc": "// TO" "DO: later\n"}, "finish it")
        self.breaks({"README.md": "--delay\n\nFIX" "ME\n"}, "README.md:3")

    def test_a_header_without_guard(self):
        self.breaks({"common/url.h": "int F();\n"}, "no #pragma once")

    def test_an_option_without_documentation(self):
        self.breaks({"README.md": "--delay-more\n"}, "--delay is documented neither")
        self.breaks({"cli/options_table.cc": "\n"}, "no option was found")
        self.assertEqual(broken_by({"README.md": "\n", "docs/guide.md": "| `--delay` |\n"}), [])

    def test_a_root_without_sources_is_a_failure(self):
        with tempfile.TemporaryDirectory() as root:
            self.assertEqual(check_structure.main([root]), 1)


class FunctionFinder(unittest.TestCase):
    def found(self, text):
        return [(name, lines) for name, _, lines in functions(text)]

    def test_functions_methods_and_tests(self):
        self.assertEqual(self.found("namespace weft {\nint F(int a) {\n  if (a) {\n  }\n}\n}\n"), [("F", 4)])
        self.assertEqual(self.found("class A {\n int G() const { return 1; }\n};\nint A::H() const noexcept {\n}\n"),
                         [("G", 1), ("A::H", 2)])
        self.assertEqual(self.found("TEST(Url, Parses) {\n}\n"), [("TEST(Url, Parses)", 2)])
        self.assertEqual(self.found("auto F(int) -> std::vector<int> {\n}\n"), [("F", 2)])

    def test_constructors_with_member_initialisers(self):
        self.assertEqual(self.found("A::A(int x) : a_(x), b_{x}, c_{} {\n\n}\nint F() {\n}\n"),
                         [("A::A", 3), ("F", 2)])

    def test_what_is_no_function(self):
        self.assertEqual(self.found("struct S { int a = 0; };\nconst std::array<int, 2> k = {{1, 2}};\nenum E { kA };\n"
                                    "const auto k2 = F({1,\n 2});\n"), [])

    def test_braces_in_strings_and_comments(self):
        self.assertEqual(self.found('int F() {\n  return g("{{{", \'{\', R"x({)x"); // {\n}\nint G() {\n}\n'),
                         [("F", 3), ("G", 2)])

    def test_digit_separators_are_not_characters(self):
        self.assertEqual(self.found("int F() {\n  return 1'000'000;\n}\n"), [("F", 3)])

    def test_macros_of_several_lines_are_left_out(self):
        self.assertEqual(self.found("#define X(a) \\\n  do { \\\n  } while (0)\nint F() {\n}\n"), [("F", 2)])

    def test_blanking_keeps_lines(self):
        self.assertEqual(blank_out("a /* x\ny */ b // c\n").count("\n"), 2)


if __name__ == "__main__":
    unittest.main()
