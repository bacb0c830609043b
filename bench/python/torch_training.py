"""One of PyTorch's rounds of `cargo xtask bench training`, which starts it: `make torch`.

Reads a model's folder: records, initial weights, the order of the records, the recipe. Builds the model as one does in
PyTorch, trains it from every seed on the very same batches, eagerly, in one thread, with either of PyTorch's AdamW for
processors, and prints what it took. The gradient of the first batch is compared with Tributary's.
"""

import json
import math
import pathlib
import resource
import sys
import time

import numpy as np
import torch
# The first optimiser imports it; it is no part of a training.
import torch._dynamo
from torch import nn
from torch.nn import functional

torch.set_num_threads(1)

ACTIVATIONS = {"gelu": lambda: nn.GELU(approximate="tanh"), "relu": nn.ReLU}
POOLS = {"average": nn.AvgPool2d, "maximum": nn.MaxPool2d}


class Weights:
    """One vector of Tributary's as PyTorch's layers, to be taken in their order."""

    def __init__(self, layout, vector):
        self.own, self.layer, start = {}, 0, 0
        for name, dims in layout:
            end = start + math.prod(dims)
            self.own[name] = torch.from_numpy(vector[start:end].reshape(dims))
            start = end

    def following(self):
        self.layer += 1

    def of(self, kind):
        return self.own[f"layer{self.layer}.{kind}"]

    def dense(self, weights=("weight",), biases=("bias",)):
        """Tributary keeps weights [inputs, outputs]. Several are one layer, side by side."""
        weight = torch.cat([self.of(kind) for kind in weights], 1)
        return filled(nn.Linear(*weight.shape), weight.T, torch.cat([self.of(kind) for kind in biases]))

    def convolution(self):
        outputs, inputs, *kernel = self.of("weight").shape
        return filled(nn.Conv2d(inputs, outputs, kernel, padding=1), self.of("weight"), self.of("bias"))

    def norm(self):
        return filled(nn.LayerNorm(self.of("weight").shape), self.of("weight"), self.of("bias"))


def filled(layer, weight, bias):
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return layer


class Scaled(nn.Module):
    def __init__(self, scaling):
        super().__init__()
        self.shift, self.scale = scaling["shift"], scaling["scale"]

    def forward(self, x):
        return (x - self.shift) * self.scale


def perceptron(weights, hidden, activation):
    for _ in hidden:
        weights.following()
        yield weights.dense()
        yield ACTIVATIONS[activation]()
    weights.following()
    yield weights.dense()


def convolutional(weights, channels, activation, pooling):
    yield nn.Unflatten(1, (1, 8, 8))
    for _ in channels:
        weights.following()
        yield weights.convolution()
        yield ACTIVATIONS[activation]()
        yield POOLS[pooling](2)
    yield nn.Flatten()
    weights.following()
    yield weights.dense()


class Encoder(nn.Module):
    def __init__(self, weights, patch, width, heads, blocks, activation):
        super().__init__()
        self.split = nn.Unflatten(1, (-1, patch))
        weights.following()
        self.patches = weights.dense()
        weights.following()
        self.positions = nn.Parameter(weights.of("weight").clone())
        self.blocks = nn.Sequential(*(Block(weights, heads, activation) for _ in range(blocks)))
        weights.following()
        self.norm = weights.norm()
        weights.following()
        self.head = weights.dense()

    def forward(self, x):
        x = self.patches(self.split(x)) + self.positions
        return self.head(self.norm(self.blocks(x)).mean(1))


class Block(nn.Module):
    def __init__(self, weights, heads, activation):
        super().__init__()
        self.heads = heads
        weights.following()
        self.norm = weights.norm()
        weights.following()
        parts = ("query", "key", "value")
        self.project = weights.dense(parts, [f"{part}.bias" for part in parts])
        self.output = weights.dense(["output"], ["output.bias"])
        weights.following()
        self.second_norm = weights.norm()
        weights.following()
        self.rise = weights.dense()
        self.activation = ACTIVATIONS[activation]()
        weights.following()
        self.fall = weights.dense()

    def attend(self, x):
        parts = self.project(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(*parts.unbind(0))
        return self.output(mixed.transpose(1, 2).flatten(2))

    def forward(self, x):
        x = x + self.attend(self.norm(x))
        return x + self.fall(self.activation(self.rise(self.second_norm(x))))


class Subject:
    def __init__(self, folder):
        self.folder, self.index = folder, json.loads((folder / "subject.json").read_text())
        self.recipe = self.index["recipe"]
        read = lambda name: (self.array(f"{name}_features", "f4").reshape(-1, 64), self.array(f"{name}_labels", "i8"))
        self.training, self.test = (tuple(map(torch.from_numpy, read(name))) for name in ("training", "test"))

    def array(self, name, kind):
        return np.fromfile(self.folder / f"{name}.{ {'f4': 'f32', 'i8': 'i64'}[kind] }", dtype=f"<{kind}")

    def model(self, vector):
        weights = Weights(self.index["layout"], vector)
        [(kind, settings)] = self.index["architecture"].items()
        if kind == "encoder":
            layers = [Encoder(weights, **settings)]
        else:
            layers = {"perceptron": perceptron, "convolutional": convolutional}[kind](weights, **settings)
        # How convolutions run best on processors; of other layers it changes nothing.
        return nn.Sequential(Scaled(self.index["scaling"]), *layers).to(memory_format=torch.channels_last)

    def batches(self, seed):
        order = torch.from_numpy(self.array(f"order-{seed}", "i8")).reshape(self.recipe["epochs"], -1)
        return [places for epoch in order for places in epoch.split(self.recipe["batch"])]

    def optimiser(self, model, fused):
        settings = self.recipe["optimiser"]["adamw"]
        betas = settings["beta1"], settings["beta2"]
        rate, decay = self.recipe["schedule"]["rate"], self.recipe["weight-decay"]
        return torch.optim.AdamW(
            model.parameters(), lr=rate, betas=betas, eps=settings["epsilon"], weight_decay=decay, fused=fused
        )

    def rates(self, steps):
        schedule = self.recipe["schedule"]
        if (schedule["warmup"], schedule["decay"], self.recipe["clip"]) != (0, "cosine", None):
            raise SystemExit("another recipe than this script follows")
        return [schedule["rate"] * (1 + math.cos(math.pi * step / steps)) / 2 for step in range(steps)]

    def train(self, seed, fused):
        """Seconds and a core's seconds of the steps, those before them, steps, accuracy."""
        (features, labels), began = self.training, time.perf_counter()
        model = self.model(self.array(f"start-{seed}", "f4"))
        optimiser, batches = self.optimiser(model, fused), self.batches(seed)
        rates, losses = self.rates(len(batches)), 0.0
        opened, worked = time.perf_counter(), time.process_time()
        for places, rate in zip(batches, rates):
            optimiser.param_groups[0]["lr"] = rate
            optimiser.zero_grad()
            loss = functional.cross_entropy(model(features[places]), labels[places])
            loss.backward()
            optimiser.step()
            losses += loss.item()
        ended = time.perf_counter(), time.process_time()
        with torch.no_grad():
            accuracy = (model(self.test[0]).argmax(1) == self.test[1]).double().mean().item()
        return ended[0] - opened, ended[1] - worked, opened - began, len(batches), accuracy

    def trained(self, how, fused):
        every = [self.train(seed, fused) for seed in range(1, self.index["seeds"] + 1)]
        seconds, core, opening, steps, accuracies = zip(*every)
        return {
            "how": how,
            "steps": sum(steps),
            "seconds": sum(seconds),
            "coreSeconds": sum(core),
            "openingSeconds": sum(opening) / len(opening),
            "accuracies": accuracies,
        }

    def apart(self, seed):
        """How far the first batch's gradient is from Tributary's, which is laid out like the weights."""
        model, theirs = (self.model(self.array(f"{name}-{seed}", "f4")) for name in ("start", "gradient"))
        features, labels = self.training
        places = self.batches(seed)[0]
        functional.cross_entropy(model(features[places]), labels[places]).backward()
        flat = lambda parts: torch.cat([part.detach().flatten().double() for part in parts])
        own, theirs = flat(weight.grad for weight in model.parameters()), flat(theirs.parameters())
        apart = own - theirs
        return {
            "length": (apart.norm() / own.norm()).item(),
            "largest": (apart.abs().max() / own.abs().max()).item(),
        }


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main():
    loaded = peak()
    subject = Subject(pathlib.Path(sys.argv[1]))
    apart = [subject.apart(seed) for seed in range(1, subject.index["seeds"] + 1)]
    said = {
        "trainings": [subject.trained("eager", False), subject.trained("eager, fused", True)],
        "loadedBytes": loaded,
        "peakBytes": peak(),
        "gradient": {key: max(it[key] for it in apart) for key in ("length", "largest")},
        "version": torch.__version__,
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
