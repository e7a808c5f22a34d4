"""scripts/simulate: its totals, its exit codes, and that a process which dies costs its own seed alone.

    simulate_test.py WEFT_SIMULATE      (the program that the script runs)
"""
import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "simulate")
binary = ""


def simulate(*words):
    return subprocess.run([SCRIPT, *words], env={**os.environ, "WEFT_SIMULATE": binary}, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)


class Simulate(unittest.TestCase):
    def test_seeds_that_hold_end_with_0_and_a_line_that_counts_their_faults(self):
        told = simulate("--seeds", "6", "--first", "101", "--jobs", "2")
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        last = told.stdout.splitlines()[-1]
        self.assertRegex(last, r"^6 seeds from 101 in [\d.ms]+: 0 failed; crash \d+, power cut \d+, .* revocation \d+, drain \d+, ")

    def test_its_json_is_the_same_with_any_number_of_processes(self):
        one, three = (json.loads(simulate("--seeds", "3", "--first", "7", "--jobs", jobs, "--json").stdout) for jobs in ("1", "3"))
        self.assertGreater(one.pop("seconds"), 0)
        three.pop("seconds")
        self.assertEqual(one, three)
        self.assertEqual((one["seeds"], one["failed"], one["first_failed"]), (3, 0, []))
        self.assertGreater(sum(one["faults"].values()), 0)
        self.assertGreater(one["requests"], 300)

    def test_a_fault_of_the_product_ends_with_1_and_the_command_that_shows_it(self):
        told = simulate("--seeds", "2", "--first", "19", "--planted", "time-follows-wall-clock")
        self.assertEqual(told.returncode, 1, told.stderr)
        seed = re.search(r"scripts/simulate --seed (\d+) --trace", told.stdout)
        self.assertIsNotNone(seed, told.stdout)
        shown = simulate("--seed", seed.group(1), "--planted", "time-follows-wall-clock")
        self.assertEqual(shown.returncode, 1)
        self.assertIn("FAILED", shown.stdout)
        self.assertIn("clock jump of", shown.stdout)

    def test_a_process_that_dies_is_a_failed_seed_and_the_others_go_on(self):
        with subprocess.Popen([binary, "--seeds", "4", "--first", "201", "--jobs", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as run:
            worker = ""
            while not worker:
                with open(f"/proc/{run.pid}/task/{run.pid}/children", encoding="ascii") as file:
                    worker = file.read().strip()
                time.sleep(0.05)
            os.kill(int(worker), signal.SIGKILL)
            told, _ = run.communicate()
        self.assertEqual(run.returncode, 1)
        self.assertRegex(told, r"process: the process of this seed ended with signal 9")
        self.assertRegex(told.splitlines()[-1], r"^4 seeds from 201 in .*: 1 failed;")

    def test_words_that_it_does_not_know_end_with_2(self):
        for words in (["--sedes", "3"], ["--seeds", "many"], ["--seeds", "3", "--trace"]):
            self.assertEqual(simulate(*words).returncode, 2, words)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    binary = os.path.abspath(sys.argv.pop(1))
    unittest.main()
