"""The container files: compose.yaml by its published schema, where that is on this machine; volumes and tokens fit each other; start by a stand-in
for weft.
"""
import glob
import json
import os
import shutil
import subprocess
import tempfile
import unittest

DOCKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docker")
# Debian's docker-compose has it; others may lie beside the cases of third parties.
SCHEMAS = [os.path.join(os.environ.get("WEFT_CONFORMANCE_DATA", "/nowhere"), "compose-spec.json"),
           *glob.glob("/usr/lib/python3/dist-packages/compose/config/compose_spec.json")]


def composed():
    try:
        import yaml
    except ImportError:
        raise unittest.SkipTest("needs python3-yaml") from None
    with open(os.path.join(DOCKER, "compose.yaml"), encoding="utf-8") as file:
        return yaml.safe_load(file)


class Compose(unittest.TestCase):
    def test_it_has_the_form_of_a_compose_file(self):
        schema = next((path for path in SCHEMAS if os.path.exists(path)), None)
        if schema is None:
            self.skipTest("needs the schema of compose files (package docker-compose)")
        try:
            import jsonschema
        except ImportError:
            self.skipTest("needs python3-jsonschema")
        with open(schema, encoding="utf-8") as file:
            jsonschema.Draft7Validator(json.load(file)).validate(composed())

    def test_each_worker_has_a_token_and_pages_of_its_own(self):
        told = composed()
        services = told["services"]
        workers = {name: one for name, one in services.items() if one["command"][0] == "worker"}
        self.assertEqual(sorted(services["scheduler"]["environment"]["WEFT_WORKERS"].split()),
                         sorted(one["environment"]["WEFT_NAME"] for one in workers.values()))
        pages = [volume.split(":")[0] for one in workers.values() for volume in one["volumes"] if volume.endswith(":/pages")]
        self.assertEqual(len(set(pages)), len(workers))
        used = {volume.split(":")[0] for one in services.values() for volume in one["volumes"]}
        self.assertEqual(used, set(told["volumes"]))


class Start(unittest.TestCase):
    """docker/start with a weft that prints its words; /join lies elsewhere."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="weft-container-")
        self.addCleanup(shutil.rmtree, self.root)
        os.mkdir(os.path.join(self.root, "join"))
        for name, script in (("weft", '#!/bin/sh\necho "weft $*"\n'), ("hostname", "#!/bin/sh\necho 10.1.2.3\n")):
            path = os.path.join(self.root, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(script)
            os.chmod(path, 0o755)
        with open(os.path.join(DOCKER, "start"), encoding="utf-8") as file:
            self.script = file.read().replace("/join/", f"{self.root}/join/")

    def start(self, *words, **environment):
        return subprocess.run(["sh", "-c", self.script, "start", *words], capture_output=True, text=True, timeout=20, check=True,
                              env={"PATH": f"{self.root}:/usr/bin:/bin", **environment}).stdout.strip()

    def token(self, name):
        with open(os.path.join(self.root, "join", name), encoding="utf-8") as file:
            return file.read().strip()

    def test_the_scheduler_makes_each_token_once(self):
        told = self.start("scheduler", "--contact", "me@example.org", WEFT_WORKERS="a b", WEFT_ADDRESS="scheduler")
        self.assertEqual(told, "weft scheduler --data /data --listen tcp://0.0.0.0:7700 --contact me@example.org")
        self.assertEqual(self.token("a"), "weft token new --role worker --name a --data /data --address tcp://scheduler:7700")
        self.assertEqual(os.stat(os.path.join(self.root, "join", "b")).st_mode & 0o777, 0o600)
        self.start("scheduler", WEFT_WORKERS="a b", WEFT_ADDRESS="other")
        self.assertIn("tcp://scheduler:7700", self.token("a"))

    def test_a_worker_joins_with_its_token(self):
        self.start("scheduler", WEFT_WORKERS="a")
        self.assertEqual(self.start("worker", "--parsers", "2", WEFT_NAME="a"),
                         f"weft worker --join {self.root}/join/a --pages /pages --listen tcp://10.1.2.3:* --parsers 2")

    def test_anything_else_is_a_command(self):
        self.assertEqual(self.start("version"), "weft version")


if __name__ == "__main__":
    unittest.main(verbosity=2)
