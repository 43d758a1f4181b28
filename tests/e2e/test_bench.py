"""halcyon bench: how fast models are evaluated. Nothing here depends on how fast this machine is."""
import csv
import io
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest
import xml.etree.ElementTree

from cli import HALCYON, ROOT, CliTestCase, halcyon

HURRY = ("--calibrate", "0.01", "-r", "1")
SMALL = (*HURRY, "-p", "16", "-n", "4")


class Bench(CliTestCase):
    def records(self, *args):
        return json.loads(self.assert_ok("bench", "-o", "json", *args))

    # What comes out

    def test_measures_the_embedded_model(self):
        prefill, decode = self.records(*SMALL, "--threads", "1")
        self.assertEqual((prefill["n_prompt"], prefill["n_gen"], decode["n_prompt"], decode["n_gen"]), (16, 0, 0, 4))
        for record in (prefill, decode):
            self.assertEqual(record["model_filename"], "the embedded model")
            self.assertEqual(record["n_threads"], 1)
            self.assertTrue(record["complete"])
            self.assertEqual(len(record["samples_ns"]), 1)
            for name in ("avg_ts", "median_ts", "cold_ts", "load_ns", "bytes_per_second", "macs_per_second", "read_fraction",
                         "compute_fraction", "cpu_ms_per_token", "joules_per_token", "read_limit_before", "int8_limit_after",
                         "float_limit_after"):
                self.assertGreater(record[name], 0, name)
            self.assertTrue(record["energy_source"])
        self.assertTrue(prefill["cold_is_after_load"])
        self.assertFalse(decode["cold_is_after_load"])
        # 1769472 multiply-adds a token in the layers, 524288 in the output head, which only the last of a prompt needs.
        self.assertEqual(prefill["int8_macs"], 16 * 1769472 + 524288)
        self.assertEqual(decode["int8_macs"], 4 * (1769472 + 524288))

    def test_lists_make_the_cross_product(self):
        records = self.records(*HURRY, "-p", "3,5", "-n", "2", "-d", "0,4", "--parallel", "2", "--kv", "f16,q8_0")
        self.assertEqual([(r["type_k"], r["n_depth"], r["n_prompt"], r["n_gen"]) for r in records],
                         [(kv, d, p, n) for kv in ("f16", "q8_0") for d in (0, 4) for p, n in ((3, 0), (5, 0), (0, 2))])
        self.assertEqual([r["case"] for r in records], list(range(1, 13)))
        self.assertEqual({(r["n_cases"], r["n_parallel"]) for r in records}, {(12, 2)})

    def test_logits_have_the_same_bits_for_all_threads_isas_and_companies(self):
        args = ("-p", "40", "-n", "0", "-d", "7", "--threads", "1,2", "--parallel", "1,3")
        hashes = {r["logits_hash"] for isa in ("scalar", "avx2", "avx512") if self.has_isa(isa)
                  for r in self.records(*HURRY, *args, "--isa", isa, "--batch", "17" if isa == "avx2" else "256")}
        self.assertEqual(len(hashes), 1)

    def has_isa(self, isa):
        return halcyon("logits", "--tokens", "1", env={**os.environ, "HALCYON_ISA": isa}).returncode == 0

    def test_several_models_and_repeated_options(self):
        tiny = ROOT / "models" / "halcyon-tiny.gguf"
        records = self.records(*HURRY, "-m", tiny, "-m", tiny, "-p", "2", "-p", "3", "-n", "0", "--threads", "1")
        self.assertEqual([r["n_prompt"] for r in records], [2, 3, 2, 3])
        self.assertEqual({r["model_filename"] for r in records}, {str(tiny)})

    def test_csv_has_the_columns_of_json_but_for_the_samples(self):
        text = halcyon("bench", "-o", "csv", *SMALL, "--threads", "1").stdout
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        record = self.records(*SMALL, "--threads", "1")[0]
        self.assertEqual(list(rows[0]), [name for name in record if not name.startswith("samples")])
        self.assertEqual([row["n_gen"] for row in rows], ["0", "4"])
        self.assertEqual(rows[0]["logits_hash"], record["logits_hash"])

    def test_markdown_is_a_table(self):
        lines = self.assert_ok("bench", "-o", "md", *SMALL).splitlines()
        self.assertTrue(lines[0].startswith("| model | size | params | backend | threads |"))
        self.assertEqual(len({line.count("|") for line in lines[:4]}), 1)
        self.assertIn("| pp16 |", lines[2])

    def test_a_table_is_the_default(self):
        text = self.assert_ok("bench", *SMALL)
        self.assertRegex(text, r"\Ahalcyon-tiny · qwen3 [^\n]+ loaded in [^\n]+\n +tok/s ")
        self.assertRegex(text, r"\npp16 +[~\d]")
        self.assertRegex(text, r"\nlimits: read [\d.]+ GB/s, int8 ")
        self.assertRegex(text, r"\nJ/tok: ")

    # Files

    def test_results_go_into_a_file_whose_name_says_how(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, check in (("r.json", json.loads), ("r.csv", lambda text: self.assertTrue(text.startswith("build_commit,"))),
                                ("r.md", lambda text: self.assertTrue(text.startswith("| model |"))),
                                ("r.txt", lambda text: self.assertTrue(text.startswith("halcyon-tiny ")))):
                path = pathlib.Path(folder) / name
                self.assertEqual(self.assert_ok("bench", *SMALL, "--output", path), "")
                check(path.read_text())

    def test_the_roofline_is_a_picture(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "roof.svg"
            self.assert_ok("bench", *SMALL, "--plot", path)
            root = xml.etree.ElementTree.parse(path).getroot()
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        self.assertEqual(len(root.findall(".//{http://www.w3.org/2000/svg}circle")), 2)

    def test_files_that_cannot_be_written_are_found_out_first(self):
        for option in ("--output", "--plot"):
            self.assertIn("/no/such/folder/x.json", self.assert_fails("bench", *SMALL, option, "/no/such/folder/x.json"))

    def test_a_file_cannot_be_both_document_and_picture(self):
        with tempfile.TemporaryDirectory() as folder:
            error = self.assert_fails("bench", *SMALL, "--output", f"{folder}/x", "--plot", f"{folder}/./x")
        self.assertIn("the same file", error)

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "wb") as full:
            result = subprocess.run([HALCYON, "bench", *SMALL], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, b"halcyon: error: cannot write standard output: No space left on device\n")

    # Ctrl-C

    def test_what_was_measured_before_control_c_is_there(self):
        many = ",".join(str(n) for n in range(1, 501))
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "r.json"
            for args in (("--output", path), ("-o", "json")):
                with self.subTest(args):
                    process = subprocess.Popen([HALCYON, "bench", *HURRY, "-p", many, "-n", "0", *args],
                                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
                    begun = b""
                    if "--output" in args:
                        while not path.exists() or not json.loads(path.read_text()):
                            time.sleep(0.02)
                    else:
                        begun = process.stdout.read(1)
                    process.send_signal(signal.SIGINT)
                    stdout, stderr = process.communicate(timeout=60)
                    self.assertEqual(process.returncode, 128 + signal.SIGINT, stderr)
                    self.assertRegex(stderr, rb"\[stopped: \d+ of 500 cases were measured\]")
                    records = json.loads(path.read_text() if "--output" in args else begun + stdout)
                    self.assertGreater(len(records), 0)
                    self.assertLess(len(records), 500)
                    self.assertEqual(records[0]["n_cases"], 500)

    # What is wrong is said before anything is measured

    def test_impossible_cases_are_found_out_first(self):
        for args, message in ((("-p", "16", "-d", "0,1020"), "the embedded model: pp16 @ d1020 takes 1036 positions, the model's context has 1024"),
                              (("-n", "1025"), "tg1025 takes 1025 positions"),
                              (("-p", "0", "-n", "0"), "there is nothing to measure"),
                              (("--isa", "sse9"), "--isa \"sse9\": unknown, use scalar, avx2 or avx512"),
                              (("-m", "no-such.gguf"), "no-such.gguf"),
                              (("-d", ",".join(["0"] * 6000)), "the most")):
            with self.subTest(args):
                self.assertIn(message, self.assert_fails("bench", *HURRY, *args))

    def test_an_isa_that_is_not_there_is_found_out_first(self):
        if self.has_isa("avx512"):
            self.skipTest("this processor has all of them")
        self.assertIn("avx512: this processor does not have it", self.assert_fails("bench", *SMALL, "--isa", "scalar,avx512"))

    def test_lists_are_of_numbers(self):
        for option in ("--prompt", "--predict", "--depth", "--parallel", "--threads"):
            self.assertIn(option, self.assert_usage_error("bench", f"{option}="))
            self.assert_usage_error("bench", option, "")
            for text in ("x", "1,", "1,,2", "-1", "99999999999", "1 2"):
                with self.subTest((option, text)):
                    self.assertIn("a whole number from", self.assert_usage_error("bench", f"{option}={text}"))
        self.assertIn("q4_0", self.assert_usage_error("bench", "--kv", "f16,q4_0"))
        self.assert_usage_error("bench", "--kv", "")
        self.assert_fails("bench", "--isa", "")
        self.assert_usage_error("bench", "-r", "0")
        self.assert_usage_error("bench", "-o", "xml")


if __name__ == "__main__":
    unittest.main()
