"""What holds for the program as a whole, whatever the subcommand."""
import os
import re
import subprocess
import unittest

from cli import HALCYON, ROOT, CliTestCase, halcyon


class CommandLine(CliTestCase):
    def test_version_is_the_one_of_the_build(self):
        version = re.search(r"project\(halcyon VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
        self.assertEqual(self.assert_ok("--version"), f"halcyon {version}\n")

    def test_help_goes_to_standard_output(self):
        text = self.assert_ok("--help")
        self.assertIn("Usage: halcyon", text)
        self.assertIn("--version", text)

    def test_every_subcommand_has_help(self):
        commands = self.assert_ok("--help").partition("Subcommands:\n")[2]
        for command in re.findall(r"^  (\w+)", commands, re.MULTILINE):
            with self.subTest(command):
                self.assertIn(f"Usage: halcyon {command}", self.assert_ok(command, "--help"))

    def test_no_subcommand_is_a_usage_error(self):
        self.assertIn("subcommand is required", self.assert_usage_error())

    def test_an_unknown_subcommand_is_a_usage_error(self):
        self.assertIn("frobnicate", self.assert_usage_error("frobnicate"))

    def test_an_unknown_option_is_a_usage_error(self):
        self.assertIn("--frobnicate", self.assert_usage_error("--frobnicate"))

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "wb") as full:
            result = subprocess.run([HALCYON, "--help"], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, b"halcyon: error: cannot write standard output: No space left on device\n")

    def test_a_reader_that_leaves_early_ends_it_quietly(self):
        reader, writer = os.pipe()
        os.close(reader)
        result = subprocess.run([HALCYON, "--help"], stdout=writer, stderr=subprocess.PIPE, check=False)
        os.close(writer)
        self.assertEqual(result.stderr, b"")

    def test_an_unusable_log_level_does_not_stop_it(self):
        result = halcyon("--version", env={**os.environ, "HALCYON_LOG": "nonsense"})
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    unittest.main()
