"""Which embedding stands still? Pans over photos with known truth, decoded frame by frame.

    python benchmarks/temporal_stability.py --data DIR --model NAME RUN [RUN ...] [--model NAME RUN ...]
        [--photos 12] [--frames 9] [--step 4] [--out runs/temporal]

A camera pans over photos of the validation part: the upper left quarter, then `--step` pixels to the right
a frame, so flow and truth are known to the pixel. For each method, the mean over its runs and their standard
deviation: PQ of the frames as they are; consistency of successive frames along the flow; drift of the
embedding in margins; VPQ and STQ with ids linked by the nearest centre in embedding space. The plot
OUT/propagation.png shows PQ of things when later frames are grouped by the centres of the first.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from intarsia.data.dataset import PanopticDataset
from intarsia.decoding.embedding_field import EmbeddingField
from intarsia.decoding.tracking import InstanceTracker, propagate, sightings
from intarsia.methods.images import as_tensor
from intarsia.methods.load import load
from intarsia.methods.method import AbstractMethod
from intarsia.metrics import PanopticQuality
from intarsia.metrics.temporal import TemporalConsistency, embedding_drift
from intarsia.metrics.video_quality import SegmentationTrackingQuality, VideoPanopticQuality
from intarsia.panoptic import PanopticMap

Numbers = dict[str, float]
WINDOWS = (1, 2, 4, 8)


@dataclass(frozen=True, eq=False)
class Frame:
    """What the camera saw, and what a method says about it."""

    truth: PanopticMap
    found: PanopticMap
    field: EmbeddingField


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", nargs="+", action="append", required=True, metavar="NAME RUN")
    parser.add_argument("--photos", type=int, default=12)
    parser.add_argument("--frames", type=int, default=9)
    parser.add_argument("--step", type=int, default=4)
    parser.add_argument("--out", type=Path, default=Path("runs/temporal"))
    options = parser.parse_args()
    if options.step % 4 or options.step < 4:
        parser.error("--step must be a multiple of 4, so that the grids of frames lie on each other")
    options.out.mkdir(parents=True, exist_ok=True)
    found = {name: [of_run(run, options) for run in runs] for name, *runs in options.model}
    write(found, options)
    draw(found, options)


def of_run(run: str, options: argparse.Namespace) -> Numbers:
    """The numbers of a run, kept in the output folder."""
    settings = f"{options.photos}-{options.frames}-{options.step}"
    kept = options.out / f"{run.strip('/').replace('/', '-')}-{settings}.json"
    if not kept.is_file():
        kept.write_text(json.dumps(measured(load(run), options)))
    return json.loads(kept.read_text())


@torch.inference_mode()
def measured(method: AbstractMethod, options: argparse.Namespace) -> Numbers:
    """All measures of one model, quality in percent and drift in margins."""
    dataset = PanopticDataset(options.data, split="val")
    categories = dataset.categories
    things = {category.id for category in categories.things}
    each, video = PanopticQuality(categories), VideoPanopticQuality(categories, windows=WINDOWS)
    steady, tracking = TemporalConsistency(categories), SegmentationTrackingQuality(categories)
    propagated: defaultdict[int, PanopticQuality] = defaultdict(lambda: PanopticQuality(categories))
    drifts: list[float] = []
    for number in np.linspace(0, len(dataset) - 1, options.photos).round().astype(int):
        sample = dataset[int(number)]
        frames = list(panned(method, sample.image, sample.panoptic_map(), options))
        stride = -(-frames[0].found.size[0] // frames[0].field.embeddings.shape[1])
        tracker = InstanceTracker(categories)
        followed = [tracker.follow(frame.found, frame.field, stride=stride) for frame in frames]
        truths = [frame.truth for frame in frames]
        video.update(followed, truths)
        tracking.update(followed, truths)
        first = sightings(frames[0].found, frames[0].field, categories, stride=stride)
        for later, frame in enumerate(frames):
            each.update(frame.found, frame.truth)
            again = propagate(first, frame.found, frame.field, categories=categories, stride=stride)
            propagated[later].update(again, frame.truth)
        for earlier, later in pairwise(frames):
            steady.update(earlier.found, later.found, flow_of(options.step, later.found.size))
            drifts.append(drift_between(earlier, later, options.step, things))
    consistency, videos, tubes = steady.compute(), video.compute(), tracking.compute()
    numbers = {
        "PQ of frames": 100 * each.compute().all.pq,
        "consistency, mIoU": 100 * consistency.miou,
        "consistency, PQ": 100 * consistency.quality.all.pq,
        "consistency, PQ things": 100 * consistency.quality.things.pq,
        "drift, margins": float(np.nanmedian(drifts)),
        "VPQ": 100 * videos.all,
        "VPQ things": 100 * videos.things,
        "STQ": 100 * tubes.stq,
        "AQ": 100 * tubes.aq,
    }
    return numbers | {
        f"after {later}": 100 * quality.compute().things.pq for later, quality in propagated.items()
    }


def panned(
    method: AbstractMethod, image: Tensor, truth: PanopticMap, options: argparse.Namespace
) -> Iterator[Frame]:
    """The frames of one pan, the truth's ids the same in all."""
    height, width = (side // 2 for side in truth.size)
    for time in range(options.frames):
        columns = slice(options.step * time, options.step * time + width)
        seen = as_tensor(image[:, :height, columns])
        output = method(seen[None])
        view = method.views(output, [(height, width)])[0]
        part = PanopticMap.keeping_visible(truth.ids[:height, columns], truth.segments)
        yield Frame(part, method.decode_image(view), method.map_decoder.embedding_field(view))


def flow_of(step: int, size: tuple[int, int]) -> np.ndarray:
    """From each point of a later frame to where it was in the earlier one: the camera went to the right."""
    return np.stack([np.zeros(size), np.full(size, float(step))])


def drift_between(earlier: Frame, later: Frame, step: int, things: set[int]) -> float:
    """Over the points of the grid that truly show things and that both frames show."""
    before, after = (frame.field.embeddings for frame in (earlier, later))
    stride = -(-later.truth.size[0] // after.shape[1])
    ids = [segment.id for segment in later.truth.segments if segment.category_id in things]
    where = np.isin(later.truth.ids[::stride, ::stride], ids)
    return embedding_drift(
        before,
        after,
        flow_of(step // stride, after.shape[1:]),
        margin=earlier.field.margin,
        where=where,
    )


def write(found: dict[str, list[Numbers]], options: argparse.Namespace) -> None:
    """The table, a column a method."""
    measures = [name for name in next(iter(found.values()))[0] if not name.startswith("after")]
    lines = ["| | " + " | ".join(found) + " |", "|---" * (len(found) + 1) + "|"]
    for measure in measures:
        cells = [cell([numbers[measure] for numbers in runs]) for runs in found.values()]
        lines.append(f"| {measure} | " + " | ".join(cells) + " |")
    text = "\n".join(lines)
    print(text)
    (options.out / "stability.md").write_text(text + "\n")


def cell(values: list[float]) -> str:
    """Mean and spread."""
    spread = f" ± {np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
    return f"{np.mean(values):.2f}{spread}"


def draw(found: dict[str, list[Numbers]], options: argparse.Namespace) -> None:
    """Quality of things over the way of the camera since their centres were found."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, is_share in zip(figure.subplots(1, 2), (False, True), strict=True):
        for name, runs in found.items():
            values = np.array([[run[f"after {n}"] for n in range(options.frames)] for run in runs])
            values = 100 * values / values[:, :1] if is_share else values
            way = options.step * np.arange(options.frames)
            axes.plot(way, values.mean(0), marker="o", markersize=3, label=name)
            axes.fill_between(way, values.min(0), values.max(0), alpha=0.15)
        axes.set(xlabel="pixels since the centres were found", ylim=(0, None))
        axes.set_ylabel("PQ of things, % of frame 0" if is_share else "PQ of things")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(options.out / "propagation.png", dpi=110)


if __name__ == "__main__":
    main()
