"""halcyon inspect: what is in a GGUF file."""
import json
import pathlib
import tempfile
import unittest

from cli import CliTestCase

SEEDS = pathlib.Path(__file__).resolve().parent.parent / "fuzz" / "corpus" / "gguf"
SAMPLE = SEEDS / "sample.gguf"


class Inspect(CliTestCase):
    def file_with(self, old, new):
        """A copy of the sample with bytes replaced by as many others."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "changed.gguf"
        self.assertEqual(len(old), len(new))
        path.write_bytes(SAMPLE.read_bytes().replace(old, new))
        return path

    def test_lists_metadata_tensors_and_a_summary(self):
        text = self.assert_ok("inspect", SAMPLE)
        self.assertRegex(text, r'general\.architecture +string +"qwen3"\n')
        self.assertRegex(text, r'words +string\[3\] +\["one", "", "drei\\n"\]\n')
        self.assertRegex(text, r"736 +204 +q8_0 +64 x 3 +a\.weight\n")
        self.assertRegex(text, r"bits per weight +5\.04\n")

    def test_remarks_on_formats_that_cannot_be_run(self):
        text = self.assert_ok("inspect", SAMPLE)
        self.assertRegex(text, r"iq2_xs +74 bytes in 1 tensor: Halcyon can list this format, but not run it\n")
        self.assertRegex(text, r"q8_0 +204 bytes in 1 tensor\n")

    def test_json_holds_everything(self):
        found = json.loads(self.assert_ok("inspect", "--json", SAMPLE))
        metadata = found["metadata"]
        self.assertEqual(metadata["general.architecture"], {"type": "string", "value": "qwen3"})
        self.assertEqual(metadata["u64"]["value"], 2**64 - 1)
        self.assertEqual(metadata["i64"]["value"], -2**63)
        self.assertEqual(metadata["f32"]["value"], 1e-06)
        self.assertEqual(metadata["flags"], {"type": "array", "element_type": "bool", "value": [True, False, True]})
        self.assertEqual(metadata["none"]["value"], [])
        self.assertEqual([t["name"] for t in found["tensors"]],
                         ["norm.weight", "a.weight", "b.weight", "listed.weight"])
        self.assertEqual(found["tensors"][2], {"name": "b.weight", "type": "q4_0_rocmfp4_fast", "shape": [32, 2, 1, 2],
                                               "offset": 960, "size": 68, "file": str(SAMPLE)})
        self.assertEqual(found["types"]["iq2_xs"], {"tensors": 1, "parameters": 256, "size": 74, "runnable": False})
        self.assertEqual((found["version"], found["parameters"], found["size"]), (3, 581, SAMPLE.stat().st_size))

    def test_json_is_valid_utf8_whatever_the_file_holds(self):
        path = self.file_with(b"drei", b"\xff\xfe\xe6\x97")
        found = json.loads(self.assert_ok("inspect", "--json", path))
        self.assertIn("\ufffd", found["metadata"]["words"]["value"][2])

    def test_what_a_terminal_would_obey_is_escaped(self):
        text = self.assert_ok("inspect", self.file_with(b"norm.weight", b"\x1b[2Jm.weigh"))
        self.assertNotIn("\x1b", text)
        self.assertIn(r"\x1b[2Jm.weigh", text)

    def test_a_cut_file_names_the_tensor_and_both_sizes(self):
        path = self.file_with(b"", b"")
        path.write_bytes(SAMPLE.read_bytes()[:1000])
        error = self.assert_fails("inspect", path)
        self.assertIn('tensor "b.weight": its 68 bytes begin at byte 960, but the file has 1000 bytes', error)

    def test_what_is_not_gguf(self):
        self.assertIn("not a GGUF file", self.assert_fails("inspect", __file__))
        self.assertIn("no-such.gguf", self.assert_fails("inspect", "no-such.gguf"))


if __name__ == "__main__":
    unittest.main()
