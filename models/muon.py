"""The optimiser: Muon (momentum, orthogonalised) for the matrices of the blocks, AdamW for the rest."""
import torch


def orthogonalise(m):
    """m [n, rows, columns] -> about U V^T of each, by five Newton-Schulz steps of fifth order."""
    a, b, c = 3.4445, -4.7750, 2.0315
    wide = m.shape[-2] <= m.shape[-1]
    x = m if wide else m.transpose(-1, -2)
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        s = x @ x.transpose(-1, -2)
        x = a * x + (b * s + c * s @ s) @ x
    return x if wide else x.transpose(-1, -2)


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.95):
        super().__init__(params, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = {}
            for p in group['params']:
                shapes.setdefault(p.shape, []).append(p)
            for (n_out, n_in), params in shapes.items():
                for p in params:
                    mean = self.state[p].setdefault('mean', torch.zeros_like(p))
                    mean.lerp_(p.grad, 1 - group['momentum'])
                nesterov = [p.grad.lerp(self.state[p]['mean'], group['momentum']) for p in params]
                updates = orthogonalise(torch.stack(nesterov))
                for p, update in zip(params, updates):
                    p.sub_(update, alpha=group['lr'] * max(1, n_out / n_in) ** 0.5)


class Optimiser:
    """Both together, with one schedule: warm-up, constant, then a linear decay to zero from `decay` of all steps on."""

    def __init__(self, model, n_steps, lr_matrix=0.02, lr_rest=0.003, warm_up=40, decay=0.5):
        named = list(model.named_parameters())
        matrices = [p for name, p in named if p.dim() == 2 and 'token_embd' not in name]
        rest = [p for name, p in named if p.dim() == 1 or 'token_embd' in name]
        adam = torch.optim.AdamW(rest, lr_rest, (0.9, 0.95), weight_decay=0)
        self.parts = [(Muon(matrices, lr_matrix), lr_matrix), (adam, lr_rest)]
        self.n_steps, self.warm_up, self.decay = n_steps, warm_up, decay

    def step(self, i):
        """Step i (from 0) with the gradients at hand, which are then cleared."""
        scale = min(1, (i + 1) / self.warm_up, (self.n_steps - i) / (self.n_steps * (1 - self.decay)))
        for part, lr in self.parts:
            part.param_groups[0]['lr'] = lr * scale
            part.step()
            part.zero_grad(set_to_none=True)

    def state_dict(self):
        return [part.state_dict() for part, _ in self.parts]

    def load_state_dict(self, states):
        for (part, _), state in zip(self.parts, states):
            part.load_state_dict(state)
