"""What does one training step through the cut cost, and what share of it is the cut?

    python benchmarks/end_to_end_step.py [--model FOLDER] [--batch 4] [--side 256] [--threads 2] [--repeats 3]

Prints one table: forward of the network, forward of the cut with its masks and the loss, backward of the cut
(N = 5), backward of the network and the optimiser's step. The network is that of `cops-facades-e2e`, all of
whose heads are trained; with --all the backbone and decoder, too. Without --model it first learns a few
drawn streets for --pretrain steps: a fresh network cuts everything into crumbs. Wall and process CPU seconds,
least of the repeats.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from intarsia.data.sample import Sample
from intarsia.data.street import STREET_CATEGORIES, street_scene
from intarsia.data.targets import PanopticTargets, collate
from intarsia.methods import CombinatorialPanoptic
from intarsia.methods.transfer import start_from
from intarsia.recipes.combinatorial import facades_end_to_end


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--pretrain", type=int, default=30)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    images, targets = crops(options.batch, options.side)
    method = trained(options, images, targets)
    runs = [step(method, images, targets) for _ in range(options.repeats)]
    print(f"{'part':<28}{'CPU s':>9}{'wall s':>9}{'share':>9}")
    rows = {name: [min(run[name][side] for run in runs) for side in (0, 1)] for name in runs[0]}
    total = [sum(row[side] for row in rows.values()) for side in (0, 1)]
    for name, (cpu, wall) in rows.items():
        print(f"{name:<28}{cpu:>9.2f}{wall:>9.2f}{cpu / total[0]:>9.0%}")
    print(f"{'one step':<28}{total[0]:>9.2f}{total[1]:>9.2f}")


def crops(batch: int, side: int) -> tuple[Tensor, PanopticTargets]:
    """The middles of drawn streets."""
    samples = []
    for number in range(batch):
        image, truth = street_scene(number)
        top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
        part = slice(max(top, 0), max(top, 0) + side), slice(max(left, 0), max(left, 0) + side)
        pixels = torch.from_numpy(image[part].copy()).permute(2, 0, 1)
        ids = torch.from_numpy(truth.ids[part].copy())
        samples.append(Sample(pixels, ids, truth.segments, str(number)))
    both = collate(samples, STREET_CATEGORIES)
    return both.images, both.targets


def trained(options: argparse.Namespace, images: Tensor, targets: PanopticTargets) -> CombinatorialPanoptic:
    """The method in fine-tuning, with weights that know something."""
    config = facades_end_to_end().method
    if options.all:
        config = replace(config, end_to_end=replace(config.end_to_end, trained="all"))
    if options.model:
        from intarsia.methods.load import load

        method = CombinatorialPanoptic(config, load(options.model).categories)
        start_from(method, options.model)
        return method.train()
    first = CombinatorialPanoptic(replace(config, end_to_end=None), STREET_CATEGORIES).train()
    optimizer = torch.optim.AdamW([p for p in first.parameters() if p.requires_grad], lr=2e-3)
    for _ in range(options.pretrain):
        torch.stack(list(first.losses(first(images), targets).values())).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    method = CombinatorialPanoptic(config, STREET_CATEGORIES)
    method.load_state_dict(first.state_dict())
    return method.train()


@dataclass
class Clock:
    """CPU and wall seconds since it was last read."""

    last: tuple[float, float] = (0.0, 0.0)

    def read(self) -> tuple[float, float]:
        now = time.process_time(), time.perf_counter()
        passed = now[0] - self.last[0], now[1] - self.last[1]
        self.last = now
        return passed


def step(
    method: CombinatorialPanoptic, images: Tensor, targets: PanopticTargets
) -> dict[str, tuple[float, float]]:
    """The seconds of each part of one optimiser step."""
    optimizer = torch.optim.AdamW([p for p in method.parameters() if p.requires_grad], lr=1e-6)
    clock = Clock()
    clock.read()
    output = method(images)
    forward = clock.read()
    cut_from = [x.detach().requires_grad_() for x in (output.semantic_logits, output.affinity_logits)]
    loss = torch.stack(list(method.losses(type(output)(*cut_from), targets).values())).sum()
    cut_forward = clock.read()
    loss.backward()
    cut_backward = clock.read()
    torch.autograd.backward([output.semantic_logits, output.affinity_logits], [x.grad for x in cut_from])
    optimizer.step()
    rest = clock.read()
    return {
        "network, forward": forward,
        "cut and loss, forward": cut_forward,
        "cut and loss, backward": cut_backward,
        "network, backward and step": rest,
    }


if __name__ == "__main__":
    main()
