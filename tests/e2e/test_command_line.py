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

    def test_the_log_level_is_one_of_four(self):
        for level in ("debug", "info", "warn", "error", ""):
            self.assert_ok("logits", "--tokens", "1", env={**os.environ, "HALCYON_LOG": level})
        self.assertIn("HALCYON_LOG=loud: unknown, use debug, info, warn or error",
                      self.assert_fails("logits", "--tokens", "1", env={**os.environ, "HALCYON_LOG": "loud"}))
        self.assert_ok("--version", env={**os.environ, "HALCYON_LOG": "loud"})

    def test_diagnostics_that_cannot_be_written_change_nothing_else(self):
        ask = [HALCYON, "run", "-p", "Hi", "-n", "3", "--temp", "0"]
        answer = subprocess.run(ask, capture_output=True, check=True).stdout
        with open("/dev/full", "wb") as full:
            for command, stderr in ((ask, full), (["sh", "-c", 'exec "$@" 2>&-', "sh", *ask], None)):
                result = subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, check=False)
                self.assertEqual((result.returncode, result.stdout), (0, answer))
            result = subprocess.run([HALCYON, "inspect", "no-such.gguf"], stderr=full, check=False)
            self.assertEqual(result.returncode, 1)

    def test_a_closed_standard_output_is_an_error(self):
        result = subprocess.run(["sh", "-c", 'exec "$1" --help >&-', "sh", HALCYON], capture_output=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, b"halcyon: error: cannot write standard output: Bad file descriptor\n")

    def test_control_characters_on_the_command_line_are_shown_harmlessly(self):
        self.assertIn(r"--fr\x1b[31mob\u202e", self.assert_usage_error("run", "--fr\x1b[31mob\u202e"))


if __name__ == "__main__":
    unittest.main()
