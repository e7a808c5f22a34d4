"""Adds up ctest's JUnit reports: one line a suite, and the total as the last line.

Called by scripts/test with NAME=FILE for each report. Ends with 1 if a test failed, if a report is missing, or if not
one test passed.
"""
import re
import sys
import xml.etree.ElementTree

# What ctest says of a test that was started and asked to be skipped; "not run" for any other reason is a failure.
SKIPPED = re.compile(r"SKIP_(REGULAR_EXPRESSION_MATCHED|RETURN_CODE)|Disabled", re.IGNORECASE)


def verdict(case):
    """'passed', 'failed' or 'skipped' for one <testcase>."""
    status = case.get("status")
    if status == "run":
        return "passed"
    if status == "disabled":
        return "skipped"
    skipped = case.find("skipped")
    if status == "notrun" and skipped is not None and SKIPPED.search(skipped.get("message", "")):
        return "skipped"
    return "failed"


def count(path):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    names = []
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        result = verdict(case)
        counts[result] += 1
        if result == "failed":
            names.append(case.get("name"))
    return counts, names


def line(counts):
    return "{passed} passed, {failed} failed, {skipped} skipped".format(**counts)


def main(arguments):
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for argument in arguments:
        suite, path = argument.split("=", 1)
        try:
            counts, failed = count(path)
        except (OSError, xml.etree.ElementTree.ParseError) as error:
            print(f"{suite}: ctest left no report: {error}")
            counts, failed = {"passed": 0, "failed": 1, "skipped": 0}, []
        print(f"{suite}: {line(counts)}")
        for name in failed:
            print(f"  failed: {name}")
        for key in total:
            total[key] += counts[key]
    print(line(total))
    return 0 if total["failed"] == 0 and total["passed"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
