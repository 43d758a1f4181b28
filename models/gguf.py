"""Qwen3 models and their tokenizers as GGUF v3 files: matrices in Q8_0, norms in F32. It reads only what it writes."""
import struct

import numpy as np
import torch

import bpe
from qwen3 import Config

U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
TYPE_F32, TYPE_Q8_0, ALIGNMENT = 0, 8, 32
FILE_TYPE_Q8_0, NORMAL, CONTROL = 7, 1, 3

CHAT_TEMPLATE = ("{% for message in messages %}"
                 "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
                 "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")


def value(kind, v):
    if kind == STRING:
        return struct.pack('<Q', len(v.encode())) + v.encode()
    return struct.pack({U32: '<I', I32: '<i', F32: '<f', BOOL: '<?'}[kind], v)


def entry(key, kind, v, element=None):
    head = value(STRING, key) + struct.pack('<i', kind)
    if kind == ARRAY:
        return head + struct.pack('<iQ', element, len(v)) + b''.join(value(element, x) for x in v)
    return head + value(kind, v)


def q8_0(x):
    """float32 [rows, n] -> uint8 [blocks, 34]: for 32 weights d = max|x| / 127 as f16, then the codes x / d, halves
    rounded away from 0."""
    x = np.ascontiguousarray(x, np.float32).reshape(-1, 32)
    d = np.abs(x).max(1, keepdims=True) / np.float32(127)
    inverse = np.divide(np.float32(1), d, out=np.zeros_like(d), where=d > 0)
    y = x * inverse
    codes = np.trunc(y + np.copysign(np.float32(0.5), y)).astype(np.int8)
    return np.concatenate([d.astype('<f2').view(np.uint8), codes.view(np.uint8)], 1)


def metadata(c, tokenizer, name):
    """-> encoded entries"""
    kinds = [NORMAL] * (len(tokenizer.tokens) - len(bpe.CONTROL)) + [CONTROL] * len(bpe.CONTROL)
    merges = [f'{a} {b}' for a, b in tokenizer.merges]
    return [
        entry('general.architecture', STRING, 'qwen3'),
        entry('general.type', STRING, 'model'),
        entry('general.name', STRING, name),
        entry('general.license', STRING, 'MIT'),
        entry('general.file_type', U32, FILE_TYPE_Q8_0),
        entry('general.quantization_version', U32, 2),
        entry('qwen3.context_length', U32, c.n_ctx),
        entry('qwen3.embedding_length', U32, c.n_embd),
        entry('qwen3.block_count', U32, c.n_layer),
        entry('qwen3.feed_forward_length', U32, c.n_ff),
        entry('qwen3.attention.head_count', U32, c.n_head),
        entry('qwen3.attention.head_count_kv', U32, c.n_head_kv),
        entry('qwen3.attention.key_length', U32, c.head_dim),
        entry('qwen3.attention.value_length', U32, c.head_dim),
        entry('qwen3.attention.layer_norm_rms_epsilon', F32, c.rms_eps),
        entry('qwen3.rope.freq_base', F32, c.rope_base),
        entry('qwen3.vocab_size', U32, c.n_vocab),
        entry('tokenizer.ggml.model', STRING, 'gpt2'),
        entry('tokenizer.ggml.pre', STRING, 'qwen2'),
        entry('tokenizer.ggml.tokens', ARRAY, tokenizer.tokens, STRING),
        entry('tokenizer.ggml.token_type', ARRAY, kinds, I32),
        entry('tokenizer.ggml.merges', ARRAY, merges, STRING),
        entry('tokenizer.ggml.eos_token_id', U32, tokenizer.im_end),
        entry('tokenizer.ggml.padding_token_id', U32, tokenizer.end_of_text),
        entry('tokenizer.ggml.add_bos_token', BOOL, False),
        entry('tokenizer.chat_template', STRING, CHAT_TEMPLATE),
    ]


def write(path, model, tokenizer, name):
    """`name` is what general.name says."""
    infos, data = [], bytearray()
    for key, p in model.state_dict().items():
        x = p.numpy()
        kind, raw = (TYPE_F32, x.astype('<f4').tobytes()) if x.ndim == 1 else (TYPE_Q8_0, q8_0(x).tobytes())
        infos.append(value(STRING, key) + struct.pack(f'<I{x.ndim}qiQ', x.ndim, *reversed(x.shape), kind, len(data)))
        data += raw + bytes(-len(raw) % ALIGNMENT)
    entries = metadata(model.c, tokenizer, name)
    head = b'GGUF' + struct.pack('<Iqq', 3, len(infos), len(entries)) + b''.join(entries + infos)
    with open(path, 'wb') as f:
        f.write(head + bytes(-len(head) % ALIGNMENT) + data)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def fields(self, layout):
        out = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return out

    def value(self, kind):
        if kind == STRING:
            (n,) = self.fields('<Q')
            self.at += n
            return self.data[self.at - n:self.at].decode()
        if kind == ARRAY:
            element, n = self.fields('<iQ')
            return [self.value(element) for _ in range(n)]
        return self.fields({U32: '<I', I32: '<i', F32: '<f', BOOL: '<?'}[kind])[0]

    def tensor(self, shape, kind, start):
        n = int(np.prod(shape))
        if kind == TYPE_F32:
            x = np.frombuffer(self.data, '<f4', n, start)
        else:
            blocks = np.frombuffer(self.data, np.uint8, n // 32 * 34, start).reshape(-1, 34)
            x = blocks[:, 2:].view(np.int8) * np.ascontiguousarray(blocks[:, :2]).view('<f2').astype(np.float32)
        return torch.from_numpy(x.astype(np.float32).reshape(shape))


def read(path):
    """A file of write() -> (config, tokenizer, state dict with the decoded weights)"""
    with open(path, 'rb') as f:
        r = Reader(f.read())
    _, _, n_tensors, n_entries = r.fields('<4siqq')
    meta = {r.value(STRING): r.value(*r.fields('<i')) for _ in range(n_entries)}
    infos = []
    for _ in range(n_tensors):
        name, (n_dims,) = r.value(STRING), r.fields('<I')
        infos.append((name, r.fields(f'<{n_dims}q')[::-1], *r.fields('<iQ')))
    data = r.at + -r.at % ALIGNMENT
    c = lambda key: meta['qwen3.' + key]
    config = Config(c('vocab_size'), c('embedding_length'), c('block_count'), c('attention.head_count'),
                    c('attention.head_count_kv'), c('attention.key_length'), c('feed_forward_length'),
                    c('context_length'), c('attention.layer_norm_rms_epsilon'), c('rope.freq_base'))
    tokenizer = bpe.Tokenizer([tuple(pair.split(' ')) for pair in meta['tokenizer.ggml.merges']])
    return config, tokenizer, {name: r.tensor(shape, kind, data + offset) for name, shape, kind, offset in infos}
