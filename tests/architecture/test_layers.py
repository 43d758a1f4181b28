"""Dependencies between the folders of src/ point one way."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SRC = ROOT / "src"

# What each module builds on directly. It may include those, what they build on in turn, itself and base.
BUILDS_ON = {
    "base": [],
    "quant": [],
    "gguf": ["quant"],
    "tokenizer": ["gguf"],
    "template": [],
    "grammar": [],
    "program": ["quant"],
    "model": ["program", "gguf", "quant"],  # never a backend
    "backend": ["program", "quant"],  # backend.h; never a model
    "backend/cpu": ["backend"],
    "energy": [],  # this and the next five know nothing of models
    "probe": [],
    "process": ["probe"],
    "devices": [],
    "report": [],
    "measure": ["energy", "process", "devices", "report"],
    "engine": ["model", "tokenizer", "template", "grammar", "backend", "energy"],
    "embedded": [],
    "bench": ["engine", "report"],
    "serve": ["engine"],
    "guard": ["measure", "serve"],
    "cli": ["bench", "serve", "guard", "backend/cpu", "embedded"],  # the only one that names a concrete backend
}


def allowed(module):
    reached = {module, "base"}
    waiting = list(BUILDS_ON[module])
    while waiting:
        below = waiting.pop()
        reached.add(below)
        waiting += BUILDS_ON[below]
    return reached


def module_of(path):
    """The longest row of the table that is a folder of `path`, which is relative to src/."""
    folders = [str(folder) for folder in path.parents]
    return next((folder for folder in folders if folder in BUILDS_ON), None)


class Layers(unittest.TestCase):
    def test_includes_point_downwards(self):
        wrong = []
        for source in sorted(SRC.rglob("*")):
            if not source.is_file() or source.name == "CMakeLists.txt":
                continue
            path = source.relative_to(SRC)
            module = module_of(path)
            if module is None:
                wrong.append(f"src/{path}: its folder is not in the table of this test")
                continue
            text = source.read_text(errors="replace")
            for included in re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, re.MULTILINE):
                target = module_of(pathlib.PurePosixPath(included))
                if not (SRC / included).exists():
                    if not (source.parent / included).exists():
                        continue  # generated, or a library's
                    wrong.append(f'src/{path}: write "{included}" as a path below src/')
                elif target not in allowed(module):
                    wrong.append(f"src/{path}: {module} may not include {included}; "
                                 f"only {', '.join(sorted(allowed(module)))}")
        self.assertEqual([], wrong, "\n" + "\n".join(wrong))

    def test_the_table_has_no_cycle(self):
        for module, below in BUILDS_ON.items():
            for dependency in below:
                self.assertNotIn(module, allowed(dependency), f"{module} and {dependency} build on each other")


if __name__ == "__main__":
    unittest.main()
