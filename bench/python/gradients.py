"""Gradients of rewritten ONNX files against PyTorch's, for models as PyTorch exports them. A development check.

    python3 -m venv target/gradients && target/gradients/bin/pip install -r bench/python/requirements.txt
    target/gradients/bin/python bench/python/gradients.py

Each model is exported, rewritten by the example `gradients` of tributary-attribution, run by ONNX Runtime on a batch
that is not the exporter's, and each weight's gradient compared record by record. Fails above a relative error of 1e-4.
"""

import logging
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOUND = 1e-4
logging.disable(logging.WARNING)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
        self.normal = nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.across = nn.Conv2d(3, 4, 1, stride=2)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        y = torch.relu(self.normal(self.first(x)))
        y = torch.relu(self.second(y) + self.across(x))
        return self.head(y.mean((2, 3)))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.places = nn.Embedding(11, 8), nn.Embedding(6, 8)
        self.one, self.two = nn.LayerNorm(8), nn.LayerNorm(8)
        self.all, self.out = nn.Linear(8, 24), nn.Linear(8, 8)
        self.wide, self.narrow = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, ids):
        x = self.table(ids) + self.places(torch.arange(ids.shape[1]))
        q, k, v = (part.unflatten(2, (2, 4)).transpose(1, 2) for part in self.all(self.one(x)).chunk(3, -1))
        scores = q @ k.transpose(2, 3) / 2.0
        later = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1)
        shares = scores.masked_fill(later, -1e9).softmax(-1)
        x = x + self.out((shares @ v).transpose(1, 2).flatten(2))
        x = x + self.narrow(nn.functional.gelu(self.wide(self.two(x)), approximate="tanh"))
        return x @ self.table.weight.T


class MeanOfTokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(9, 6), nn.Linear(6, 3)

    def forward(self, ids):
        return self.head(self.table(ids).mean(1))


class LowRank(nn.Module):
    def __init__(self):
        super().__init__()
        self.whole, self.down, self.up = nn.Linear(6, 5), nn.Linear(6, 2, bias=False), nn.Linear(2, 5, bias=False)

    def forward(self, x):
        return torch.tanh(self.whole(x) + 0.5 * self.up(self.down(x)))


def encoder():
    return nn.Sequential(
        nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, activation="gelu", batch_first=True), nn.Flatten(), nn.Linear(40, 3)
    )


MODELS = {
    "MLP": (lambda: nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 7), nn.SiLU(), nn.Linear(7, 4)), (6,)),
    "CNN with pooling": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(),
            nn.AvgPool2d(2), nn.Flatten(), nn.Linear(24, 5),
        ),
        (1, 8, 8),
    ),
    "residual net": (Residual, (3, 6, 6)),
    "transformer encoder block": (encoder, (5, 8)),
    "causal decoder block": (Decoder, 11),
    "embedding + mean pool": (MeanOfTokens, 9),
    "grouped/strided conv": (
        lambda: nn.Sequential(
            nn.Conv1d(4, 8, 3, stride=2, padding=1, groups=2), nn.LeakyReLU(), nn.Conv1d(8, 8, 2, dilation=2, groups=8),
            nn.Flatten(), nn.Linear(24, 3),
        ),
        (4, 9),
    ),
    "LoRA pair": (LowRank, (6,)),
}


def batch(inputs, size):
    if isinstance(inputs, int):
        return torch.randint(0, inputs, (size, 5))
    return torch.randn(size, *inputs)


def by_record(model, x, cotangent):
    """Each weight's gradient, a row a record."""
    rows = []
    for record, direction in zip(x, cotangent):
        model.zero_grad()
        (model(record[None]) * direction).sum().backward()
        rows.append({name: weight.grad.flatten().clone() for name, weight in model.named_parameters()})
    return {name: torch.stack([row[name] for row in rows]).numpy() for name in rows[0]}


def error_of(name, folder, rewrite, dynamo):
    torch.manual_seed(0)
    make, inputs = MODELS[name]
    model = make().eval()
    # Weights of their own everywhere: exporters keep equal tensors, such as fresh biases, once.
    with torch.no_grad():
        for tensor in [*model.parameters(), *model.buffers()]:
            if tensor.is_floating_point():
                tensor.add_(0.2 * torch.rand_like(tensor))
    plain, rewritten = folder / "plain.onnx", folder / "rewritten.onnx"
    # The optimiser merges batch normalisation into the convolution before it: those weights would be others.
    optimise = name != "residual net"
    if dynamo:
        dynamic = {"dynamic_shapes": ({0: torch.export.Dim("batch")},)}
    else:
        dynamic = {"dynamic_axes": {"x": {0: "batch"}, "y": {0: "batch"}}, "do_constant_folding": False}
    torch.onnx.export(
        model, (batch(inputs, 2),), str(plain), input_names=["x"], output_names=["y"], opset_version=18 if dynamo else 17,
        dynamo=dynamo, verbose=False, **({"external_data": False, "optimize": optimise} if dynamo else {}), **dynamic,
    )
    subprocess.run([rewrite, plain, rewritten], check=True)
    x = batch(inputs, 5)
    cotangent = torch.randn_like(model(x))
    truth = by_record(model, x, cotangent)
    session = onnxruntime.InferenceSession(rewritten, providers=["CPUExecutionProvider"])
    found = dict(zip([o.name for o in session.get_outputs()], session.run(None, {"x": x.numpy(), "cotangent": cotangent.numpy()})))
    found = {key.removeprefix("gradient:"): value for key, value in found.items() if key.startswith("gradient:")}
    stored = {it.name: onnx.numpy_helper.to_array(it) for it in onnx.load(plain).graph.initializer}
    for key, weight in model.named_parameters():
        # The optimiser keeps some matrices transposed, under a name of its own.
        turned = [name for name in stored if name in found and np.array_equal(stored[name], weight.detach().numpy().T)]
        if turned and key not in found:
            rows = found[turned[0]].reshape(-1, *stored[turned[0]].shape)
            found[key] = rows.swapaxes(1, 2).reshape(len(rows), -1)
    missing = truth.keys() - found.keys()
    if missing:
        raise SystemExit(f"{name}: no gradient of {sorted(missing)}; there are {sorted(found)}")
    return max(float(np.abs(found[key] - truth[key]).max() / np.abs(truth[key]).max()) for key in truth)


def main():
    cargo = ["cargo", "build", "--release", "-q", "-p", "tributary-attribution", "--example", "gradients"]
    subprocess.run(cargo, check=True, cwd=ROOT)
    rewrite = ROOT / "target/release/examples/gradients"
    worst = 0.0
    for name in sys.argv[1:] or MODELS:
        # torch.export's optimiser gathers constant positions and unties the embedding: those weights would be others.
        for dynamo in (False,) if name == "causal decoder block" else (False, True):
            with tempfile.TemporaryDirectory() as folder:
                error = error_of(name, pathlib.Path(folder), rewrite, dynamo)
            worst = max(worst, error)
            print(f"{name:28} {'torch.export' if dynamo else 'TorchScript':14} {error:.1e}")
    if not worst <= BOUND:
        sys.exit(f"a gradient is off by {worst:.1e}, more than {BOUND:.0e}")


if __name__ == "__main__":
    main()
