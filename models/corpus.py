"""The endless training text: documents drawn from the grammars and packed into rows of tokens."""
import numpy as np

import dialogues
import stories
from grammar import rng_for

PLAIN_STORIES = 0.2  # share of the documents; the others are conversations


def document(rng, tokenizer):
    """-> ids, ended by <|endoftext|>"""
    if rng.random() < PLAIN_STORIES:
        return tokenizer.encode(stories.tell(rng)[0]) + [tokenizer.end_of_text]
    return tokenizer.chat(dialogues.conversation(rng)) + [tokenizer.end_of_text]


def sample_texts(rng, n):
    """Texts of n documents, for the training of the vocabulary."""
    for _ in range(n):
        if rng.random() < PLAIN_STORIES:
            yield stories.tell(rng)[0]
        else:
            yield from (f'{role}\n{text}' for role, text in dialogues.conversation(rng))


def batch(seed, stream, tokenizer, n_rows, n_tokens):
    """-> int64 [n_rows, n_tokens + 1]; each row begins with a document and is cut where it is full.

    Batches of different (seed, stream) are independent."""
    rng, rows = rng_for(seed, stream), []
    for _ in range(n_rows):
        row = []
        while len(row) <= n_tokens:
            row += document(rng, tokenizer)
        rows.append(row[:n_tokens + 1])
    return np.array(rows, np.int64)
