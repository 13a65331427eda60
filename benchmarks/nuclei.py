"""Is the network better than the classical answer? Nuclei found by models, and by Otsu and a watershed.

    python benchmarks/nuclei.py DATA [--model NAME|FOLDER ...] [--method FILE.py:CLASS] [--split val]
        [--scale 1] [--diameter PX|auto] [--as-they-are] [--scales 1 2]

DATA is a COCO panoptic folder whose first thing is the nucleus. One row an answer, in percent: PQ, SQ and RQ
of the nucleus; PQ of glowing (fluorescence) and of stained images apart; the share of touching and of single
nuclei that are found (IoU above 0.5); AP at an IoU of 0.5 and 0.9, TP / (TP + FP + FN), mean over the images.
`--scale` shows the images to all of them at another size, and measures there; with `--as-they-are` no model
looks at one again at a scale of its own, and `--scales` are those of every look. `--method` names the class
of models whose method is not ours.

The classical answer: gray, smoothed, Otsu's threshold with the background on the side that most of the image
is on, and a watershed of the distance to the background from its peaks; needs scikit-image (extra `bench`).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import Image
from scipy import ndimage

import intarsia
from intarsia.data.dataset import PanopticDataset
from intarsia.runtime.diameter import Diameter

Picture: TypeAlias = np.ndarray  # h w 3, uint8
Labels: TypeAlias = np.ndarray  # h w, 0 is no nucleus
Answer: TypeAlias = Callable[[Picture], Labels]
MIN_PX = 16


@dataclass(frozen=True)
class Scene:
    """One image with the truth about its nuclei."""

    picture: Picture
    truth: Labels

    @property
    def is_stained(self) -> bool:
        """Whether light shines through it: most of it is bright, or it has colours."""
        colors = self.picture.astype(int)
        return colors.mean() > 110 or (colors.max(axis=2) - colors.min(axis=2)).mean() > 12

    @property
    def touching(self) -> np.ndarray:
        """Of each nucleus of the truth whether another one is beside it."""
        count = self.truth.max()
        lowest = ndimage.minimum_filter(np.where(self.truth == 0, count + 1, self.truth), 3)
        highest = ndimage.maximum_filter(self.truth, 3)
        beside = (self.truth > 0) & ((lowest < self.truth) | (highest > self.truth))
        return np.bincount(self.truth[beside], minlength=count + 1)[1:] > 0


@dataclass(frozen=True)
class Score:
    """What an answer has found in one scene: of each true nucleus its best IoU, and how many it has named."""

    best_iou: np.ndarray
    num_answers: int
    scene: Scene

    def average_precision(self, threshold: float) -> float:
        """TP / (TP + FP + FN); at least 0.5, so that no nucleus has two partners."""
        hits = int((self.best_iou > threshold).sum())
        total = len(self.best_iou) + self.num_answers - hits
        return hits / total if total else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("--model", nargs="*", default=["nuclei"])
    parser.add_argument("--method", default="")
    parser.add_argument("--split", default="val")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--diameter", type=lambda text: text if text == "auto" else float(text))
    parser.add_argument("--as-they-are", action="store_true")
    parser.add_argument("--scales", nargs="*", type=int, default=[])
    options = parser.parse_args()
    models = {name: intarsia.load(name, method=options.method) for name in options.model}
    size = "" if options.as_they_are else None
    for model in models.values():
        model.intake = model.intake.with_options((), size, scales=tuple(options.scales))
    answers: dict[str, Answer] = {name: by_model(model, options.diameter) for name, model in models.items()}
    answers["Otsu + watershed"] = otsu_and_watershed
    scores = defaultdict(list)
    for scene in scenes(options.data, options.split, options.scale):
        for name, answer in answers.items():
            scores[name].append(score(answer(scene.picture), scene))
    print("| | PQ | SQ | RQ | fluorescence | stained | touching | single | AP at .5 | AP at .9 |")
    print("|" + "---|" * 10)
    for name, of_scenes in scores.items():
        print(f"| {name} | " + " | ".join(f"{100 * value:.1f}" for value in row(of_scenes)) + " |")


def row(scores: list[Score]) -> Iterator[float]:
    """The numbers of one answer, in the order of the table."""
    yield from quality(scores)
    for stained in (False, True):
        yield next(quality([one for one in scores if one.scene.is_stained == stained]))
    iou = np.concatenate([one.best_iou for one in scores])
    touching = np.concatenate([one.scene.touching for one in scores])
    yield float((iou[touching] > 0.5).mean())
    yield float((iou[~touching] > 0.5).mean())
    for threshold in (0.5, 0.9):
        yield float(np.mean([one.average_precision(threshold) for one in scores]))


def quality(scores: list[Score]) -> Iterator[float]:
    """PQ, SQ and RQ of the nucleus."""
    if not scores:
        yield from (float("nan"),) * 3
        return
    iou = np.concatenate([one.best_iou for one in scores])
    hits = iou[iou > 0.5]
    segmentation = float(hits.mean()) if len(hits) else 0.0
    recognition = 2 * len(hits) / max(len(iou) + sum(one.num_answers for one in scores), 1)
    yield from (segmentation * recognition, segmentation, recognition)


def score(answer: Labels, scene: Scene) -> Score:
    """Compare one answer with the truth."""
    truth = scene.truth
    pairs = np.zeros((truth.max() + 1, answer.max() + 1))
    np.add.at(pairs, (truth, answer), 1)
    union = pairs.sum(axis=1, keepdims=True) + pairs.sum(axis=0, keepdims=True) - pairs
    iou = (pairs / np.maximum(union, 1))[1:, 1:]
    best = iou.max(axis=1, initial=0.0)
    return Score(best, int((np.bincount(answer.ravel())[1:] > 0).sum()), scene)


def scenes(folder: str, split: str, scale: float) -> Iterator[Scene]:
    """The images with their nuclei numbered from 1."""
    data = PanopticDataset(folder, split=split)
    thing = next(category.id for category in data.categories if category.is_thing)
    for sample in data:
        picture = Image.fromarray(sample.image.movedim(0, 2).numpy())
        ids = [segment.id for segment in sample.segments if segment.category_id == thing]
        truth = np.where(np.isin(sample.ids.numpy(), ids), sample.ids.numpy(), 0)
        if scale != 1:
            size = round(picture.width * scale), round(picture.height * scale)
            picture = picture.resize(size, Image.Resampling.BICUBIC)
            truth = np.asarray(Image.fromarray(truth).resize(size, Image.Resampling.NEAREST))
        numbers = np.unique(truth, return_inverse=True)[1].reshape(truth.shape)
        yield Scene(np.asarray(picture), numbers if (truth == 0).any() else numbers + 1)


def by_model(model: intarsia.Model, diameter: Diameter | None) -> Answer:
    """A model's nuclei."""

    def answer(picture: Picture) -> Labels:
        return model.predict(picture, diameter=diameter).instances(model.categories)

    return answer


def otsu_and_watershed(picture: Picture) -> Labels:
    """The classical answer."""
    from skimage import feature, filters, morphology, segmentation

    gray = ndimage.gaussian_filter(picture.astype(float).mean(axis=2), 1)
    if gray.max() == gray.min():
        return np.zeros(gray.shape, int)
    inside = gray > filters.threshold_otsu(gray)
    inside = ~inside if inside.mean() > 0.5 else inside
    inside = ndimage.binary_fill_holes(morphology.remove_small_objects(inside, max_size=MIN_PX - 1))
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(inside), 1)
    pieces, _ = ndimage.label(inside)  # pyright: ignore[reportGeneralTypeIssues]
    peaks = feature.peak_local_max(distance, min_distance=4, labels=pieces)
    seeds = np.zeros(gray.shape, int)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return segmentation.watershed(-distance, seeds, mask=inside)


if __name__ == "__main__":
    main()
