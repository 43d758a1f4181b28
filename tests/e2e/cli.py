"""Runs the real `halcyon` program. One test_*.py file per subcommand; each test method is a CTest test of its own."""
import os
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "tests" / "data"
HALCYON = os.environ.get("HALCYON", ROOT / "build" / "release" / "halcyon")


def conformance_dir():
    """The conformance data as in tests/support: $HALCYON_CONFORMANCE or ../shared/conformance; skips without it."""
    path = pathlib.Path(os.environ.get("HALCYON_CONFORMANCE", ROOT.parent / "shared" / "conformance"))
    if not (path / "logits.json").exists():
        raise unittest.SkipTest("no conformance data: set HALCYON_CONFORMANCE to its folder")
    return path


def halcyon(*args, stdin="", timeout=60, **options):
    """Runs halcyon with `args` to its end; the result has returncode, stdout and stderr as text."""
    return subprocess.run([HALCYON, *args], input=stdin, capture_output=True, text=True, timeout=timeout,
                          check=False, **options)


class CliTestCase(unittest.TestCase):
    def assert_ok(self, *args, **options):
        """Runs halcyon and returns what it wrote to standard output."""
        result = halcyon(*args, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def assert_fails(self, *args, **options):
        """The action fails: exit status 1, nothing on standard output, one line on standard error, returned."""
        result = halcyon(*args, **options)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr, r"\Ahalcyon: error: [^\n]+\n\Z")
        return result.stderr

    def assert_usage_error(self, *args, **options):
        """The command line is wrong: exit status 2, one line that says why and one that says where to look."""
        result = halcyon(*args, **options)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr, r"\Ahalcyon: error: [^\n]+\nRun 'halcyon[a-z ]* --help' for usage.\n\Z")
        return result.stderr
