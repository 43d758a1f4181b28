"""The documents name only files, functions and commands that exist."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CODE_SUFFIXES = {".cpp", ".h", ".S", ".py", ".sh", ".comp", ".glsl"}
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")
FILE_SUFFIX = re.compile(r"\.(cpp|h|S|py|sh|comp|glsl|md|txt|cmake|json)$")
CALL = re.compile(r"((?:\w+::)*~?\w+)\(.*\)|((?:\w+::)+~?\w+)")


def in_code(text):
    """What stands between backticks, blocks of code left out."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def path_exists(path):
    return (ROOT / path).exists() or (ROOT / "src" / path).exists()


def looks_like_a_path(span):
    return PATH.fullmatch(span) and (FILE_SUFFIX.search(span) or span.endswith("/"))


class Docs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sources = [path.read_text() for folder in ("src", "tests", "scripts", "models")
                       for path in (ROOT / folder).rglob("*") if path.suffix in CODE_SUFFIXES]

    def defined(self, name):
        """Some source file has every part of a name such as Engine::submit."""
        parts = [re.compile(rf"\b{re.escape(part)}\b") for part in name.split("::") if part != "std"]
        return any(all(part.search(text) for part in parts) for text in self.sources)

    def check(self, document):
        path = ROOT / document
        if not path.exists():
            self.skipTest(f"there is no {document} yet")
        wrong = []
        for span in in_code(path.read_text()):
            call = CALL.fullmatch(span)
            if looks_like_a_path(span):
                if not path_exists(span):
                    wrong.append(f"no file {span}")
            elif call and not span.startswith("std::") and not self.defined(call.group(1) or call.group(2)):
                wrong.append(f"no source has {span}")
        self.assertEqual([], wrong, f"\n{document}:\n" + "\n".join(wrong))

    def test_architecture_names_what_exists(self):
        self.check("docs/ARCHITECTURE.md")

    def test_readme_names_what_exists(self):
        self.check("README.md")

    def test_documented_make_targets_exist(self):
        targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
            used = set(re.findall(r"(?:`|^ {4}|\$ )make ([a-z]+)", document.read_text(), re.MULTILINE))
            self.assertLessEqual(used, targets, f"{document.name} names a make target that the Makefile has not")

    def test_every_package_says_what_it_is_for(self):
        rows = [line for line in (ROOT / "packages.txt").read_text().splitlines() if line and line[0] != "#"]
        for row in rows:
            self.assertRegex(row, r"^(build|test|lint) +\S+ +# \S", "packages.txt: group, name, # what for")
        self.assertEqual(len(rows), len({row.split()[1] for row in rows}), "packages.txt names a package twice")


if __name__ == "__main__":
    unittest.main()
