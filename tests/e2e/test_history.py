"""halcyon history: the measurements made on this machine."""
import copy
import json
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import unittest

from cli import DATA, HALCYON, ROOT, CliTestCase, halcyon

HIP, VULKAN = (DATA / "report" / name for name in ("hip.json", "vulkan.json"))
HIP_ID, VULKAN_ID = "20260531-120000-00a1", "20260531-130000-00a2"


def validator():
    """Of the published schema; skips without python3-jsonschema."""
    sys.path.append("/usr/lib/python3/dist-packages")  # Debian's, should another Python come first
    try:
        import jsonschema
    except ImportError as error:
        raise unittest.SkipTest("no jsonschema: apt-get install python3-jsonschema") from error
    schema = json.loads((ROOT / "docs" / "measurement.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def places(value, path=()):
    """The path of each member of a document, and of the first element of each list."""
    children = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, child in children:
        yield path + (key,)
        yield from places(child, path + (key,))


class History(CliTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.environment = {"XDG_DATA_HOME": folder.name}

    def history(self, *args):
        return self.assert_ok("history", *args, env=self.environment)

    def fails(self, *args):
        return self.assert_fails("history", *args, env=self.environment)

    def import_both(self):
        self.history("import", HIP, VULKAN)

    def test_begins_empty(self):
        self.assertIn("No measurements yet: 'halcyon measure' makes one", self.history())
        self.assertEqual(json.loads(self.history("--json")), [])
        self.assertIn("the history is empty", self.fails("show", "last"))

    def test_lists_the_newest_first(self):
        self.assertEqual(self.history("import", HIP, VULKAN), f"{HIP_ID}\n{VULKAN_ID}\n")
        lines = self.history().splitlines()
        self.assertRegex(lines[0], r"^ +id +when \(UTC\) +name +model +prompt tok/s +tok/s +idle % CPU +J/token +burn$")
        self.assertRegex(lines[1], rf"^ +{VULKAN_ID} +2026-05-31 13:00 +Vulkan .* 77\.7 +36\.2 +0 +~1\.17 +none$")
        self.assertRegex(lines[2], rf"^ +{HIP_ID} +2026-05-31 12:00 +HIP .* 354 +48\.2 +240 +~1\.04 +cpu_spin$")
        entry = json.loads(self.history("--json"))[1]
        self.assertEqual((entry["id"], entry["prefill_tps"], entry["decode_tps"], entry["idle_cpu_percent"]),
                         (HIP_ID, 354.09, 48.21, 239.5))
        self.assertEqual((entry["energy_measured"], entry["burn_cause"]), (False, "cpu_spin"))

    def test_importing_twice_changes_nothing(self):
        self.history("import", HIP)
        self.assertIn("was there already", self.history("import", HIP))
        self.assertEqual(len(json.loads(self.history("--json"))), 1)

    def test_a_mistake_in_one_file_imports_none(self):
        self.assertIn("test_history.py: not JSON", self.fails("import", HIP, __file__))
        self.assertEqual(json.loads(self.history("--json")), [])

    def test_shows_one_by_the_beginning_of_its_id(self):
        self.import_both()
        text = self.history("show", "20260531-12")
        self.assertRegex(text, r"generation, warm +48\.2 ± 16\.4 tok/s\n")
        self.assertIn("threads of the server's process spin on the CPU (cpu_spin)", text)
        self.assertEqual(json.loads(self.history("show", "last", "--json"))["target"]["name"], "Vulkan")
        self.assertIn(f"may be {HIP_ID} or {VULKAN_ID}: add some characters", self.fails("show", "2026"))
        self.assertIn("'halcyon history' lists them", self.fails("show", "1999"))

    def test_shows_differences(self):
        self.import_both()
        text = self.history("diff", HIP_ID, "last")
        self.assertRegex(text, r"prompt of 16 tokens +56\.2 tok/s +77\.7 tok/s +\+38\.1 % +not known\n")
        figures = json.loads(self.history("diff", HIP_ID, "last", "--json"))["figures"]
        warm = next(figure for figure in figures if figure["name"] == "generation, warm")
        self.assertEqual((warm["a"], warm["b"], warm["beyond_noise"]), (48.21, 36.2, None))

    def test_exports_what_can_be_imported(self):
        self.import_both()
        exported = self.folder / "exported.json"
        self.history("export", HIP_ID, "-o", exported)
        self.assertEqual(exported.read_text(), self.history("show", HIP_ID, "--json"))
        self.assertIn("was there already", self.history("import", exported))

    def test_removes(self):
        self.import_both()
        self.assertEqual(self.history("remove", "last"), f"{VULKAN_ID} is removed\n")
        self.assertEqual([entry["id"] for entry in json.loads(self.history("--json"))], [HIP_ID])

    def test_a_full_disk_changes_nothing(self):
        self.history("import", HIP)

        def with_a_limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
        result = subprocess.run([HALCYON, "history", "import", VULKAN], env=self.environment, preexec_fn=with_a_limit,
                                restore_signals=False, capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"history\.db: .*space.*; nothing was changed\n\Z")
        self.assertEqual([entry["id"] for entry in json.loads(self.history("--json"))], [HIP_ID])

    def test_what_a_terminal_would_obey_is_escaped(self):
        path = self.folder / "hostile.json"
        path.write_text(HIP.read_text().replace('"HIP"', '"\\u001b[2JHIP\\u202e"'))
        self.history("import", path)
        for text in (self.history(), self.history("show", "last"), self.history("diff", "last", "last")):
            self.assertNotIn("\x1b", text)
            self.assertIn(r"\x1b[2JHIP\u202e", text)

    def test_documents_are_valid(self):
        schema = validator()
        for path in (DATA / "report").glob("*.json"):
            schema.validate(json.loads(path.read_text()))
            self.history("import", path)
            schema.validate(json.loads(self.history("show", "last", "--json")))

    def test_the_schema_refuses_what_the_reader_refuses(self):
        schema, document = validator(), json.loads(HIP.read_text())
        self.history("import", HIP)
        document = json.loads(self.history("show", HIP_ID, "--json"))  # all members
        document.update(id=None, tasks=[{"name": "haiku", "prompt_tokens": 9, "generated_tokens": 99, "seconds": 5.5}])
        window = document["idle"]["after_load"]
        window["threads"] = [{"pid": 1, "tid": 2, "name": "a", "cpu_percent": 99.5, "wakeups_per_second": 1.5}]
        document["throughput"]["prefill"][0]["tps"] = document["throughput"]["decode"]["warm"] = [56.25]
        path = self.folder / "changed.json"
        for place in places(document):
            for wrong in (None, True, "text", -1, 1.5, 3, 2**70, [], {}, "remove"):
                changed = copy.deepcopy(document)
                parent = changed
                for key in place[:-1]:
                    parent = parent[key]
                if wrong == "remove" and isinstance(parent, dict):
                    del parent[place[-1]]
                else:
                    parent[place[-1]] = wrong
                path.write_text(json.dumps(changed))
                read = halcyon("history", "show", path, "--json")
                self.assertEqual(read.returncode == 0, schema.is_valid(changed), f"{place} = {wrong}: {read.stderr}")


if __name__ == "__main__":
    unittest.main()
