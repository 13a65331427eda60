"""How much do the batched losses save over the loops they replace, in time and in memory?

Eight images of 256x512 with ten instances, forward and backward, one thread, process CPU time, best of a few
rounds in which both sides take turns. Memory is what a side adds to the peak of a fresh process.

Run:  python benchmarks/losses.py
"""

from __future__ import annotations

import argparse
import ctypes
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from intarsia.losses import (
    HierarchicalLovaszOptions,
    batch_hierarchical_lovasz_terms,
    discriminative_loss,
    lovasz_hinge,
    lovasz_softmax,
)

IMAGES, HEIGHT, WIDTH, CLASSES, DIMS = 8, 256, 512, 19, 8
Case = Callable[[], Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description="The losses against the loops they replace.")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each pair")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    arguments = parser.parse_args()
    table = Table("loss", "reference s", "ours s", "times faster", "reference MB", "ours MB", "times less")
    for name in (n for n in PAIRS if arguments.only in n):
        slow_s, fast_s = in_fresh_process(seconds, name, arguments.rounds)
        slow_mb, fast_mb = (in_fresh_process(extra_megabytes, name, side) for side in (0, 1))
        numbers = (slow_s, fast_s, slow_s / fast_s, slow_mb, fast_mb, slow_mb / fast_mb)
        table.add_row(name, *(f"{x:.3f}" if i < 2 else f"{x:.1f}" for i, x in enumerate(numbers)))
    Console(width=110).print(table)


def in_fresh_process(function: Callable, *arguments):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def seconds(name: str, rounds: int) -> list[float]:
    torch.set_num_threads(1)
    leaf, slow, fast = PAIRS[name]()
    best = [float("inf")] * 2
    for _ in range(rounds):
        for side, case in enumerate((slow, fast)):
            leaf.grad = None
            start = time.process_time()
            case().backward()
            best[side] = min(best[side], time.process_time() - start)
    return best


def extra_megabytes(name: str, side: int) -> float:
    torch.set_num_threads(1)
    _, slow, fast = PAIRS[name]()
    ctypes.CDLL(None).malloc_trim(0)  # free memory that is kept would hide what the call needs
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from what is in use
    before = status_kilobytes("VmRSS")
    (slow, fast)[side]().backward()
    return (status_kilobytes("VmHWM") - before) / 1024


def status_kilobytes(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))


def hinge_pair(num_instances: int, sure: float) -> tuple[Tensor, Case, Case]:
    """`sure` scales how far the logits are on the right side: 0 is an untrained network."""
    ids = instance_maps(num_instances)
    masks = ids[:, None] == torch.arange(1, num_instances + 1)[:, None, None]  # b n h w
    logits = (torch.randn(masks.shape) + sure * (2.0 * masks - 1)).requires_grad_()

    def loop() -> Tensor:
        return torch.stack(
            [one_hinge(f, m) for f, m in zip(logits.flatten(0, 1), masks.flatten(0, 1), strict=True)]
        ).mean()

    return logits, loop, lambda: lovasz_hinge(logits.flatten(2), masks.flatten(2)).mean()


def one_hinge(logits: Tensor, labels: Tensor) -> Tensor:
    margins = 1 - logits.flatten() * (2 * labels.flatten().float() - 1)
    margins, order = margins.sort(descending=True)
    return margins.clamp(min=0) @ jaccard_steps(labels.flatten()[order].float())


def jaccard_steps(labels: Tensor) -> Tensor:
    jaccard = 1 - (labels.sum() - labels.cumsum(0)) / (labels.sum() + (1 - labels).cumsum(0))
    jaccard[1:] = jaccard[1:] - jaccard[:-1].clone()
    return jaccard


def softmax_pair() -> tuple[Tensor, Case, Case]:
    logits = torch.randn(IMAGES, CLASSES, HEIGHT, WIDTH).requires_grad_()
    labels = instance_maps(CLASSES) % CLASSES

    def one_image(probabilities: Tensor, truth: Tensor) -> Tensor:
        losses = []
        for c in truth.unique():
            mask = (truth == c).float().flatten()
            errors, order = (mask - probabilities[c].flatten()).abs().sort(descending=True)
            losses.append(errors @ jaccard_steps(mask[order]))
        return torch.stack(losses).mean()

    def loop() -> Tensor:
        pairs = zip(logits.softmax(1), labels, strict=True)
        return torch.stack([one_image(p, y) for p, y in pairs]).mean()

    return logits, loop, lambda: lovasz_softmax(logits.softmax(1), labels).mean()


def discriminative_pair(num_instances: int) -> tuple[Tensor, Case, Case]:
    instances = instance_maps(num_instances)
    embeddings = torch.randn(IMAGES, DIMS, HEIGHT, WIDTH).requires_grad_()

    def one_image(x: Tensor, ids: Tensor) -> Tensor:
        members = [x[:, ids == i] for i in range(1, num_instances + 1)]
        means = torch.stack([m.mean(1) for m in members])
        pairs = zip(members, means, strict=True)
        variance = torch.stack(
            [((m - mu[:, None]).norm(dim=0) - 0.5).relu().square().mean() for m, mu in pairs]
        ).mean()
        distance = torch.pdist(means)
        return variance + (3 - distance).relu().square().mean() + 0.001 * means.norm(dim=1).mean()

    def loop() -> Tensor:
        return torch.stack([one_image(x, ids) for x, ids in zip(embeddings, instances, strict=True)]).mean()

    return embeddings, loop, lambda: discriminative_loss(embeddings, instances).mean()


def spatial_pair(num_instances: int, *, categories: int) -> tuple[Tensor, Case, Case]:
    """Offsets, λ and seeds as a network gives them after its first steps; the loop has no category level.

    With `categories`, ours also compares two features of every pixel with as many class means.
    """
    instances = instance_maps(num_instances)
    semantic = instances % max(categories, 1)
    position = torch.stack(
        torch.meshgrid(torch.arange(HEIGHT) / 1024, torch.arange(WIDTH) / 1024, indexing="ij")
    )
    raw = (torch.randn(IMAGES, 6 if categories else 4, HEIGHT, WIDTH) * 0.1).requires_grad_()

    def split() -> tuple[Tensor, Tensor, Tensor]:
        places = torch.tanh(raw[:, :2]) + position
        return torch.cat([places, raw[:, 4:]], dim=1), raw[:, 2] + 0.5, torch.sigmoid(raw[:, 3])

    def loop() -> Tensor:
        return torch.stack(
            [spatial_embedding_loss(*one) for one in zip(*split(), instances, strict=True)]
        ).mean()

    def ours() -> Tensor:
        embeddings, sharpness, seeds = split()
        terms = batch_hierarchical_lovasz_terms(
            embeddings,
            instances,
            semantic,
            seeds=seeds,
            sharpness=sharpness,
            category_from=2,
            options=HierarchicalLovaszOptions(min_class_points=10 if categories else instances.numel() + 1),
        )
        return terms.instance + terms.category + terms.seed + 10 * terms.variance

    return raw, loop, ours


def spatial_embedding_loss(places: Tensor, sharpness: Tensor, seeds: Tensor, ids: Tensor) -> Tensor:
    """One image, one instance after the other: seeds, variance and the hinge of its memberships."""
    hinge, variance = seeds.sum() * 0, seeds.sum() * 0
    seed = (seeds * (ids == 0)).square().sum()
    numbers = ids[ids > 0].unique()
    for number in numbers:
        mask = ids == number
        center = places[:, mask].mean(1)
        v = sharpness[mask]
        phi = torch.exp(-torch.exp(10 * v.mean()) * (places - center[:, None, None]).square().sum(0))
        variance = variance + (v - v.mean().detach()).square().mean()
        seed = seed + 10 * (seeds[mask] - phi[mask].detach()).square().sum()
        hinge = hinge + one_hinge(2 * phi - 1, mask)
    return (hinge + 10 * variance) / len(numbers) + seed / ids.numel()


def instance_maps(num_instances: int) -> Tensor:
    """Ids from 1 in patches around random places."""
    torch.manual_seed(0)
    rows, cols = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    places = torch.rand(IMAGES, num_instances, 2) * torch.tensor([HEIGHT, WIDTH])
    maps = []
    for image in places:
        distance = (rows - image[:, 0, None, None]).square() + (cols - image[:, 1, None, None]).square()
        maps.append(distance.argmin(0) + 1)
    return torch.stack(maps)


PAIRS: dict[str, Callable[[], tuple[Tensor, Case, Case]]] = {
    "Lovász hinge, 10 instances, untrained": lambda: hinge_pair(10, 0.0),
    "Lovász hinge, 10 instances, trained": lambda: hinge_pair(10, 3.0),
    "Lovász softmax, 19 classes": softmax_pair,
    "discriminative, 10 instances": lambda: discriminative_pair(10),
    "discriminative, 120 instances": lambda: discriminative_pair(120),
    "spatial embedding, 10 instances": lambda: spatial_pair(10, categories=0),
    "and 5 categories on top": lambda: spatial_pair(10, categories=5),
}

if __name__ == "__main__":
    main()
