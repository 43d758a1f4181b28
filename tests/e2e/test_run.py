"""halcyon run: answers and conversations, with the embedded model."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import time
import unittest

from cli import HALCYON, ROOT, CliTestCase, halcyon

MODEL = ROOT / "models" / "halcyon-tiny.gguf"
ASK = ("run", "-p", "Tell me a story about a fox and a lantern.", "-n", "24")
MEASURES = (r"\[prefill [0-9.e+]+ tok/s \(\d+ tokens(, \d+ reused)?\) · decode [0-9.e+-]+ tok/s \(\d+ tokens\)"
            r"( · [0-9.e+]+ CPU-ms/token)?"
            r" · prefill \S+( \(\S+ above idle\))? and decode \S+( \(\S+ above idle\))? J/token \(.+?\)"
            r" · peak memory \d+ MB")


def never_ending():
    """Options that ban the tokens with which the embedded model ends its answers."""
    ids = halcyon("tokenize", "-m", MODEL, "--ids", stdin="<|im_end|><|endoftext|>").stdout
    return [f"--logit-bias={token}-inf" for token in re.findall(r"\d+", ids)]


class OneAnswer(CliTestCase):
    def test_answers_with_the_model_inside_the_program(self):
        result = halcyon(*ASK)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertGreater(len(result.stdout.split()), 8)
        self.assertTrue(result.stdout.endswith("\n"))
        self.assertRegex(result.stderr, rf"\A{MEASURES} · loaded in \d+\.\d\d s\]\n\Z")

    def test_quiet_prints_the_answer_alone(self):
        self.assertEqual(halcyon(*ASK, "--quiet").stderr, "")

    def test_the_same_seed_gives_the_same_answer(self):
        first = self.assert_ok(*ASK, "--temp", "1", "--seed", "7")
        self.assertEqual(self.assert_ok(*ASK, "--temp", "1", "--seed", "7"), first)
        others = {self.assert_ok(*ASK, "--temp", "1.5", "--seed", str(seed)) for seed in range(3)}
        self.assertGreater(len(others), 1)

    def test_the_number_of_threads_does_not_change_the_answer(self):
        one = self.assert_ok(*ASK, "--temp", "0", "--threads", "1")
        self.assertEqual(self.assert_ok(*ASK, "--temp", "0", "--threads", "2"), one)
        self.assertEqual(self.assert_ok(*ASK, "--temp", "0", "--threads", "3"), one)

    def test_every_type_of_kv_cache_works(self):
        for kv in ("f16", "f32", "q8_0"):
            with self.subTest(kv):
                self.assertGreater(len(self.assert_ok(*ASK, "--temp", "0", "--kv", kv)), 20)

    def test_n_limits_the_tokens(self):
        result = halcyon(*ASK[:3], "-n", "1")
        self.assertRegex(result.stderr, r"decode - tok/s \(1 tokens\)")

    def test_raw_completes_text_without_the_template(self):
        text = "Once upon a time"
        raw = halcyon("run", "--raw", "-p", text, "-n", "8", "--temp", "0")
        chat = halcyon("run", "-p", text, "-n", "8", "--temp", "0")
        self.assertEqual((raw.returncode, chat.returncode), (0, 0))
        prompt_n = [int(re.search(r"\((\d+) tokens", r.stderr).group(1)) for r in (raw, chat)]
        self.assertLess(prompt_n[0], prompt_n[1])

    def test_a_system_message_is_part_of_the_prompt(self):
        prompt_n = [int(re.search(r"\((\d+) tokens", halcyon(*ASK, *more).stderr).group(1))
                    for more in ((), ("--system", "You tell stories."))]
        self.assertLess(prompt_n[0], prompt_n[1])

    def test_a_full_context_ends_the_answer_and_is_said(self):
        result = halcyon("run", "-p", "Hi", "--ctx", "32", *never_ending())
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("[the context of 32 tokens is full: --ctx makes room]\n", result.stderr)

    def test_a_banned_token_does_not_come(self):
        text = "Once upon a"
        ids = halcyon("tokenize", "-m", MODEL, "--ids", stdin=text).stdout.strip("[]\n")
        likely = json.loads(self.assert_ok("logits", "--tokens", ids, "--greedy", "1"))["greedy"][0]
        ask = ("run", "--raw", "-p", text, "-n", "1", "--temp", "0")
        self.assertNotEqual(self.assert_ok(*ask, f"--logit-bias={likely}-inf"), self.assert_ok(*ask))


class Errors(CliTestCase):
    def test_a_prompt_longer_than_the_context_says_both_lengths(self):
        self.assertRegex(self.assert_fails("run", "-p", "word " * 100, "--ctx", "50"),
                         r"the prompt has \d\d\d tokens, more than the context of 50: .*--ctx")

    def test_a_missing_file_is_named(self):
        self.assertIn("no-such.gguf", self.assert_fails("run", "-m", "no-such.gguf", "-p", "Hi"))

    def test_a_file_that_is_no_model_is_named(self):
        with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
            file.write(b"not a model at all")
            file.flush()
            self.assertIn(file.name, self.assert_fails("run", "-m", file.name, "-p", "Hi"))

    def test_options_out_of_range_are_usage_errors(self):
        for option in ("--temp=-1", "--top-p=1.5", "--min-p=-0.1", "--top-k=-3", "--repeat-penalty=0", "--kv=f8",
                       "--ctx=-1", "--threads=-1", "-n=-2", "--logit-bias=x", "--logit-bias=5", "--logit-bias=5+x",
                       "--seed=-1"):
            with self.subTest(option):
                self.assert_usage_error("run", "-p", "Hi", option)

    def test_messages_about_options_say_what_is_possible(self):
        for option, possible in (
                ("--seed=18446744073709551616", "a whole number from 0 to 18446744073709551615"),
                ("--seed=-1", "a whole number from 0 to 18446744073709551615"), ("--seed=x", "a whole number from 0"),
                ("--kv=q4_0", "'q4_0' is not f16, f32 or q8_0"), ("--kv=1", "'1' is not f16, f32 or q8_0"),
                ("--repeat-penalty=0", "'0' is not a number above 0"), ("--temp=-1", "'-1' is not a number from 0 on"),
                ("--top-p=1.5", "'1.5' is not a number from 0 to 1"), ("--temp=nan", "'nan' is not a number from 0 on"),
                ("--presence-penalty=x", "'x' is not a number"),
                ("--top-k=3000000000", "a whole number from 0 to 2147483647")):
            with self.subTest(option):
                error = self.assert_usage_error("run", "-p", "Hi", option)
                self.assertIn(possible, error)
                self.assertLess(len(error.splitlines()[0]), 110)

    def test_the_largest_seed_is_one(self):
        self.assert_ok(*ASK, "--seed", str(2**64 - 1))

    def test_a_bias_for_a_token_outside_the_vocabulary_fails(self):
        self.assertIn("999999", self.assert_fails("run", "-p", "Hi", "--logit-bias=999999+1"))

    def test_raw_needs_a_prompt(self):
        self.assertIn("--prompt", self.assert_usage_error("run", "--raw"))

    def test_output_that_can_not_be_written_is_an_error(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run([HALCYON, *ASK], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(result.returncode, 1)
        self.assertIn("cannot write standard output", result.stderr)


class Pipe(CliTestCase):
    def test_answers_line_by_line_and_remembers(self):
        result = halcyon("run", "-n", "16", "--temp", "0", stdin="Who are you?\n\nWhat is 3 + 4?\n")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(re.findall(MEASURES, result.stderr)), 2)
        self.assertRegex(result.stderr, r"tokens, \d+ reused")  # the second prompt goes on from the first

    def test_clear_forgets(self):
        remembered = halcyon("run", "-n", "8", stdin="Hi\nHi\n").stderr
        forgotten = halcyon("run", "-n", "8", stdin="Hi\n/clear\nHi\n").stderr
        tokens = [int(re.findall(r"prefill \S+ tok/s \((\d+) tokens", text)[1]) for text in (remembered, forgotten)]
        self.assertEqual(tokens[1], 1)  # all but the last token are those of the first prompt
        self.assertGreater(tokens[0], 1)

    def test_exit_leaves(self):
        self.assertEqual(self.assert_ok("run", stdin="/exit\nHi\n"), "")

    def test_a_conversation_that_outgrows_the_context_fails_with_both_lengths(self):
        result = halcyon("run", "--ctx", "40", "-n", "4", stdin="Hi there, who are you?\n" * 8)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"the conversation has \d+ tokens, more than the context of 40: /clear")


class Terminal(unittest.TestCase):
    """A user at a terminal, typing."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.state = folder.name

    def start(self, *options):
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update(TERM="xterm", XDG_STATE_HOME=self.state)
            os.execv(HALCYON, ["halcyon", "run", *options])
        self.pid, self.terminal, self.seen = pid, terminal, ""
        self.addCleanup(os.close, terminal)
        self.addCleanup(self.stop)

    def stop(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def expect(self, pattern, timeout=60):
        """Reads until `pattern` shows up; what was read up to its end is used up and returned."""
        deadline = time.monotonic() + timeout
        while not (match := re.search(pattern, self.seen)):
            ready, _, _ = select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))
            try:
                more = os.read(self.terminal, 4096) if ready else b""
            except OSError:  # the program has closed its end
                more = b""
            self.assertTrue(more, f"{pattern} did not come after {self.seen!r}")
            self.seen += more.decode(errors="replace")
        text, self.seen = self.seen[:match.end()], self.seen[match.end():]
        return text

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def expect_exit(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.pid = 0
                return self.assertEqual(os.waitstatus_to_exitcode(status), 0)
            try:
                if select.select([self.terminal], [], [], 0.05)[0]:
                    os.read(self.terminal, 4096)
            except OSError:
                time.sleep(0.05)
        self.fail("the program goes on")

    def test_ctrl_c_stops_the_answer_and_not_the_program(self):
        self.start("--seed", "1", *never_ending())
        self.expect("> ")
        self.type("Tell me a story.\n")
        self.expect(r"story\.\s+\S+\s+\S+\s+\S+")
        self.type("\x03")
        answer = self.expect(MEASURES)
        self.assertLess(int(re.search(r"decode \S+ tok/s \((\d+)", answer).group(1)), 900)
        self.expect("> ")
        self.type("/exit\n")
        self.expect_exit()

    def test_ctrl_c_at_the_prompt_says_how_to_leave_and_ctrl_d_does(self):
        self.start()
        self.expect("> ")
        self.type("half a line")
        self.type("\x03")
        self.expect("Ctrl-D or /exit leaves")
        self.expect("> ")
        self.type("/help\n")
        self.expect("start a new conversation")
        self.expect("> ")
        self.type("\x04")
        self.expect_exit()

    def test_lines_are_remembered_across_sessions(self):
        self.start("-n", "4")
        self.expect("> ")
        self.type("Who are you?\n")
        self.expect(MEASURES)
        self.expect("> ")
        self.type("/exit\n")
        self.expect_exit()
        self.start("-n", "4")
        self.expect("> ")
        self.type("\x1b[A\x1b[A")  # up, past /exit
        self.expect(r"Who are you\?")
        self.type("\n")
        self.expect(MEASURES)
        self.expect("> ")
        self.type("\x04")
        self.expect_exit()

    def test_an_error_of_the_template_is_one_harmless_line_and_the_chat_goes_on(self):
        model = MODEL.read_bytes()
        template = json.loads(halcyon("inspect", "--json", MODEL).stdout)["metadata"]["tokenizer.chat_template"]["value"].encode()
        raises = b'{{ raise_exception("no\\nway\x1b]0;x\x07") }}'.ljust(len(template))
        path = os.path.join(self.state, "raises.gguf")
        with open(path, "wb") as file:
            file.write(model.replace(template, raises))
        self.start("-m", path)
        for _ in range(2):
            self.expect("> ")
            self.type("Hi\n")
            self.assertNotIn("\x1b]", self.expect(r"\[[^\n]*no\\nway\\x1b\]0;x\\x07\]"))
        self.expect("> ")
        self.type("/exit\n")
        self.expect_exit()

    def test_control_characters_do_not_reach_the_terminal(self):
        # Banning nothing and biasing one byte token: an escape character, again and again.
        token = re.search(r"\d+", halcyon("tokenize", "-m", MODEL, "--ids", stdin="\x1b").stdout).group(0)
        self.start("-p", "Hi", "-n", "3", f"--logit-bias={token}+1000")
        self.assertIn("\u241b\u241b\u241b", self.expect(MEASURES))
        self.expect_exit()


if __name__ == "__main__":
    unittest.main()
