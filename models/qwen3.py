"""The Qwen3 architecture in PyTorch, with the tensor names and shapes of GGUF (a torch weight is [out, in])."""
import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Config:
    n_vocab: int
    n_embd: int
    n_layer: int
    n_head: int
    n_head_kv: int
    head_dim: int
    n_ff: int
    n_ctx: int = 1024
    rms_eps: float = 1e-6
    rope_base: float = 10000.0


class RMSNorm(nn.Module):
    def __init__(self, n, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(n)), eps

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


def rope(x, cos, sin):
    """x [B, H, T, hd], cos and sin [T, hd/2]; the pairs are (j, j + hd/2)."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        matrix = lambda n_in, n_out: nn.Linear(n_in, n_out, bias=False)
        self.attn_norm, self.ffn_norm = RMSNorm(c.n_embd, c.rms_eps), RMSNorm(c.n_embd, c.rms_eps)
        self.attn_q = matrix(c.n_embd, c.n_head * c.head_dim)
        self.attn_k = matrix(c.n_embd, c.n_head_kv * c.head_dim)
        self.attn_v = matrix(c.n_embd, c.n_head_kv * c.head_dim)
        self.attn_q_norm, self.attn_k_norm = RMSNorm(c.head_dim, c.rms_eps), RMSNorm(c.head_dim, c.rms_eps)
        self.attn_output = matrix(c.n_head * c.head_dim, c.n_embd)
        self.ffn_gate, self.ffn_up = matrix(c.n_embd, c.n_ff), matrix(c.n_embd, c.n_ff)
        self.ffn_down = matrix(c.n_ff, c.n_embd)

    def attention(self, x, cos, sin, mask, cache):
        """x [B, T, n_embd]; mask [T, T + past] of 0 and -inf; cache: the list of k and v of the past, which grows, or None"""
        c, (n_batch, n_tokens, _) = self.c, x.shape
        heads = lambda y: y.view(n_batch, n_tokens, -1, c.head_dim)
        q = rope(self.attn_q_norm(heads(self.attn_q(x))).transpose(1, 2), cos, sin)
        k = rope(self.attn_k_norm(heads(self.attn_k(x))).transpose(1, 2), cos, sin)
        v = heads(self.attn_v(x)).transpose(1, 2)
        if cache is not None:
            k, v = (torch.cat(pair, 2) for pair in zip(cache, (k, v))) if cache else (k, v)
            cache[:] = k, v
        k, v = (y.repeat_interleave(c.n_head // c.n_head_kv, 1) for y in (k, v))
        score = (q / math.sqrt(c.head_dim)) @ k.transpose(-1, -2) + mask
        return self.attn_output((score.softmax(-1) @ v).transpose(1, 2).reshape(n_batch, n_tokens, -1))

    def forward(self, x, cos, sin, mask, cache):
        x = x + self.attention(self.attn_norm(x), cos, sin, mask, cache)
        y = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(y)) * self.ffn_up(y))


class Qwen3(nn.Module):
    """tokens [B, T] -> logits [B, T, n_vocab]; the head is the embedding ("tied")."""

    def __init__(self, c):
        super().__init__()
        self.c = c
        self.token_embd = nn.Embedding(c.n_vocab, c.n_embd)
        self.blk = nn.ModuleList(Block(c) for _ in range(c.n_layer))
        self.output_norm = RMSNorm(c.n_embd, c.rms_eps)
        nn.init.normal_(self.token_embd.weight, std=0.02)
        for name, p in self.named_parameters():
            if p.dim() == 2 and 'token_embd' not in name:
                residual = 'attn_output' in name or 'ffn_down' in name
                nn.init.normal_(p, std=1 / math.sqrt(p.shape[1]) / (math.sqrt(2 * c.n_layer) if residual else 1))

    def hidden(self, tokens, past=0, caches=None):
        """tokens [B, T] at the positions from `past` on -> [B, T, n_embd] after output_norm; caches: a list per block"""
        n_tokens, c = tokens.shape[1], self.c
        frequency = c.rope_base ** (-torch.arange(0, c.head_dim, 2) / c.head_dim)
        angle = torch.outer(torch.arange(past, past + n_tokens), frequency)
        mask = torch.full((n_tokens, past + n_tokens), -math.inf).triu(past + 1)
        x = self.token_embd(tokens)
        for block, cache in zip(self.blk, caches or [None] * c.n_layer):
            x = block(x, angle.cos(), angle.sin(), mask, cache)
        return self.output_norm(x)

    def forward(self, tokens):
        return F.linear(self.hidden(tokens), self.token_embd.weight)

    @torch.no_grad()
    def generate(self, tokens, n_max, stop, temperature=0.0, generator=None):
        """Up to n_max ids after the list of prompt ids; ends at an id in `stop`, which is not returned."""
        ids, past, caches = list(tokens), 0, [[] for _ in self.blk]
        while len(ids) < min(len(tokens) + n_max, self.c.n_ctx):
            logits = F.linear(self.hidden(torch.tensor([ids[past:]]), past, caches)[0, -1], self.token_embd.weight)
            past = len(ids)
            if temperature:
                token = int(torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator))
            else:
                token = int(logits.argmax())
            if token in stop:
                break
            ids.append(token)
        return ids[len(tokens):]

    def n_params(self):
        return sum(p.numel() for p in self.parameters())
