"""halcyon template: renders a chat template with a context."""
import json
import pathlib
import tempfile
import unittest

from cli import CliTestCase

MESSAGES = {"messages": [{"role": "user", "content": "Hi"}]}


class Template(CliTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.template = pathlib.Path(folder.name) / "chat.jinja"
        self.context = pathlib.Path(folder.name) / "context.json"
        self.template.write_text("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}")
        self.context.write_text(json.dumps(MESSAGES))

    def test_renders_to_standard_output(self):
        self.assertEqual(self.assert_ok("template", self.template, "--context", self.context), "<user>Hi")

    def test_reads_the_context_from_standard_input(self):
        text = self.assert_ok("template", self.template, "--context", "-", stdin=json.dumps(MESSAGES))
        self.assertEqual(text, "<user>Hi")

    def test_the_context_is_required(self):
        self.assertIn("--context", self.assert_usage_error("template", self.template))

    def test_a_missing_file_is_named(self):
        self.assertIn("no-such.jinja", self.assert_fails("template", "no-such.jinja", "--context", self.context))

    def test_a_context_that_is_not_json_is_named(self):
        self.context.write_text("{")
        self.assertIn("context.json", self.assert_fails("template", self.template, "--context", self.context))

    def test_a_broken_template_is_named(self):
        self.template.write_text("{% for %}")
        self.assertIn("chat.jinja", self.assert_fails("template", self.template, "--context", self.context))

    def test_an_error_is_one_line_whatever_the_template_says(self):
        self.template.write_text('{{ raise_exception("a\\nb\x1b]0;x\x07 für \u300c\u8336\u300d") }}')
        error = self.assert_fails("template", self.template, "--context", self.context)
        self.assertTrue(error.endswith("a\\nb\\x1b]0;x\\x07 für \u300c\u8336\u300d\n"), error)


if __name__ == "__main__":
    unittest.main()
