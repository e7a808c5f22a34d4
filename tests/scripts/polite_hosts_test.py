"""scripts/polite-hosts in its short form: what it builds, what it hands on, and that the checker's answer is its own.

    polite_hosts_test.py POLITE_HOSTS_TEST      (the test that the script builds and runs)
"""
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "polite-hosts")
BUILT = "build/simulate/tests/simulation/polite_hosts_test"
binary = ""


class PoliteHosts(unittest.TestCase):
    """In a tree of its own, where ninja finds everything built."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="weft-polite-hosts-")
        self.addCleanup(shutil.rmtree, self.root)
        self.write("build/simulate/build.ninja", "")
        os.makedirs(os.path.dirname(os.path.join(self.root, BUILT)))
        os.symlink(binary, os.path.join(self.root, BUILT))
        self.write("bin/ninja", '#!/bin/sh\necho "$*" >> "$LOG"\n[ ! -e broken ] || { echo "it does not compile"; exit 1; }\n', True)
        self.write("bin/cmake", '#!/bin/sh\necho "cmake $*" >> "$LOG"\n', True)
        os.makedirs(os.path.join(self.root, "scripts"))
        shutil.copy(SCRIPT, os.path.join(self.root, "scripts"))

    def write(self, path, text, executable=False):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        if executable:
            os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    def run_script(self, *words):
        log = os.path.join(self.root, "log")
        environment = {**os.environ, "PATH": os.path.join(self.root, "bin") + ":" + os.environ["PATH"], "LOG": log}
        told = subprocess.run([os.path.join(self.root, "scripts", "polite-hosts"), *words], cwd="/", env=environment,
                              capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        with open(log, encoding="utf-8") as file:
            return told, file.read().splitlines()

    def test_its_short_form_runs_the_check_with_the_numbers_it_was_given(self):
        told, built = self.run_script("1500", "90", "5")
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        self.assertEqual(built, ["-C build/simulate polite_hosts_test"])
        self.assertRegex(told.stdout, r"\n150\d hosts, \d+ addresses, \d+ limits, \d+ fetchers, 90 s: \d+ requests")
        self.assertIn("[  PASSED  ] 1 test.", told.stdout)

    def test_without_a_build_one_is_configured(self):
        os.remove(os.path.join(self.root, "build/simulate/build.ninja"))
        self.write("broken", "")
        _, built = self.run_script()
        self.assertEqual(built[0], "cmake --preset release -B build/simulate -DWEFT_BUILD_TESTS=ON")

    def test_a_build_that_fails_ends_it_and_says_why(self):
        self.write("broken", "")
        told, _ = self.run_script("10", "1")
        self.assertEqual((told.returncode, told.stdout), (1, ""))
        self.assertIn("it does not compile", told.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    binary = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
