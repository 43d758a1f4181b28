#!/usr/bin/python3
"""Trains the embedded model and its draft model on generated text and writes both as GGUF.

A run can be stopped and started again: it goes on from the checkpoints in --work. Needs python3-torch and a fast BLAS
(libopenblas0-pthread; PyTorch of Debian is some fifty times slower with the reference BLAS).
"""
import argparse
import json
import pathlib
import sys
import time

import torch
from torch.nn import functional as F

import bpe
import corpus
import gguf
from grammar import rng_for
from muon import Optimiser
from qwen3 import Config, Qwen3

SEED = 20260623
N_MERGES = 2048 - 256 - len(bpe.CONTROL)
N_VOCAB = 2048
# name: (title, architecture, training steps)
MODELS = {
    'halcyon-tiny': ('Halcyon Tiny', Config(
        N_VOCAB, n_embd=256, n_layer=3, n_head=4, n_head_kv=2, head_dim=64, n_ff=512), 1600),
    'halcyon-tiny-draft': ('Halcyon Tiny Draft', Config(
        N_VOCAB, n_embd=128, n_layer=2, n_head=2, n_head_kv=1, head_dim=64, n_ff=256), 1000),
}
BATCH = 2048  # tokens per step: rows of 256 tokens, in every 16th step of 1024
HERE = pathlib.Path(__file__).parent


def train_batch(step, tokenizer):
    n_tokens = 1024 if step % 16 == 15 else 256
    return torch.from_numpy(corpus.batch(SEED, step, tokenizer, BATCH // n_tokens, n_tokens))


def loss_of(model, rows):
    """Mean cross entropy in nats per token; rows [B, T + 1]."""
    return F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())


@torch.no_grad()
def held_out_loss(model, tokenizer):
    """Over text that no training step sees."""
    return float(loss_of(model, torch.from_numpy(corpus.batch(SEED, 'held-out', tokenizer, 16, 256))))


def train(name, config, n_steps, tokenizer, work, deadline):
    """-> the trained model, or None when the deadline came first; the state is then in work/name.pt."""
    torch.manual_seed(SEED)
    model = Qwen3(config)
    optimiser = Optimiser(model, n_steps)
    path, log, first, spent = work / f'{name}.pt', [], 0, 0.0
    if path.exists():
        state = torch.load(path)
        model.load_state_dict(state['model'])
        optimiser.load_state_dict(state['optimiser'])
        first, spent, log = state['step'], state['seconds'], state['log']
    start = saved = time.monotonic()
    for step in range(first, n_steps):
        loss = loss_of(model, train_batch(step, tokenizer))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step(step)
        now = time.monotonic()
        if (step + 1) % 50 == 0 or step + 1 == n_steps:
            log.append(dict(step=step + 1, loss=round(loss.item(), 4), seconds=round(spent + now - start),
                            held_out=round(held_out_loss(model, tokenizer), 4)))
            print(name, json.dumps(log[-1]), flush=True)
        if now - saved > 60 or now > deadline or step + 1 == n_steps:
            saved = now
            torch.save(dict(model=model.state_dict(), optimiser=optimiser.state_dict(), step=step + 1, log=log,
                            seconds=spent + now - start), path)
            (work / f'{name}.log.json').write_text(json.dumps(log))
        if now > deadline and step + 1 < n_steps:
            return None
    return model


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('names', nargs='*', default=[*MODELS], help='which of the two (both)')
    p.add_argument('--minutes', type=float, default=float('inf'), help='stop after so long, to be continued')
    p.add_argument('--work', type=pathlib.Path, default=HERE.parent / 'build' / 'train', help='folder of checkpoints')
    p.add_argument('--out', type=pathlib.Path, default=HERE, help='folder of the GGUF files')
    a = p.parse_args()
    torch.set_num_threads(1)  # two are hardly faster at this size, and one adds in one order
    torch.use_deterministic_algorithms(True)
    a.work.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + 60 * a.minutes
    tokenizer = bpe.Tokenizer(bpe.train(corpus.sample_texts(rng_for(SEED, 'vocabulary'), 8000), N_MERGES))
    for name in a.names:
        title, config, n_steps = MODELS[name]
        model = train(name, config, n_steps, tokenizer, a.work, deadline)
        if not model:
            sys.exit('stopped; run the same command again to go on')
        gguf.write(a.out / f'{name}.gguf', model, tokenizer, title)


if __name__ == '__main__':
    main()
