"""halcyon report: pages about measurements, looked at in a real browser."""
import pathlib
import tempfile
import unittest

from browser import Browser
from cli import DATA, CliTestCase

HIP, VULKAN, SMALL = (DATA / "report" / name for name in ("hip.json", "vulkan.json", "hip-default-memory.json"))


class Report(CliTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.environment = {"XDG_DATA_HOME": folder.name, "PATH": "/usr/bin:/bin"}

    def report(self, *args, to="report.html"):
        """Makes a report; the path of the page."""
        page = self.folder / to
        self.assertEqual(self.assert_ok("report", *args, "-o", page, env=self.environment), "")
        return page

    def test_files_side_by_side(self):
        text = self.report(HIP, VULKAN).read_text()
        self.assertIn("<title>What it costs: HIP and Vulkan</title>", text)
        self.assertIn("2.51 million tokens/day", text)

    def test_the_name_of_the_file_says_markdown(self):
        text = self.report(HIP, VULKAN, to="report.md").read_text()
        self.assertTrue(text.startswith("# What it costs: HIP and Vulkan\n"))
        self.assertEqual(self.assert_ok("report", HIP, VULKAN, "--format", "md", "-o", "-"), text)

    def test_measurements_of_the_history(self):
        self.assert_ok("history", "import", HIP, VULKAN, env=self.environment)
        self.assertIn("What it costs: Vulkan<", self.report().read_text())  # the last one
        self.assertIn("HIP and Vulkan", self.report("20260531-12", "last").read_text())

    def test_a_page_is_there_whole_or_not_at_all(self):
        page = self.report(HIP)
        before = page.read_text()
        self.assertIn("no measurement \"20\"", self.assert_fails("report", HIP, "20", "-o", page, env=self.environment))
        self.assertEqual(page.read_text(), before)
        self.assertIn("cannot write into its folder",
                      self.assert_fails("report", HIP, "-o", self.folder / "no" / "page.html", env=self.environment))
        self.assertEqual([path.name for path in self.folder.iterdir() if path.is_file()], ["report.html"])

    def test_what_is_no_measurement_is_named(self):
        self.assertIn("test_report.py: not JSON", self.assert_fails("report", __file__, "-o", "-"))
        self.assertIn("--output is required", self.assert_usage_error("report", HIP))
        self.assertIn("pdf", self.assert_usage_error("report", HIP, "-o", "-", "--format", "pdf"))

    def check_look(self, page, widths, dark=False):
        browser = Browser(self)
        for width in widths:
            with self.subTest(page=page.name, width=width, dark=dark):
                seen = browser.look(page, width, dark)
                self.assertEqual(seen["width"], width)
                self.assertEqual(seen["scrollWidth"], width, "the page has to be scrolled sideways")
                self.assertEqual(seen["outside"], [])
                self.assertEqual(seen["overlapping"], [])
                self.assertEqual(seen["ground"], "rgb(20, 23, 26)" if dark else "rgb(255, 255, 255)")
        return seen

    def test_looks_right_on_screens_of_any_width(self):
        seen = self.check_look(self.report(SMALL, HIP, VULKAN), (320, 360, 900))
        self.assertEqual(seen["images"], ["Joules per generated token over the load, idle hours included",
                                          "CPU time, right after the load", "CPU time, right after a generation"])

    def test_looks_right_in_the_dark(self):
        self.check_look(self.report(HIP, VULKAN), (360,), dark=True)

    def test_long_foreign_texts_stay_within_the_page(self):
        hostile = self.folder / "hostile.json"
        text = HIP.read_text().replace('"HIP"', '"<b>' + "x" * 300 + '</b>"').replace('"2d9b7c8"', '"' + "9" * 500 + '"')
        hostile.write_text(text.replace("20260531-120000-00a1", "20260531-120000-00ff"))
        self.check_look(self.report(hostile, VULKAN), (360,))


if __name__ == "__main__":
    unittest.main()
