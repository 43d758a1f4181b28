"""Byte-level BPE: training and encoding, as GGUF's tokenizer model "gpt2" with the pre-tokenizer "qwen2" reads it.

Python's `re` has no \\p{L} and \\p{N}. The corpus is plain ASCII, where [A-Za-z] and [0-9] are exactly these classes, so
the pattern below cuts it as the original does.
"""
import collections
import re

PIECES = re.compile(r"'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])|[^\r\nA-Za-z0-9]?[A-Za-z]+|[0-9]"
                    r'| ?[^\sA-Za-z0-9]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+', re.ASCII)
END_OF_TEXT, IM_START, IM_END = CONTROL = ('<|endoftext|>', '<|im_start|>', '<|im_end|>')


def byte_letters():
    """GPT-2's printable stand-in for each byte, in the order of the bytes."""
    shown = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    rest = iter(range(0x100, 0x200))
    return [chr(b) if b in shown else chr(next(rest)) for b in range(256)]


LETTERS = byte_letters()


def merge(symbols, pair):
    """symbols with each occurrence of the pair joined, from the left."""
    out, i = [], 0
    while i < len(symbols):
        if symbols[i:i + 2] == pair:
            out.append(symbols[i] + symbols[i + 1])
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return tuple(out)


def train(texts, n_merges):
    """-> list of n_merges pairs of symbols, most frequent first; equal counts go by alphabet."""
    pieces = collections.Counter(piece for text in texts for piece in PIECES.findall(text))
    words = [(tuple(LETTERS[b] for b in piece.encode()), count) for piece, count in sorted(pieces.items())]
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for i, (word, count) in enumerate(words):
        for pair in zip(word, word[1:]):
            pairs[pair] += count
            where[pair].add(i)
    merges = []
    for _ in range(n_merges):
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for i in where.pop(best):
            word, count = words[i]
            for pair in zip(word, word[1:]):
                pairs[pair] -= count
            words[i] = (merge(word, best), count)
            for pair in zip(words[i][0], words[i][0][1:]):
                pairs[pair] += count
                where[pair].add(i)
        del pairs[best]
    return merges


class Tokenizer:
    """256 bytes, then one token per merge, then the control tokens."""

    def __init__(self, merges):
        self.merges = merges
        self.tokens = [*LETTERS, *(a + b for a, b in merges), *CONTROL]
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self.rank = {pair: i for i, pair in enumerate(merges)}
        self.end_of_text, self.im_start, self.im_end = (self.ids[token] for token in CONTROL)
        self.cache = {}

    def piece(self, piece):
        if piece not in self.cache:
            word = tuple(LETTERS[b] for b in piece.encode())
            while len(word) > 1:
                best = min(zip(word, word[1:]), key=lambda pair: self.rank.get(pair, len(self.rank)))
                if best not in self.rank:
                    break
                word = merge(word, best)
            self.cache[piece] = [self.ids[symbol] for symbol in word]
        return self.cache[piece]

    def encode(self, text):
        """ASCII text, in which control tokens have no meaning -> ids"""
        return [i for piece in PIECES.findall(text) for i in self.piece(piece)]

    def chat(self, turns, generate=False):
        """ChatML of (role, text) pairs -> ids; `generate` opens the assistant's turn."""
        ids = []
        for role, text in turns:
            ids += [self.im_start, *self.encode(f'{role}\n{text}'), self.im_end, *self.encode('\n')]
        return ids + ([self.im_start, *self.encode('assistant\n')] if generate else [])

    def decode(self, ids):
        n_bytes = {letter: b for b, letter in enumerate(LETTERS)}
        data = bytearray()
        for i in ids:
            token = self.tokens[i]
            data += token.encode() if token in CONTROL else bytes(n_bytes[letter] for letter in token)
        return data.decode(errors='replace')
