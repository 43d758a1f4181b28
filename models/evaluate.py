#!/usr/bin/python3
"""Measures the two GGUF files as the model card reports them. Deterministic; a minute or two."""
import argparse
import itertools
import pathlib
import re

import torch
from torch.nn.utils.rnn import pad_sequence

import about
import corpus
import dialogues
import gguf
import stories
from grammar import SLOT, expand, rng_for
from qwen3 import Qwen3
from train import SEED, loss_of

HERE = pathlib.Path(__file__).parent
# Wordings that the grammar does not contain.
UNSEEN = (
    'Tell me a story about a fox and a lantern.',
    'Could you please write me a small story about a mouse who finds a bell?',
    'Hello there, who are you then?',
    'How would I go about running my own GGUF model?',
    'Does Halcyon eat any CPU while nothing happens?',
    'Is your licence MIT?',
    'Which command shows the tensors of a file?',
    'So what does one token cost me?',
    '3 + 4',
    'What would 8 plus 9 be?',
    'Is five plus six eleven?',
    'What is 12 + 30?',
    'Who was the first man on the moon?',
    'Please write a haiku.',
)


def load(path):
    config, tokenizer, weights = gguf.read(path)
    model = Qwen3(config)
    model.load_state_dict(weights)
    return model.eval(), tokenizer


@torch.no_grad()
def greedy_says(model, tokenizer, pairs):
    """For each (question, answer): would greedy decoding answer exactly this?"""
    said, order = {}, sorted(range(len(pairs)), key=lambda i: len(pairs[i][0] + pairs[i][1]))
    for start in range(0, len(order), 256):
        chunk = order[start:start + 256]
        prompts = [tokenizer.chat([('user', pairs[i][0])], generate=True) for i in chunk]
        answers = [tokenizer.encode(pairs[i][1]) + [tokenizer.im_end] for i in chunk]
        best = model(pad_sequence([torch.tensor(p + a) for p, a in zip(prompts, answers)], batch_first=True)).argmax(-1)
        for i, row, p, a in zip(chunk, best.tolist(), prompts, answers):
            said[i] = row[len(p) - 1:len(p) + len(a) - 1] == a
    return [said[i] for i in range(len(pairs))]


def sum_accuracy(model, tokenizer):
    """-> share of right answers over all one-digit sums in every wording of the grammar: (in digits, in words)"""
    result = []
    for in_words, wordings in ((False, dialogues.SUM_IN_DIGITS), (True, dialogues.SUM_IN_WORDS)):
        sums = itertools.product(range(10), range(10), wordings)
        pairs = [dialogues.sum_exchange(None, a, b, in_words, wording) for a, b, wording in sums]
        said = greedy_says(model, tokenizer, pairs)
        result.append(sum(said) / len(said))
    return result


def topic_accuracy(model, tokenizer):
    """-> share of the questions about Halcyon and the model that get one of their answers, and the other questions"""
    asked, pairs, rng = [], [], rng_for(SEED, 'topics')
    for questions, answers in about.TOPICS:
        for question in (expand(rng, q) for q in questions):
            asked += [question] * len(answers)
            pairs += [(question, answer) for answer in answers]
    right = {}
    for question, good in zip(asked, greedy_says(model, tokenizer, pairs)):
        right[question] = right.get(question, False) or good
    return sum(right.values()) / len(right), [question for question, good in right.items() if not good]


@torch.no_grad()
def agreement(model, draft, tokenizer):
    """-> share of the positions of held-out text where both models have the same most likely token"""
    rows = torch.from_numpy(corpus.batch(SEED, 'held-out', tokenizer, 64, 256))[:, :-1]
    return float((model(rows).argmax(-1) == draft(rows).argmax(-1)).float().mean())


def pattern(template):
    """A regular expression for what a story template can say."""
    pronouns = 'he him his she her hers He His She Hers'.split()
    values = {'n': '[A-Z][a-z]+', 'm': '[A-Z][a-z]+', **dict.fromkeys(pronouns, '[Hh]e|[Ss]he|[Hh]is|[Hh]er|him'),
              'p': '|'.join(stories.PLACES.values()), 'pl': '|'.join('the ' + place for place in stories.PLACES),
              'q': '|'.join(stories.FARAWAY)}
    text = re.sub(r'([.?+])', r'\\\1', template).replace('[', '(?:').replace(']', ')')
    text = SLOT.sub(lambda slot: f'(?:{values.get(slot[1], "[a-z]+")})', text)
    return re.compile(re.sub(r'\b([Aa]) ', r'\1n? ', text) + r'\s*')


def grammatical(text, patterns):
    """-> (sentences or groups of them that the grammar can say, others)"""
    good = bad = at = 0
    while at < len(text):
        match = next((m for m in (p.match(text, at) for p in patterns) if m), None)
        end = match.end() if match else next((m.end() for m in re.finditer(r'[.?!]"?\s+', text[at:])), None)
        good, bad = good + bool(match), bad + (not match)
        at = match.end() if match else at + end if end else len(text)
    return good, bad


def story_quality(model, tokenizer, temperature, n=40):
    """-> shares over n requested stories: sentences that the grammar can say, stories that name exactly two characters,
    stories with the kind and the thing that were asked for"""
    patterns = [pattern(t) for t in {t for plot in stories.PLOTS for step in plot for t in step}]
    generator, good, bad, two, wished = torch.Generator().manual_seed(SEED), 0, 0, 0, 0
    rng = rng_for(SEED, 'stories')
    for _ in range(n):
        kind, thing = rng.choice(stories.KINDS), rng.choice(stories.THINGS)
        request = expand(rng, f'Tell me a story about a {kind} and a {thing}.')
        prompt = tokenizer.chat([('user', request)], generate=True)
        text = tokenizer.decode(model.generate(prompt, 400, {tokenizer.im_end}, temperature, generator))
        g, b = grammatical(text, patterns)
        good, bad = good + g, bad + b
        two += len({w for w in re.findall('[A-Z][a-z]+', text) if w in stories.HE or w in stories.SHE}) == 2
        wished += f' {kind}' in text and f' {thing}' in text
    return good / (good + bad), two / n, wished / n


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--dir', type=pathlib.Path, default=HERE, help='folder of the GGUF files')
    p.add_argument('--stories', type=int, default=40, help='how many stories to judge per temperature')
    a = p.parse_args()
    torch.set_num_threads(1)
    (model, tokenizer), (draft, _) = load(a.dir / 'halcyon-tiny.gguf'), load(a.dir / 'halcyon-tiny-draft.gguf')
    rows = torch.from_numpy(corpus.batch(SEED, 'held-out', tokenizer, 64, 256))
    with torch.no_grad():
        for name, m in (('model', model), ('draft', draft)):
            print(f'{name}: {m.n_params()} parameters, held-out loss {loss_of(m, rows):.4f} nats per token')
    print(f'draft: agrees with the model on the most likely token in {agreement(model, draft, tokenizer):.1%} of held-out text')
    for name, m in (('model', model), ('draft', draft)):
        print(f'{name}: sums in digits {{:.1%}}, in words {{:.1%}}'.format(*sum_accuracy(m, tokenizer)))
    share, wrong = topic_accuracy(model, tokenizer)
    print(f'model: {share:.1%} of the known questions; not: {wrong[:20]}')
    for temperature in (0, 0.8) if a.stories else ():
        grammar, two, wished = story_quality(model, tokenizer, temperature, a.stories)
        print(f'model: stories at temperature {temperature}: {grammar:.1%} of the sentences are of the grammar, '
              f'{two:.0%} have two characters, {wished:.0%} have what was asked for')
    for question in UNSEEN:
        ids = model.generate(tokenizer.chat([('user', question)], generate=True), 400, {tokenizer.im_end})
        print(f'> {question}\n{tokenizer.decode(ids)}\n')


if __name__ == '__main__':
    main()
