"""pyarrow, which shares nothing with Weft, reads exported Parquet files: values, types, and a filter that skips row groups
by their statistics. Installed from PyPI below the build directory; a clear skip where that cannot be.

    export_arrow_test.py WEFT PARQUET_SAMPLE VENV
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from scripted_site import Site, fan  # noqa: E402
from weft_process import LOOPBACK, weft  # noqa: E402

PARQUET_SAMPLE = ""
VENV = ""
WANTED = ("pyarrow==17.0.0",)

# Runs in the venv: prints what pyarrow makes of a file.
READ = r"""
import json, sys
import pyarrow.parquet as pq
import pyarrow.types as t
file = pq.ParquetFile(sys.argv[1])
table = file.read()
out = {"types": {f.name: str(f.type) for f in table.schema}, "groups": file.num_row_groups, "rows": []}
columns = {}
for field in table.schema:
    column = table[field.name]
    columns[field.name] = column.cast("int64").to_pylist() if t.is_timestamp(field.type) else column.to_pylist()
out["columns"] = columns
json.dump(out, sys.stdout)
"""
# How many rows a filter leaves, and how many row groups its statistics let it skip.
FILTER = r"""
import json, sys
import pyarrow.compute as pc
import pyarrow.dataset as ds
dataset = ds.dataset(sys.argv[1], format="parquet")
wanted = pc.field("big") >= int(sys.argv[2])
fragment, = dataset.get_fragments()
kept = len(fragment.subset(wanted).row_groups)
json.dump([dataset.to_table(filter=wanted).num_rows, kept, len(fragment.row_groups)], sys.stdout)
"""


def python_with_pyarrow():
    """The venv's interpreter, or None and why."""
    python = os.path.join(VENV, "bin", "python3")
    if not os.path.exists(python):
        made = subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True, text=True, check=False, timeout=120)
        if made.returncode != 0:
            return None, "no venv can be made here: " + made.stderr.strip()[-200:]
    there = subprocess.run([python, "-c", "import pyarrow.parquet"], capture_output=True, check=False, timeout=120)
    if there.returncode == 0:
        return python, ""
    got = subprocess.run([python, "-m", "pip", "install", "--quiet", "--only-binary=:all:", *WANTED], capture_output=True,
                         text=True, check=False, timeout=240)
    return (python, "") if got.returncode == 0 else (None, "pip cannot install pyarrow: " + got.stderr.strip()[-300:])


class Arrow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.python, why = python_with_pyarrow()
        if cls.python is None:
            raise unittest.SkipTest(why)

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="weft-arrow-"))

    def ask(self, script, *words):
        told = subprocess.run([self.python, "-c", script, *words], capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(told.returncode, 0, told.stderr)
        return json.loads(told.stdout)

    def test_random_tables(self):
        for seed in range(8):
            parquet, lines = os.path.join(self.folder, "t.parquet"), os.path.join(self.folder, "t.jsonl")
            subprocess.run([PARQUET_SAMPLE, str(seed), parquet, lines], check=True, timeout=60)
            table = self.ask(READ, parquet)
            self.assertEqual(table["types"], {
                "text": "string", "name": "string", "long_text": "string", "json": "string", "number": "int32", "big": "int64",
                "maybe_big": "int64", "truth": "bool", "maybe": "bool", "time": "timestamp[us, tz=UTC]", "none": "string",
                "same": "string"})
            with open(lines, encoding="utf-8") as file:
                wanted = [json.loads(line) for line in file]
            for name in table["types"]:
                if name == "time":
                    continue
                values = [row[name] for row in wanted]
                if name == "json":
                    values = [None if value is None else json.dumps(value, separators=(",", ":")) for value in values]
                self.assertEqual(table["columns"][name], values, f"seed {seed}: {name}")

    def test_a_filter_skips_row_groups_by_their_statistics(self):
        parquet, lines = os.path.join(self.folder, "t.parquet"), os.path.join(self.folder, "t.jsonl")
        for seed in range(30):
            subprocess.run([PARQUET_SAMPLE, str(seed), parquet, lines], check=True, timeout=60)
            with open(lines, encoding="utf-8") as file:
                values = sorted(json.loads(line)["big"] for line in file)
            if len(values) < 500:
                continue
            rows, kept, groups = self.ask(FILTER, parquet, str(values[-1]))
            self.assertEqual(rows, values.count(values[-1]))
            if groups > 3:
                self.assertEqual(kept, 1, f"{groups} row groups, of which one holds the greatest value")
                return
        self.fail("no sample had several row groups")

    def test_pages_have_an_index(self):
        parquet, lines = os.path.join(self.folder, "t.parquet"), os.path.join(self.folder, "t.jsonl")
        subprocess.run([PARQUET_SAMPLE, "3", parquet, lines], check=True, timeout=60)
        script = ("import json, sys, pyarrow.parquet as pq\ngroup = pq.ParquetFile(sys.argv[1]).metadata.row_group(0)\n"
                  "json.dump([[c.has_offset_index, c.has_column_index] for c in map(group.column, range(group.num_columns))], sys.stdout)")
        self.assertEqual(set(map(tuple, self.ask(script, parquet))), {(True, True)})

    def test_an_export(self):
        site = Site(fan(40))
        crawl = os.path.join(self.folder, "crawl")
        try:
            self.assertEqual(weft("crawl", site.url(), "--out", crawl, *LOOPBACK, "--delay", "0").returncode, 0)
        finally:
            site.close()
        target = os.path.join(self.folder, "pages.parquet")
        self.assertEqual(weft("export", crawl, "--format", "parquet", "--columns", "all", "-o", target).returncode, 0)
        table = self.ask(READ, target)
        rows = [json.loads(line) for line in weft("export", crawl, "--columns", "all").stdout.splitlines()]
        self.assertEqual(len(rows), 41)
        self.assertEqual(table["types"]["fetch_time"], "timestamp[us, tz=UTC]")
        self.assertEqual(table["types"]["fetch_status"], "int32")
        for name in ("url", "url_surtkey", "fetch_status", "title", "text", "truncated", "warc_record_offset", "simhash",
                     "referrer"):
            self.assertEqual(table["columns"][name], [row[name] for row in rows], name)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    VENV = os.path.abspath(sys.argv.pop(3))
    PARQUET_SAMPLE = os.path.abspath(sys.argv.pop(2))
    weft_process.main(__doc__)
