"""halcyon logits: what models compute, compared with the reference."""
import json
import tempfile
import unittest

from cli import ROOT, CliTestCase, conformance_dir


class Logits(CliTestCase):
    def logits(self, *args):
        return json.loads(self.assert_ok("logits", *args))

    def test_prints_the_logits_of_the_embedded_model(self):
        result = self.logits("--tokens", "1,2,3")
        self.assertEqual(list(result), ["logits", "greedy"])
        self.assertGreater(len(result["logits"]), 1000)
        self.assertEqual(result["greedy"], [])

    def test_the_first_greedy_token_has_the_largest_logit(self):
        result = self.logits("--tokens", "1,2,3", "--greedy", "1")
        self.assertEqual(result["greedy"], [result["logits"].index(max(result["logits"]))])

    def test_agrees_with_the_reference_if_exact(self):
        cases = json.loads((conformance_dir() / "logits.json").read_text())
        for name in ("qwen3.Q4_K_S.gguf", "gemma3.f32.gguf", "gpt-oss.MXFP4.gguf", "qwen35.f32.gguf"):
            with self.subTest(name):
                case = cases[name]
                result = self.logits("-m", conformance_dir() / "models" / name, "--exact", "--kv", "f32",
                                     "--tokens", ",".join(map(str, case["prompt"])), "--greedy", "24")
                error = sum((a - b) ** 2 for a, b in zip(result["logits"], case["logits"], strict=True))
                self.assertLess(error / sum(b * b for b in case["logits"]), 1e-6)
                self.assertEqual(result["greedy"], case["greedy"])

    def test_chunks_and_threads_do_not_change_a_bit(self):
        prompt = ("--tokens", ",".join(str(7 * i % 1000) for i in range(70)), "--greedy", "4")
        one = self.assert_ok("logits", *prompt)
        for options in (("--chunk", "1"), ("--chunk", "33"), ("--threads", "1"), ("--threads", "3", "--chunk", "7")):
            with self.subTest(options):
                self.assertEqual(self.assert_ok("logits", *prompt, *options), one)

    def test_tokens_outside_the_vocabulary_are_named(self):
        self.assertIn("999999", self.assert_fails("logits", "--tokens", "1,999999"))
        self.assertIn("-1", self.assert_fails("logits", "--tokens=-1"))

    def test_tokens_are_numbers_with_commas_between(self):
        for tokens in ("", "1,,2", "1,", ",", "1 2", "1,x", "99999999999"):
            with self.subTest(tokens):
                self.assertIn("--tokens: ", self.assert_usage_error("logits", "--tokens", tokens))

    def test_what_is_wrong_with_a_model_names_its_file(self):
        model = (ROOT / "models" / "halcyon-tiny.gguf").read_bytes()
        with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
            file.write(model.replace(b"token_embd.weight", b"token_embd.heavy!", 1))
            file.flush()
            error = self.assert_fails("logits", "-m", file.name, "--tokens", "1")
        self.assertIn(f"error: {file.name}: token_embd.weight", error)

    def test_more_tokens_than_the_context_is_an_error_with_the_counts(self):
        self.assertIn("4 tokens and 7 greedy ones are more than the context of 10",
                      self.assert_fails("logits", "--ctx", "10", "--tokens", "1,2,3,4", "--greedy", "7"))

    def test_a_wrong_command_line_is_a_usage_error(self):
        self.assertIn("--tokens", self.assert_usage_error("logits"))
        self.assert_usage_error("logits", "--tokens", "1", "--chunk", "0")


if __name__ == "__main__":
    unittest.main()
