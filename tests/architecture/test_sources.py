"""What holds for every source file."""
import pathlib
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDERS = ["src", "tests", "bench", "scripts", "models", "cmake"]
SUFFIXES = {".cpp", ".h", ".S", ".py", ".sh", ".comp", ".glsl", ".cmake"}
MOST_LINES = 600


def sources():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                yield path


class Sources(unittest.TestCase):
    def test_no_file_is_longer_than_600_lines(self):
        long = []
        for path in sources():
            lines = path.read_bytes().count(b"\n")
            if lines > MOST_LINES:
                long.append(f"{path.relative_to(ROOT)}: {lines} lines; is it one idea?")
        self.assertEqual([], long, "\n" + "\n".join(long))

    def test_headers_are_included_once(self):
        twice = [str(path.relative_to(ROOT)) for path in sources()
                 if path.suffix == ".h" and "#pragma once" not in path.read_text()]
        self.assertEqual([], twice, "no #pragma once in " + ", ".join(twice))


if __name__ == "__main__":
    unittest.main()
