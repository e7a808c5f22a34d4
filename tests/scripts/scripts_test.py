"""The scripts that install, build, run and test: each in a tree of its own with stand-ins for apt, cmake and sudo."""
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts")
sys.path.insert(0, SCRIPTS)

import test_totals  # noqa: E402

# What ctest 3.25 writes for each way in which a test can end.
REPORT = """<testsuite>
<testcase name="ok" status="run"/>
<testcase name="bad" status="fail"><failure message=""/></testcase>
<testcase name="missing" status="notrun"><skipped message="Unable to find executable"/></testcase>
<testcase name="code" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>
<testcase name="text" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/></testcase>
<testcase name="off" status="disabled"/>
<testcase name="needs" status="notrun"><skipped message="Fixture dependency failed"/></testcase>
</testsuite>"""


class Scratch(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="weft-scripts-")
        self.addCleanup(shutil.rmtree, self.root)

    def write(self, path, text, executable=False):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        if executable:
            os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        return path

    def run_script(self, *words, **more):
        return subprocess.run(words, cwd=self.root, capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, **more)


class Totals(Scratch):
    def totals(self, *arguments):
        told = self.run_script(sys.executable, "-B", os.path.join(SCRIPTS, "test_totals.py"), *arguments)
        return told.returncode, told.stdout.splitlines()[-1]

    def test_each_ending_counts_as_what_it_is(self):
        self.assertEqual(test_totals.count(self.write("r.xml", REPORT)),
                         ({"passed": 1, "failed": 3, "skipped": 3}, ["bad", "missing", "needs"]))

    def test_the_last_line_sums_all_suites(self):
        report = self.write("r.xml", REPORT)
        self.assertEqual(self.totals(f"dev={report}", f"tsan={report}"), (1, "2 passed, 6 failed, 6 skipped"))

    def test_all_passed_is_success(self):
        report = self.write("r.xml", '<testsuite><testcase name="a" status="run"/></testsuite>')
        self.assertEqual(self.totals(f"dev={report}"), (0, "1 passed, 0 failed, 0 skipped"))

    def test_no_test_at_all_is_a_failure(self):
        self.assertEqual(self.totals("dev=" + self.write("r.xml", "<testsuite/>")),
                         (1, "0 passed, 0 failed, 0 skipped"))

    def test_a_missing_or_broken_report_is_a_failure(self):
        self.assertEqual(self.totals("dev=nowhere.xml"), (1, "0 passed, 1 failed, 0 skipped"))
        self.assertEqual(self.totals("dev=" + self.write("r.xml", "<testsuite>")), (1, "0 passed, 1 failed, 0 skipped"))


class Setup(Scratch):
    def setUp(self):
        super().setUp()
        self.list = self.write("list.txt", "# comment\nhere   # why\naway\n\nfar-away\n")
        self.write("bin/dpkg-query", "#!/bin/sh\necho 'installed here'\necho 'config-files away'\nexit 1\n", True)
        self.write("bin/id", "#!/bin/sh\necho ${FAKE_UID:-0}\n", True)
        self.write("bin/apt-get", '#!/bin/sh\necho "$DEBIAN_FRONTEND $*" >> "$LOG"\nexit ${APT_ANSWER:-0}\n', True)
        for tool in ("bash", "sed", "sort", "comm", "dirname", "env", "sh", "cat"):
            os.symlink(shutil.which(tool), os.path.join(self.root, "bin", tool))
        self.log = os.path.join(self.root, "log")

    def setup_script(self, **environment):
        return self.run_script(os.path.join(SCRIPTS, "setup"), self.list,
                               env={"PATH": os.path.join(self.root, "bin"), "LOG": self.log, **environment})

    def test_missing_packages_are_named_and_installed(self):
        told = self.setup_script()
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn("these packages are missing: away far-away", told.stderr)
        self.assertEqual(told.stdout, "")
        with open(self.log, encoding="utf-8") as log:
            update, install = log.read().splitlines()
        self.assertIn("update", update)
        self.assertRegex(install, r"^noninteractive .* install -y --no-install-recommends away far-away$")

    def test_without_root_and_sudo_the_exact_line_is_printed(self):
        told = self.setup_script(FAKE_UID="1000")
        self.assertEqual(told.returncode, 1)
        self.assertIn("\n  apt-get update && apt-get install -y --no-install-recommends away far-away\n", told.stderr)
        self.assertFalse(os.path.exists(self.log))

    def test_sudo_is_used_where_there_is_one(self):
        self.write("bin/sudo", '#!/bin/sh\necho "sudo $*" >> "$LOG"\nexec "$@"\n', True)
        told = self.setup_script(FAKE_UID="1000")
        self.assertEqual(told.returncode, 0, told.stderr)
        with open(self.log, encoding="utf-8") as log:
            self.assertIn("sudo env DEBIAN_FRONTEND=noninteractive apt-get", log.read())

    def test_a_failing_installation_ends_with_1_and_the_line(self):
        told = self.setup_script(APT_ANSWER="100")
        self.assertEqual(told.returncode, 1)
        self.assertIn("\n  apt-get update && apt-get install", told.stderr)

    def test_nothing_missing_asks_for_nothing(self):
        self.write("list.txt", "here\n")
        told = self.setup_script(FAKE_UID="1000")
        self.assertEqual((told.returncode, told.stdout, told.stderr), (0, "", ""))


class Run(Scratch):
    def setUp(self):
        super().setUp()
        self.write("CMakeLists.txt", "")
        self.write("CMakePresets.json", "")
        for folder in ("cmake", "common", "storage", "scheduler", "fetcher", "parser", "cli"):
            self.write(f"{folder}/a.cc", "")
        self.write("scripts/packages.txt", "")
        self.write("scripts/setup", "#!/bin/sh\n", True)
        self.write("scripts/build", '#!/bin/bash\ncd "$(dirname "$0")/.." && echo "$*" >> builds\n[ ! -e broken ] || exit 1\n'
                                    "printf '#!/bin/bash\\necho \"ran $*\"\\nexit 7\\n' > build/release/weft\n"
                                    "chmod +x build/release/weft\n", True)
        shutil.copy(os.path.join(SCRIPTS, "weft"), os.path.join(self.root, "scripts", "weft"))
        # Sources are older than any stamp made from now on.
        for folder, _, names in os.walk(self.root):
            for path in [folder] + [os.path.join(folder, name) for name in names]:
                os.utime(path, (1e9, 1e9))

    def weft(self, *words):
        return self.run_script("scripts/weft", *words)

    def builds(self):
        path = os.path.join(self.root, "builds")
        if not os.path.exists(path):
            return 0
        with open(path, encoding="utf-8") as file:
            return len(file.readlines())

    def test_the_first_call_builds_and_hands_on_arguments_and_exit_code(self):
        told = self.weft("crawl", "a b")
        self.assertEqual((told.stdout, told.returncode), ("ran crawl a b\n", 7))
        self.assertIn("building", told.stderr)
        self.assertEqual(self.builds(), 1)

    def test_a_second_call_does_not_build(self):
        self.weft()
        told = self.weft()
        self.assertEqual((self.builds(), told.stderr), (1, ""))

    def test_a_newer_source_builds_again_once(self):
        self.weft()
        os.utime(os.path.join(self.root, "parser", "a.cc"), (4e9, 4e9))
        self.weft()
        self.assertEqual(self.builds(), 2)

    def test_a_deleted_source_builds_again(self):
        self.weft()
        os.utime(os.path.join(self.root, "build/release/.weft-built"), (1e9 + 1, 1e9 + 1))
        os.remove(os.path.join(self.root, "parser", "a.cc"))
        self.weft()
        self.assertEqual(self.builds(), 2)

    def test_a_failed_build_ends_with_1_and_is_tried_again(self):
        self.weft()
        broken = self.write("broken", "")
        os.utime(os.path.join(self.root, "build/release/.weft-built"), (1e8, 1e8))
        told = self.weft()
        self.assertEqual((told.returncode, told.stdout), (1, ""))
        os.remove(broken)
        self.assertEqual(self.weft().stdout, "ran \n")
        self.assertEqual(self.builds(), 3)


if __name__ == "__main__":
    unittest.main()
