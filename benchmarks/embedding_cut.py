"""Embeddings grouped by their own method or by one cut: which gives the better panoptic maps, and how fast?

    python benchmarks/embedding_cut.py --data DIR [--model facades-embedding] [--count 0]
        [--radius 0.75 1 1.5]

Predicts the validation part with a discriminative embedding (its own method is mean shift) or a hierarchical
one (seeds). The network runs once for all rows. The cut's rows differ in the radius at which a pair of points
neither attracts nor repels, as a multiple of the margin: delta_d, or what each pixel
predicts. PQ in percent; milliseconds of CPU an image for decoding alone.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from typing import Any

import torch

from intarsia.data.dataset import PanopticDataset
from intarsia.data.loader import evaluation_loader
from intarsia.methods import DiscriminativeEmbedding
from intarsia.methods.load import load
from intarsia.methods.method import AbstractMethod
from intarsia.metrics import PanopticQuality


@dataclass
class Row:
    """A way of grouping, and what it gave."""

    name: str
    config: Any
    quality: PanopticQuality
    seconds: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", default="facades-embedding")
    parser.add_argument("--count", type=int, default=0, help="of images; 0 for all")
    parser.add_argument("--radius", type=float, nargs="*", default=[0.75, 1.0, 1.5])
    options = parser.parse_args()
    torch.set_num_threads(1)
    method = load(options.model)
    rows = ways(method, options.radius)
    count = predict_all(method, rows, options)
    print(f"{'grouping':<22}{'PQ':>8}{'things':>8}{'stuff':>8}{'ms':>8}")
    for row in rows:
        report = row.quality.compute()
        shares = [100 * (part.pq or 0.0) for part in (report.all, report.things, report.stuff)]
        print(
            f"{row.name:<22}"
            + "".join(f"{pq:>8.1f}" for pq in shares)
            + f"{1000 * row.seconds / count:>8.0f}"
        )


def ways(method: AbstractMethod, radii: list[float]) -> list[Row]:
    """The model's own grouping, and a cut for each radius."""
    own: Any = method.config
    if isinstance(method, DiscriminativeEmbedding):
        own = replace(own, grouping=replace(own.grouping, kind="mean_shift"))
    else:
        own = replace(own, decoding=replace(own.decoding, kind="seeds"))
    rows = [Row("its own", own, PanopticQuality(method.categories))]
    for radius in radii:
        if isinstance(method, DiscriminativeEmbedding):
            bandwidth = radius * own.embedding_loss.delta_d
            cut = replace(own, grouping=replace(own.grouping, kind="cut", bandwidth=bandwidth))
        else:
            cut = replace(own, decoding=replace(own.decoding, kind="cut", pair_margins=radius))
        rows.append(Row(f"cut, {radius:g} margins", cut, PanopticQuality(method.categories)))
    return rows


@torch.inference_mode()
def predict_all(method: AbstractMethod, rows: list[Row], options: argparse.Namespace) -> int:
    """Fill the rows; the number of images."""
    done = 0
    for batch in evaluation_loader(PanopticDataset(options.data, split="val")):
        output = method(batch.images)
        for row in rows:
            method.config = row.config
            started = time.process_time()
            maps = method.decode(output, batch.sizes)
            row.seconds += time.process_time() - started
            for prediction, truth in zip(maps, batch.truths, strict=True):
                row.quality.update(prediction, truth)
        done += len(batch.sizes)
        if done == options.count:
            break
    return done


if __name__ == "__main__":
    main()
