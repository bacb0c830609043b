"""dattri's methods on the retrained truth of `cargo xtask bench attribution`. A development check: `make dattri`.

    target/tools/python-dattri/bin/python bench/python/dattri_yardstick.py target/dattri

Reads what `--export` wrote, a folder a subject: data, the release's parameters, the trials and what retraining showed.
Every method scores all training records for all queries from the same one release; it is judged by sums of scores, as
the bench judges Tributary's. What crashes is listed with the reason.

Damping: dattri's own default, Tributary's λ brought to the method's scale, and for some methods the one of a sweep with
the best contributor LDS: it looks at the truth, which nobody has in practice. Margin and loss of the served class have
gradients that differ by a factor a query alone, so rank correlations within a query are the same for both.
"""

import argparse
import contextlib
import importlib.metadata
import json
import logging
import os
import pathlib
import tempfile
import time
import warnings

os.environ.setdefault("TQDM_DISABLE", "1")

import numpy as np
import torch
from scipy.stats import rankdata
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import dattri.func.fisher
from dattri.algorithm import data_shapley, factgrass, influence_function, logra, rps, tracin, trak
from dattri.task import AttributionTask

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What differs is then the method and never the rounding: confident records have loss gradients of a few digits in f32.
torch.set_default_dtype(torch.float64)
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

PROJECTION = 512
SWEEP = [10.0**power for power in np.arange(-3, 4.5, 0.5)]


class Subject:
    """One exported folder."""

    def __init__(self, folder):
        self.index = json.loads((folder / "index.json").read_text())
        self.array = {}
        for name, it in self.index["arrays"].items():
            flat = np.fromfile(folder / it["file"], dtype={"f32": "<f4", "i64": "<i8", "u8": "u1"}[it["dtype"]])
            self.array[name] = flat.reshape(it["shape"])
        self.name = f"{self.index['dataset']}, {self.index['subject']}"
        scaling = self.index["scaling"]
        scaled = lambda name: torch.tensor((self.array[name].astype("f8") - scaling["shift"]) * scaling["scale"])
        self.features, self.queries = scaled("training_features"), scaled("query_features")
        self.labels, self.classes = torch.tensor(self.array["labels"]), torch.tensor(self.array["classes"])
        self.damping, self.n = self.index["damping"], len(self.labels)

    @property
    def training_loader(self):
        return self.loader(self.features, self.labels)

    @property
    def query_loader(self):
        return self.loader(self.queries, self.classes)

    @staticmethod
    def loader(features, labels):
        # In one batch: dattri adds up the inverses of several batches' curvatures.
        return DataLoader(TensorDataset(features, labels), batch_size=len(labels), shuffle=False)

    def model(self, folded=False):
        perceptron = self.index["architecture"]["perceptron"]
        tensors = [torch.tensor(self.array[name].astype("f8")) for name in self.index["tensors"]]
        return Perceptron(list(zip(tensors[::2], tensors[1::2])), perceptron["activation"], folded)


class Perceptron(nn.Module):
    """The release. `folded` makes biases weights of an input that is always 1."""

    def __init__(self, pairs, activation, folded):
        super().__init__()
        self.folded, self.depth = folded, len(pairs)
        # GELU in its tanh form, as in the graph.
        gelu = lambda x: nn.functional.gelu(x, approximate="tanh")
        self.activation = {"gelu": gelu, "relu": torch.relu}[activation]
        for place, (weight, bias) in enumerate(pairs, 1):
            inputs, outputs = weight.shape
            layer = nn.Linear(inputs + folded, outputs, bias=not folded)
            with torch.no_grad():
                layer.weight.copy_(torch.cat([weight, bias[None]]).T if folded else weight.T)
                if not folded:
                    layer.bias.copy_(bias)
            self.add_module(f"layer{place}", layer)

    def forward(self, x):
        for place in range(1, self.depth + 1):
            if self.folded:
                x = torch.cat([x, torch.ones_like(x[..., :1])], -1)
            x = getattr(self, f"layer{place}")(x)
            if place < self.depth:
                x = self.activation(x)
        # Steps of sequences count as records.
        return x.flatten(0, -2) if x.dim() > 2 else x


def task_of(subject, trained_by="loss", asked="margin", folded=False):
    """dattri's description of what records are trained by and queries asked for: `loss` or `margin`."""
    model = subject.model(folded)
    width = subject.features.shape[1]

    def logits(parameters, data):
        # Records come alone, in batches of one and all together; LiSSA casts them, labels included, to f32.
        features, labels = data
        x = features.reshape(-1, width).to(next(iter(parameters.values())).dtype)
        return torch.func.functional_call(model, parameters, (x,)), labels.reshape(-1).long()

    def loss(parameters, data):
        return nn.functional.cross_entropy(*logits(parameters, data))

    def margin(parameters, data):
        z, y = logits(parameters, data)
        chosen = torch.arange(z.shape[1]) == y[:, None]
        return (z.gather(1, y[:, None])[:, 0] - z.masked_fill(chosen, -torch.inf).logsumexp(1)).mean()

    def probability(parameters, data):
        return torch.exp(-loss(parameters, data))

    functions = {"loss": loss, "margin": margin}
    state = {name: value.detach().clone() for name, value in model.state_dict().items()}
    task = AttributionTask(functions[trained_by], model, state, target_func=functions[asked])
    return task, probability


def attributed(attributor, subject, sign):
    """Scores [queries, n]. `sign` is −1 where a record's loss meets a query's margin."""
    attributor.cache(subject.training_loader)
    # Else every step of a solver is kept for a second differentiation: gigabytes.
    with torch.no_grad():
        return sign * attributor.attribute(subject.training_loader, subject.query_loader).T


def influence(kind, **settings):
    return lambda subject: attributed(kind(task_of(subject)[0], **settings), subject, -1)


def traced(normalised, projected):
    def scores(subject):
        # Without its own arguments every TracIn shares, and projects by, the defaults.
        width = sum(weight.numel() for weight in subject.model().parameters())
        kind, k = ("normal", PROJECTION) if projected else ("identity", width)
        projector = {"proj_type": kind, "proj_dim": k}
        attributor = tracin.TracInAttributor(task_of(subject)[0], torch.ones(1), normalised, projector)
        return -attributor.attribute(subject.training_loader, subject.query_loader).T

    return scores


def traked(regularisation):
    def scores(subject):
        # As in TRAK: records, too, are differentiated by their margin, and weighted by what is left to other classes.
        task, probability = task_of(subject, trained_by="margin")
        kwargs = {"proj_dim": PROJECTION, "proj_type": "normal"}
        attributor = trak.TRAKAttributor(task, probability, kwargs, regularization=regularisation)
        attributor.cache(subject.training_loader)
        return attributor.attribute(subject.query_loader).detach().T

    return scores


@contextlib.contextmanager
def transposed_eigenvectors():
    """dattri multiplies by the matrix of eigenvectors where its transpose belongs."""
    as_it_is = dattri.func.fisher.estimate_eigenvector

    def transposed(covariances):
        return {name: (a.T, s.T) for name, (a, s) in as_it_is(covariances).items()}

    dattri.func.fisher.estimate_eigenvector = transposed
    try:
        yield
    finally:
        dattri.func.fisher.estimate_eigenvector = as_it_is


def ek_fac(damping, folded=False, corrected=False):
    def scores(subject):
        # The Fisher information is taken of what queries are asked for, so that has to be the loss.
        task, _ = task_of(subject, asked="loss", folded=folded)
        attributor = influence_function.IFAttributorEKFAC(task, damping=damping)
        with transposed_eigenvectors() if corrected else contextlib.nullcontext():
            return attributed(attributor, subject, 1)

    return scores


def representers(strength):
    def scores(subject):
        task, _ = task_of(subject)
        task.original_target_func = nn.functional.cross_entropy
        last = f"layer{subject.model().depth}"
        return attributed(rps.RPSAttributor(task, last, l2_strength=strength), subject, 1)

    return scores


@contextlib.contextmanager
def single_precision():
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float64)


def projected_blocks(kind, damping, steps=False):
    """In f32, all that these take. `steps` makes every record a sequence of one step, which they can take apart."""

    def scores(subject):
        def loss(model, batch, _device):
            return nn.functional.cross_entropy(model(batch[0]), batch[1])

        model = subject.model().float()
        task = AttributionTask(loss, model, model.state_dict())
        shape = (-1, 1, subject.features.shape[1]) if steps else (-1, subject.features.shape[1])
        parts = (subject.features, subject.labels), (subject.queries, subject.classes)
        loaders = [subject.loader(features.float().reshape(shape), labels) for features, labels in parts]
        # They write a file wherever they are told, else into the current folder.
        with single_precision(), tempfile.TemporaryDirectory() as folder:
            attributor = kind(task, damping=damping, cache_dir=folder)
            attributor.cache(loaders[0])
            return attributor.attribute(*loaders).detach().T

    return scores


def neighbours(subject):
    # `attribute` says that it gives [n, queries], and gives [queries, n].
    return data_shapley.KNNShapleyAttributor(5).attribute(subject.training_loader, subject.query_loader)


def methods(subject):
    """Name, what damps it, how much (None: nothing to choose), scores; a list of dampings is a sweep."""
    own, n = subject.damping, subject.n
    width = sum(weight.numel() for weight in subject.model().parameters())
    of = influence_function
    default, same, hindsight = "dattri's default", "Tributary's λ", "best of a sweep, in hindsight"
    yield "Grad-Dot", "", None, traced(False, False)
    yield "Grad-Cos", "", None, traced(True, False)
    yield f"Grad-Dot, random projection, k = {PROJECTION}", "", None, traced(False, True)
    yield "IF explicit", default, 0.0, influence(of.IFAttributorExplicit)
    yield "IF explicit", same, own, influence(of.IFAttributorExplicit, regularization=own)
    yield "IF CG, 10 steps", default, 0.0, influence(of.IFAttributorCG)
    yield "IF CG, 10 steps", same, own, influence(of.IFAttributorCG, regularization=own)
    yield "IF CG, 100 steps", same, own, influence(of.IFAttributorCG, regularization=own, max_iter=100)
    yield "LiSSA", default, 0.0, influence(of.IFAttributorLiSSA)
    # Its recursion shrinks by the damping what it has divided by the scaling, 50 by default.
    yield "LiSSA", same, own / 50.0, influence(of.IFAttributorLiSSA, damping=own / 50.0)
    yield "Arnoldi, 100 directions", default, 0.0, influence(of.IFAttributorArnoldi)
    yield "Arnoldi, 100 directions", same, own, influence(of.IFAttributorArnoldi, regularization=own)
    # The last directions of its recursion are no longer orthogonal to the first.
    largest = {"regularization": own, "proj_dim": 90}
    yield "Arnoldi, the largest 90 of 100", same, own, influence(of.IFAttributorArnoldi, **largest)
    yield "DataInf", default, 0.0, influence(of.IFAttributorDataInf)
    yield "DataInf", same, own, influence(of.IFAttributorDataInf, regularization=own)
    data_inf = lambda damping: influence(of.IFAttributorDataInf, regularization=damping)
    yield "DataInf", hindsight, [own * factor for factor in SWEEP], data_inf
    yield "EK-FAC", default, 0.0, ek_fac(0.0)
    yield "EK-FAC", same, own, ek_fac(own)
    yield "EK-FAC", hindsight, [own * factor for factor in SWEEP], ek_fac
    # With a bias apart, a layer's gradient is laid out as its curvature is not.
    yield "EK-FAC, biases folded", same, own, ek_fac(own, folded=True)
    both = "EK-FAC, biases folded, eigenvectors transposed"
    yield both, same, own, ek_fac(own, folded=True, corrected=True)
    in_place = lambda damping: ek_fac(damping, folded=True, corrected=True)
    yield both, hindsight, [own * factor for factor in SWEEP], in_place
    yield f"TRAK, one model, k = {PROJECTION}", default, 0.0, traked(0.0)
    # Its kernel is the sum over records of products of gradients each divided by the root of their width.
    yield f"TRAK, one model, k = {PROJECTION}", same, own * n / width, traked(own * n / width)
    yield f"TRAK, one model, k = {PROJECTION}", hindsight, [own * n / width * factor for factor in SWEEP], traked
    yield "RPS, last layer", default, 0.003, representers(0.003)
    # Half of λ: its objective holds strength · ‖θ‖², ours half of the decay.
    yield "RPS, last layer", same, own / 2.0, representers(own / 2.0)
    for name, kind in (("LoGra", logra.LoGraAttributor), ("FactGraSS", factgrass.FactGraSSAttributor)):
        yield name, default, None, projected_blocks(kind, None)
        yield f"{name}, records as sequences of one step", default, None, projected_blocks(kind, None, steps=True)
        # Damping in units of the mean eigenvalue: no λ of a parameter space translates.
        stepwise = lambda damping, kind=kind: projected_blocks(kind, damping, steps=True)
        yield f"{name}, records as sequences of one step", hindsight, SWEEP, stepwise
    yield "KNN-Shapley, 5 neighbours", "", None, neighbours


def agreement(predicted, truth):
    """Mean over queries of the rank correlation over trials, [queries, trials] each, with a bootstrap interval."""
    if not np.isfinite(predicted).all():
        raise ArithmeticError("scores are not finite")
    ranks = [rankdata(it, axis=1) for it in (predicted, truth)]
    a, b = (it - it.mean(1, keepdims=True) for it in ranks)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    found = (a * b).sum(1) / np.where(lengths > 0, lengths, np.inf)
    means = found[np.random.default_rng(13).integers(len(found), size=(2000, len(found)))].mean(1)
    return dict(zip(("mean", "low", "high"), map(float, (found.mean(), *np.quantile(means, [0.025, 0.975])))))


def judge(subject, scores):
    scores = np.asarray(scores, dtype="f8")
    if scores.shape != (len(subject.classes), subject.n):
        raise ValueError(f"scores have shape {scores.shape}")
    owners = np.eye(subject.index["contributors"])[subject.array["owners"]]
    contributors, array = scores @ owners, subject.array
    return {
        "lds": agreement(scores @ array["record_halves"].T, array["record_truth"]),
        "contributor_lds": agreement(contributors @ array["contributor_halves"].T, array["contributor_truth"]),
        # Without one: what everybody else adds up to.
        "leave_one_out": agreement(contributors.sum(1, keepdims=True) - contributors, array["leave_one_out_truth"]),
    }


def score(subject, damping, scores):
    if not isinstance(damping, list):
        return {"damping": damping, **judge(subject, scores(subject))}
    tried = []
    for each in damping:
        with contextlib.suppress(ArithmeticError, torch.linalg.LinAlgError):
            tried.append({"damping": each, **judge(subject, scores(each)(subject))})
    return max(tried, key=lambda row: row["contributor_lds"]["mean"])


def check(subject):
    """The rebuilt model is the release."""
    for folded in (False, True):
        with torch.no_grad():
            logits = subject.model(folded)(subject.queries).numpy()
        error = np.abs(logits - subject.array["logits"]).max() / np.abs(logits).max()
        if not (error < 1e-5 and (logits.argmax(1) == subject.array["classes"]).all()):
            raise SystemExit(f"{subject.name}: the rebuilt model's logits are off by {error:.1e}")


def measure(subject, only):
    check(subject)
    rows = []
    trials, seeds = subject.index["trials"], subject.index["seeds"]
    print(f"\n{subject.name}: truth of {trials} halves of each kind from {seeds} starts, λ = {subject.damping}")
    print(f"{'':48} {'damping':38} {'LDS':>6} {'contributor LDS':>24} {'leave one out':>14} {'s':>6}")
    for name, setting, damping, scores in methods(subject):
        if only not in name:
            continue
        row, began = {"method": name, "setting": setting}, time.monotonic()
        try:
            torch.manual_seed(0)
            row |= score(subject, damping, scores)
        # Whatever dattri raises is the finding.
        except Exception as error:
            row |= {"damping": None if isinstance(damping, list) else damping}
            row |= {"failed": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"}
        row["seconds"] = round(time.monotonic() - began, 1)
        rows.append(row)
        show(row)
    print("Tributary on the same truth:")
    for row in subject.index["rows"]:
        show(row)
    return rows


def show(row):
    damping = row.get("damping")
    damped = row.get("setting", "") if damping is None else f"{row['setting']} ({damping:.2g})"
    head = f"{row['method']:48} {damped:38}"
    if "failed" in row:
        print(f"{head} failed: {row['failed']}", flush=True)
        return
    lds, of_contributors, one = (row[key] for key in ("lds", "contributor_lds", "leave_one_out"))
    interval = f"{of_contributors['mean']:.3f} [{of_contributors['low']:.3f}, {of_contributors['high']:.3f}]"
    mean = f"{lds['mean']:.3f}" if lds else ""
    print(f"{head} {mean:>6} {interval:>24} {one['mean']:14.3f} {row.get('seconds', ''):>6}", flush=True)


def documented(subject, path):
    """What is documented of Tributary: the same recipe on as many trials and starts."""
    for it in json.loads(path.read_text())["measurements"]:
        if all(it[key] == subject.index[key] for key in ("dataset", "subject", "recipe", "trials", "seeds")):
            return it["rows"]
    raise SystemExit(f"{path} does not hold {subject.name} of the same recipe, trials and starts")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("exported", type=pathlib.Path, help="what --export wrote")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "bench/results/dattri.json")
    parser.add_argument("--tributary", type=pathlib.Path, default=ROOT / "bench/results/attribution.json")
    parser.add_argument("--only", default="", help="only methods whose name holds this; writes nothing")
    arguments = parser.parse_args()
    found = []
    for index in sorted(arguments.exported.glob("*/index.json")):
        subject = Subject(index.parent)
        ours = documented(subject, arguments.tributary)
        kept = ("dataset", "subject", "recipe", "parameters", "accuracy", "trials", "seeds")
        found.append(
            {key: subject.index[key] for key in kept}
            | {"damping": subject.damping, "rows": measure(subject, arguments.only)}
            # On the same truth, and as they are documented: retraining elsewhere differs in last bits.
            | {"tributary": subject.index["rows"], "tributary_documented": ours}
        )
    if not found:
        raise SystemExit(f"{arguments.exported} holds no exported subject")
    if not arguments.only:
        versions = {name: importlib.metadata.version(name) for name in ("dattri", "torch")}
        results = {"command": "make dattri", "versions": versions, "measurements": found}
        arguments.results.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
