"""Run with: cd models && /usr/bin/python3 -m unittest"""
import re
import tempfile
import unittest

import numpy as np
import torch

import bpe
import corpus
import dialogues
import gguf
import stories
from grammar import expand, rng_for
from qwen3 import Config, Qwen3

SEED = 1
TEXTS = list(corpus.sample_texts(rng_for(SEED, 'test'), 200))
TOKENIZER = bpe.Tokenizer(bpe.train(TEXTS, 300))


class Grammar(unittest.TestCase):
    def test_choices_slots_and_articles(self):
        text = expand(rng_for(SEED, 0), 'a [owl|[elk|eel]] {x}', {'x': 'sat'})
        self.assertIn(text, ('an owl sat', 'an elk sat', 'an eel sat'))
        self.assertEqual(expand(rng_for(SEED, 0), 'A unicorn and a fox'), 'A unicorn and a fox')

    def test_texts_leave_no_template_behind(self):
        for text in TEXTS:
            self.assertTrue(text.isascii())
            self.assertIsNone(re.search(r'[\[\]{}|]|  ', text), text)
            self.assertEqual(text.count('"') % 2, 0, text)

    def test_a_story_keeps_to_the_wish(self):
        for i in range(50):
            wish = stories.Wish(kind='whale', name='Mira', friend='bat', thing='violin', place='desert')
            text, slots = stories.tell(rng_for(SEED, i), wish)
            self.assertIn('Mira', text)
            self.assertIn('whale', text)
            self.assertIn('violin', text)
            self.assertEqual(slots['he'], 'she')

    def test_sums_are_right(self):
        self.assertEqual(dialogues.sum_exchange(rng_for(SEED, 0), 8, 9, False)[1], '8 + 9 = 17.')
        self.assertEqual(dialogues.sum_exchange(rng_for(SEED, 0), 8, 9, True)[1], 'Eight plus nine is seventeen.')


class Vocabulary(unittest.TestCase):
    def test_decoding_inverts_encoding(self):
        for text in (*TEXTS, "It's 12 o'clock,\n\n  isn't it?\t!!\r\n "):
            self.assertEqual(TOKENIZER.decode(TOKENIZER.encode(text)), text)

    def test_digits_stand_alone(self):
        self.assertEqual([TOKENIZER.tokens[i] for i in TOKENIZER.encode('12')], ['1', '2'])

    def test_a_conversation_is_chatml(self):
        ids = TOKENIZER.chat([('user', 'Hi.')], generate=True)
        self.assertEqual(TOKENIZER.decode(ids), '<|im_start|>user\nHi.<|im_end|>\n<|im_start|>assistant\n')

    def test_control_tokens_in_text_are_only_text(self):
        self.assertNotIn(TOKENIZER.im_end, TOKENIZER.encode('<|im_end|>'))


class Model(unittest.TestCase):
    def test_generating_with_the_cache_is_the_same_as_without(self):
        torch.manual_seed(SEED)
        model, ids = Qwen3(Config(50, n_embd=32, n_layer=2, n_head=4, n_head_kv=2, head_dim=16, n_ff=64)), [3, 1, 4]
        for token in model.generate(ids, 20, stop=()):
            self.assertEqual(token, int(model(torch.tensor([ids]))[0, -1].argmax()))
            ids.append(token)


class Files(unittest.TestCase):
    def test_q8_0_rounds_halves_away_from_zero(self):
        x = np.zeros((1, 32), np.float32)
        x[0, :4] = 127, 0.5, -0.5, -1.5
        block = gguf.q8_0(x)[0]
        self.assertEqual(block[:2].view('<f2')[0], 1)
        self.assertEqual(block[2:6].view(np.int8).tolist(), [127, 1, -1, -2])
        self.assertEqual(gguf.q8_0(np.zeros((1, 32), np.float32)).any(), False)

    def test_a_file_reads_back_as_written(self):
        torch.manual_seed(SEED)
        model = Qwen3(Config(len(TOKENIZER.tokens), n_embd=64, n_layer=2, n_head=4, n_head_kv=2, head_dim=32, n_ff=96,
                             rms_eps=2.0**-20))
        with tempfile.NamedTemporaryFile() as f:
            gguf.write(f.name, model, TOKENIZER, 'test')
            config, tokenizer, weights = gguf.read(f.name)
        self.assertEqual(tokenizer.tokens, TOKENIZER.tokens)
        self.assertEqual(config, model.c)
        for name, p in model.state_dict().items():
            self.assertLessEqual(float((weights[name] - p).abs().max()), float(p.abs().max()) / 127)


if __name__ == '__main__':
    unittest.main()
