"""halcyon advise: which server to run, and how, by what it costs in a day."""
import json
import pathlib
import tempfile
import unittest

from cli import ROOT, CliTestCase

CASE_STUDY = ROOT / "examples" / "case-study-a.toml"


def measurement(name, tps, idle_watts, active_watts, **versions):
    """A document as `halcyon measure` writes it, as far as advice needs it."""
    return {"schema_version": 1, "started_at": "2026-05-31T14:22:33Z", "complete": True, "protocol": "full",
            "target": {"name": name, "url": "http://127.0.0.1:8080"}, "load_seconds": 20, "versions": versions,
            "throughput": {"decode": {"tokens": 128, "warm_tps": tps, "warm": [tps, tps]}},
            "energy": {"source": "board", "measured": True, "idle_watts": 8, "active_watts": 8 + active_watts,
                       "server_idle_watts": idle_watts}}


class Advise(CliTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def test_case_study_a(self):
        text = self.assert_ok("advise", CASE_STUDY, "--workload", "server")
        self.assertIn("2.51 million tokens/day (HIP 60 % busy, Vulkan 80 %)", text)
        self.assertIn("Below it Vulkan is cheaper, above it HIP.", text)
        self.assertRegex(text, r"\n  HIP: ~10\.0 W, ~240 Wh/day, ~88 kWh/year\n")
        self.assertRegex(text, r"Cheapest of all [^\n]*: HIP, frozen while idle, at every load\.")
        self.assertRegex(text, r"\n  server +\([^\n]*\)\n +Vulkan, resident \(")
        self.assertRegex(text, r"\n  batch +\([^\n]*\)\n +HIP, started for a burst, then stopped \(")
        self.assertRegex(text, r"\n  chat +\([^\n]*\)\n +either: ")
        self.assertIn("Measure again when a version changes, now llama.cpp 2d9b7c8, rocm 7.2.4", text)
        self.assertRegex(text, r"worth most: frozen_watts of HIP, 0\S* ± 1\S* W \(estimated\)")  # 0 is assumed
        self.assertIn("while halcyon guard has it frozen", text)

    def test_case_study_a_as_json(self):
        found = json.loads(self.assert_ok("advise", CASE_STUDY, "--workload", "server", "--json"))
        n = found["break_even_tokens_per_day"]
        self.assertAlmostEqual(n * 50 / 48.21 + (86400 - n / 48.21) * 10, n * 42.5 / 36.2, places=3)
        self.assertAlmostEqual(n / 1e6, 2.51, places=2)
        hip = next(c for c in found["candidates"] if (c["name"], c["strategy"]) == ("HIP", "resident"))
        self.assertAlmostEqual(hip["idle_wh_per_day"], 240)
        self.assertAlmostEqual(hip["idle_kwh_per_year"], 87.6)
        self.assertEqual({c["strategy"] for c in found["candidates"]}, {"resident", "frozen", "per_burst"})
        self.assertEqual([(r["name"], r["strategy"]) for r in found["cheapest_by_load"]["any"]], [("HIP", "frozen")])
        unfrozen = {r["workload"]["name"]: r["unfrozen"] for r in found["recommendations"]}
        self.assertEqual((unfrozen["server"]["name"], unfrozen["server"]["as_good"]), ("Vulkan", []))
        self.assertEqual((unfrozen["batch"]["name"], unfrozen["batch"]["strategy"]), ("HIP", "per_burst"))
        self.assertEqual(len(unfrozen["chat"]["as_good"]), 1)

    def test_figures_of_the_workload_and_the_price(self):
        found = json.loads(self.assert_ok("advise", CASE_STUDY, "--busy-share", "0.9", "--burst", "5000", "--latency",
                                          "60", "--price", "0.3", "--currency", "CHF", "--json"))
        self.assertEqual(found["workload"]["name"], "custom")
        self.assertAlmostEqual(found["workload"]["tokens_per_day"], 0.9 * 86400 * 48.21)
        self.assertEqual(found["price"], {"per_kwh": 0.3, "currency": "CHF"})
        by_option = {(c["name"], c["strategy"]): c for c in found["candidates"]}
        self.assertFalse(by_option["Vulkan", "resident"]["possible"])  # more than it can generate in a day
        self.assertIsNone(by_option["Vulkan", "resident"]["wh_per_day"])
        resident = by_option["HIP", "resident"]
        self.assertAlmostEqual(resident["cost_per_year"], resident["kwh_per_year"] * 0.3)
        self.assertIn("CHF/year", self.assert_ok("advise", CASE_STUDY, "--price", "0.3", "--currency", "CHF"))

    def test_measurements_are_compared(self):
        kernel = pathlib.Path("/proc/sys/kernel/osrelease").read_text().strip()
        fast = self.write("fast.json", measurement("fast", 50, 10, 50, kernel="0.0.1"))
        (self.folder / "slow").mkdir()
        self.write("slow/measurement.json", measurement("slow", 40, 0, 50, kernel=kernel))
        found = json.loads(self.assert_ok("advise", fast, self.folder / "slow", "--json"))
        n = found["break_even_tokens_per_day"]
        self.assertAlmostEqual(n * 50 / 50 + (86400 - n / 50) * 10, n * 50 / 40, places=3)
        self.assertEqual([s["name"] for s in found["stale"]], ["fast"])
        self.assertEqual(found["stale"][0]["changes"], [{"name": "kernel", "then": "0.0.1", "now": kernel}])
        self.assertFalse(found["candidates"][0]["estimated"])

    def test_a_server_that_changed_since_is_stale(self):
        env = {"XDG_DATA_HOME": str(self.folder / "data")}
        old = self.write("old.json", measurement("a", 50, 10, 50, server="b1", kernel="0.0.1"))
        new = self.write("new.json", measurement("a", 50, 10, 50, server="b2", kernel="0.0.1")
                         | {"started_at": "2026-06-01T14:22:33Z"})
        other = self.write("other.json", measurement("b", 50, 10, 50, server="b3") | {"started_at": "2026-06-02T14:22:33Z"})
        self.assert_ok("history", "import", new, other, env=env)
        found = json.loads(self.assert_ok("advise", old, "--json", env=env))
        self.assertIn({"name": "server", "then": "b1", "now": "b2"}, found["stale"][0]["changes"])

    def test_a_server_that_ran_already_needs_a_baseline(self):
        bare = measurement("a", 50, 10, 50)
        bare["energy"]["idle_watts"] = bare["energy"]["server_idle_watts"] = None
        bare["idle"] = {"before": {"seconds": 15, "watts": 18}}
        self.assertIn("halcyon power --baseline 60", self.assert_fails("advise", self.write("bare.json", bare)))

    def test_two_of_a_name_are_told_apart(self):
        one = self.write("one.json", measurement("same", 50, 10, 50) | {"id": "20260531-142233-1a2b"})
        two = self.write("two.json", measurement("same", 40, 0, 50) | {"id": "20260601-142233-1a2b"})
        found = json.loads(self.assert_ok("advise", one, two, "--json"))
        self.assertEqual([c["name"] for c in found["candidates"] if c["strategy"] == "resident"],
                         ["same (20260531-142233-1a2b)", "same (20260601-142233-1a2b)"])

    def test_errors_say_what_and_where(self):
        self.assertIn("no-such.toml", self.assert_fails("advise", "no-such.toml"))
        self.assertIn("x.json", self.assert_fails("advise", self.write("x.json", "{")))
        path = self.write("x.toml", "[[candidate]]\nname = 'a'\ndecode_tps = 50\nactive_watts = 50\nidle_watts = nan\n")
        self.assertIn(f'{path}:5: candidate "a": idle_watts: expected', self.assert_fails("advise", path))
        empty = self.write("empty.toml", "")
        self.assertIn("nothing to compare", self.assert_fails("advise", empty))
        bare = measurement("a", 50, 10, 50)
        del bare["throughput"]
        self.assertIn("throughput.decode.warm_tps", self.assert_fails("advise", self.write("bare.json", bare)))

    def test_ids_are_looked_up_in_the_history(self):
        error = self.assert_fails("advise", "20260531-142233-1a2b", env={"XDG_DATA_HOME": str(self.folder)})
        self.assertIn("20260531-142233-1a2b", error)

    def test_usage_errors(self):
        self.assertIn("sources", self.assert_usage_error("advise"))
        for wrong in (["--workload", "night"], ["--busy-share", "1.5"], ["--tokens-per-day", "nan"],
                      ["--tokens-per-day", "-1"], ["--price", "inf"], ["--burst", "0"], ["--latency", "x"]):
            self.assert_usage_error("advise", CASE_STUDY, *wrong)
        self.assertIn("not both", self.assert_fails("advise", CASE_STUDY, "--busy-share", "0.1", "--tokens-per-day",
                                                    "1"))


if __name__ == "__main__":
    unittest.main()
