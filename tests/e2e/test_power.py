"""halcyon power: what the machine takes, and the stored baseline of what it takes while it is idle."""
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from cli import HALCYON, CliTestCase


class Machine:
    """A folder like / with what a test puts into /proc and /sys; and the user's data."""

    def __init__(self, test):
        folder = tempfile.TemporaryDirectory()
        test.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name) / "root"
        self.root.mkdir()
        self.data = pathlib.Path(folder.name) / "data"
        self.baseline = self.root / self.data.relative_to("/") / "halcyon" / "baseline.json"  # not the user's own
        self.env = {**os.environ, "XDG_DATA_HOME": str(self.data)}
        self.env.pop("HALCYON_WATTS_PER_CORE", None)
        self.test = test

    def write(self, path, text):
        """In one step: whoever reads at this moment sees the old text or the new one."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(file.name + ".new")
        new.write_text(f"{text}\n")
        new.replace(file)

    def add_package(self, watts, zone="intel-rapl:0", name="package-0"):
        """A RAPL counter that counts as the clock runs."""
        folder = f"sys/class/powercap/{zone}"
        self.write(f"{folder}/name", name)
        self.write(f"{folder}/max_energy_range_uj", 262143328850)
        self.keep_counting(f"{folder}/energy_uj", watts * 1e6)

    def keep_counting(self, path, per_second, text="{}"):
        """Keeps writing to the file a number that grows."""
        start, stop = time.monotonic(), threading.Event()

        def count():
            while True:
                self.write(path, text.format(int(1e6 + per_second * (time.monotonic() - start))))
                if stop.wait(0.002):
                    return
        thread = threading.Thread(target=count)
        self.write(path, text.format(1000000))
        thread.start()
        self.test.addCleanup(thread.join)
        self.test.addCleanup(stop.set)

    def add_soc(self, watts):
        hwmon = "sys/class/drm/card1/device/hwmon/hwmon4"
        self.write(f"{hwmon}/name", "amdgpu")
        self.write(f"{hwmon}/in1_label", "vddnb")
        self.write(f"{hwmon}/power1_average", int(watts * 1e6))


class Power(CliTestCase):
    def setUp(self):
        self.machine = Machine(self)

    def power(self, *options):
        return self.assert_ok("power", "--root", self.machine.root, *options, env=self.machine.env)

    def samples(self, *options):
        """The samples and the summary."""
        *samples, last = [json.loads(line) for line in self.power("--json", *options).splitlines()]
        return samples, last["summary"]

    def test_shows_watts_of_each_domain_with_its_source(self):
        self.machine.add_soc(55.5)
        self.machine.add_package(40)
        text = self.power("-n", "2", "--interval", "100ms")
        self.assertIn("# soc: amdgpu power1_average (SoC)\n", text)
        self.assertIn("# package-0: RAPL package-0 (intel-rapl:0)\n", text)
        self.assertIn("# machine: soc\n", text)
        self.assertEqual(len(re.findall(r"^20\S+Z  package-0 \d+\.\d\d W  soc 55\.50 W  machine 55\.50 W$", text, re.M)),
                         2, text)
        self.assertRegex(text, r"machine +55\.50 +11\.\d+ +0\.003\d +soc\n\Z")
        self.assertNotIn("~", text)
        self.assertNotIn("\x1b", text)

    def test_json_has_a_document_per_line_and_a_summary(self):
        self.machine.add_package(50)
        self.machine.add_package(9, "intel-rapl:0:0", "dram")
        self.machine.add_package(30, "intel-rapl:0:1", "core")
        samples, summary = self.samples("-n", "3", "--interval", "200ms")
        self.assertEqual(len(samples), 3)
        self.assertEqual([(s["name"], s["domain"], s["billed"], s["measured"]) for s in samples[0]["sensors"]],
                         [("package-0", "package", True, True), ("dram-0", "dram", True, True),
                          ("core-0", "core", False, True)])
        self.assertEqual(summary["source"], "package-0 + dram-0")
        self.assertTrue(summary["measured"])
        self.assertAlmostEqual(sum(s["joules"] for s in samples), summary["joules"], places=6)
        self.assertAlmostEqual(summary["joules"] / 3600, summary["wh"], places=9)
        self.assertAlmostEqual(summary["watts"] * summary["seconds"], summary["joules"], places=6)
        package = summary["sensors"][0]
        self.assertAlmostEqual(package["joules"] / (50 * summary["seconds"]), 1, delta=0.5)

    def test_an_estimate_is_marked_and_names_its_constants(self):
        self.machine.keep_counting("proc/stat", 50, "cpu  {} 0 0 0 0 0 0 0 0 0")  # half a core
        text = self.power("-n", "1", "--interval", "300ms", "--watts-per-core", "6")
        self.assertRegex(text, r"# cpu: estimated: CPU time of all cores × 6 W per active core \(--watts-per-core, ")
        self.assertRegex(text, r"cpu ~\d+\.\d\d W  machine ~\d+\.\d\d W  \(~ estimated\)\n")
        self.assertRegex(text, r"cpu +~\d+\.\d\d +~\d")
        self.machine.env["HALCYON_WATTS_PER_CORE"] = "7.5"
        self.assertIn("× 7.5 W per active core", self.power("-n", "1", "--interval", "50ms"))

    def test_a_busy_gpu_without_a_sensor_is_estimated(self):
        self.machine.write("sys/class/drm/card0/device/gpu_busy_percent", 50)
        samples, _ = self.samples("-n", "1", "--interval", "50ms", "--gpu-watts", "100")
        self.assertEqual(samples[0]["sensors"][0]["source"],
                         "estimated: card0 gpu_busy_percent × 100 W (--gpu-watts, HALCYON_GPU_WATTS)")
        self.assertAlmostEqual(samples[0]["sensors"][0]["watts"], 50)
        self.assertFalse(samples[0]["measured"])

    def test_hints_go_to_standard_error_once(self):
        result = subprocess.run([HALCYON, "power", "--root", self.machine.root, "-n", "3", "--interval", "50ms"],
                                capture_output=True, text=True, check=True, timeout=60)
        self.assertRegex(result.stderr, r"\Ahalcyon: no power sensor was found [^\n]+\n\Z")
        self.machine.write("proc/sys/kernel/osrelease", "5.15.1-microsoft-standard-WSL2")
        result = subprocess.run([HALCYON, "power", "--root", self.machine.root, "-n", "1", "--interval", "50ms"],
                                capture_output=True, text=True, check=True, timeout=60)
        self.assertRegex(result.stderr, r"\Ahalcyon: WSL shows neither RAPL nor hwmon[^\n]+\n\Z")

    def test_ctrl_c_ends_with_a_summary_and_success(self):
        self.machine.add_soc(20)
        for number in (signal.SIGINT, signal.SIGTERM):
            process = subprocess.Popen([HALCYON, "power", "--root", self.machine.root, "--interval", "50ms"],
                                       stdout=subprocess.PIPE, text=True)
            head = [process.stdout.readline() for _ in range(5)]
            process.send_signal(number)
            rest = process.stdout.read()
            process.stdout.close()
            self.assertEqual(process.wait(60), 0)
            self.assertIn("machine 20.00 W", head[-1])
            self.assertRegex(rest, r"mean W +J +Wh +in \d+\.\d s\nsoc +20\.00 ")

    def test_ctrl_c_does_not_wait_for_the_next_sample(self):
        self.machine.add_soc(20)
        process = subprocess.Popen([HALCYON, "power", "--root", self.machine.root, "--interval", "60m", "--json"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertGreater(json.loads(out)["summary"]["seconds"], 0)

    def test_on_a_terminal_a_table_is_drawn_again_in_its_place(self):
        self.machine.add_soc(12.5)
        primary, secondary = pty.openpty()
        self.addCleanup(os.close, primary)
        process = subprocess.Popen([HALCYON, "power", "--root", self.machine.root, "-n", "3", "--interval", "50ms"],
                                   stdout=secondary, env={**os.environ, "TERM": "xterm"})
        os.close(secondary)
        text = b""
        while select.select([primary], [], [], 60)[0]:
            try:
                text += os.read(primary, 4096)
            except OSError:  # the other side is closed
                break
        self.assertEqual(process.wait(60), 0)
        text = text.decode().replace("\r\n", "\n")
        self.assertEqual(text.count("\x1b[3F\x1b[J"), 2, text)
        self.assertRegex(text, r"soc +12\.50 +\d+\.\d\d   amdgpu power1_average \(SoC\)\nmachine +12\.50 ")
        self.assertEqual(text.count("\x1b[?7l"), text.count("\x1b[?7h"))

    def test_a_sensor_that_goes_away_is_said_to_be_unknown(self):
        self.machine.write("sys/class/power_supply/BAT0/type", "Battery")
        self.machine.write("sys/class/power_supply/BAT0/status", "Charging")
        self.machine.write("sys/class/power_supply/BAT0/power_now", 9000000)
        text = self.power("-n", "1", "--interval", "50ms")
        self.assertIn("battery - W  cpu ~", text)
        self.assertIn("# machine: cpu\n", text)

    def test_a_baseline_is_measured_and_stored(self):
        self.machine.add_soc(7.25)
        text = self.power("--baseline", "1")
        file = self.machine.baseline
        self.assertRegex(text, r"\Aidle: 7\.25 W over 1 s \(amdgpu power1_average \(SoC\)\), 0\.0 % of the CPU time used; "
                               rf"stored in {re.escape(str(file))}\n\Z")
        stored = json.loads(file.read_text())
        self.assertEqual(list(stored), ["host", "cpu", "source", "watts", "seconds", "measured_at"])
        self.assertAlmostEqual(stored["watts"], 7.25)
        self.assertAlmostEqual(stored["seconds"], 1, delta=0.5)
        again = json.loads(self.power("--baseline", "1", "--json"))
        self.assertEqual((again["file"], again["cpu_busy_percent"]), (str(file), 0))

    def test_a_busy_machine_has_no_baseline(self):
        self.machine.add_soc(30)
        self.machine.keep_counting("proc/stat", 50 * os.cpu_count(), "cpu  {} 0 0 0 0 0 0 0 0 0")
        result = subprocess.run([HALCYON, "power", "--root", self.machine.root, "--baseline", "1"], check=False,
                                capture_output=True, text=True, timeout=60, env=self.machine.env)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertRegex(result.stderr, r"error: the machine was not idle: \d+\.\d % of its CPU time was used")
        self.assertFalse((self.machine.baseline).exists())

    def test_an_estimate_has_no_baseline(self):
        result = subprocess.run([HALCYON, "power", "--root", self.machine.root, "--baseline", "60"], check=False,
                                capture_output=True, text=True, timeout=60, env=self.machine.env)
        self.assertEqual(result.returncode, 1)
        self.assertIn("error: nothing on this machine measures power", result.stderr)

    def test_an_interrupted_baseline_is_not_stored(self):
        self.machine.add_soc(30)
        process = subprocess.Popen([HALCYON, "power", "--root", self.machine.root, "--baseline", "60"],
                                   stderr=subprocess.PIPE, text=True, env=self.machine.env)
        self.assertIn("measuring the idle machine for 60 s", process.stderr.readline())
        process.send_signal(signal.SIGINT)
        self.assertIn("interrupted: nothing was stored", process.stderr.read())
        process.stderr.close()
        self.assertEqual(process.wait(60), 1)

    def test_command_lines_that_make_no_sense(self):
        for wrong in ("49ms", "0", "61m", "2h", "-1s", "s", "1e3", "nan"):
            with self.subTest(wrong):
                self.assertIn("is not a time from 50ms to 60m", self.assert_usage_error("power", "--interval=" + wrong))
        self.assert_usage_error("power", "--watts-per-core", "-1")
        self.assert_usage_error("power", "-n", "0")
        self.assert_usage_error("power", "--baseline", "60", "-n", "3")
        self.assert_usage_error("power", "--root", "/no/such/folder")

    def test_works_on_this_machine(self):
        text = self.assert_ok("power", "-n", "1", "--interval", "100ms")
        self.assertRegex(text, r"machine +~?\d")


if __name__ == "__main__":
    unittest.main()
