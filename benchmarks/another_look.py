"""From which found diameter on is it worth to look at a picture again, at twice or half its scale? Nuclei.

    python benchmarks/another_look.py DATA [--split train] [--every 3] [--from 0] [--scale 1]

DATA is a COCO panoptic folder whose first thing is the nucleus. Every third picture is predicted by `nuclei`
as it is, and at twice or half the scale again and again, as `--diameter auto` does. A row a limit: how many
pictures are looked at again if those are whose nuclei are smaller or larger than trained ones by that factor;
PQ of the nucleus in percent: of all pictures, of glowing (fluorescence) and of stained ones. `--scale` shows
the pictures at another size, and measures there.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Iterator

import numpy as np
from nuclei import Score, quality, scenes, score

import intarsia
from intarsia.panoptic import PanopticMap
from intarsia.runtime.diameter import predict_at_diameter

LIMITS = (math.inf, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 4.0)


class Memory:
    """A model that predicts a picture of each size once: all limits ask for the same ones."""

    def __init__(self, model: intarsia.Model) -> None:
        self._model = model
        self._maps: dict[tuple[int, ...], PanopticMap] = {}
        self.num_looks = 0

    def __call__(self, pictures: Iterable[np.ndarray]) -> Iterator[PanopticMap]:
        for picture in pictures:
            self.num_looks += 1
            if picture.shape not in self._maps:
                self._maps[picture.shape] = self._model.predict(picture)
            yield self._maps[picture.shape]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("--split", default="train")
    parser.add_argument("--every", type=int, default=3)
    parser.add_argument("--from", type=int, default=0, dest="start")
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    model = intarsia.load("nuclei")
    model.intake = model.intake.with_options((), "")  # as it is, unless a diameter is told
    scores: dict[float, list[Score]] = {limit: [] for limit in LIMITS}
    num_again = dict.fromkeys(LIMITS, 0)
    for number, scene in enumerate(scenes(options.data, options.split, options.scale)):
        if number % options.every != options.start:
            continue
        memory = Memory(model)
        for limit in LIMITS:
            memory.num_looks = 0
            [answer] = predict_at_diameter(
                memory,
                [scene.picture],
                "auto",
                trained_px=model.spec.diameter_px,
                categories=model.categories,
                alike=limit,
            )
            num_again[limit] += memory.num_looks > 1
            scores[limit].append(score(answer.instances(model.categories), scene))
    print("| limit | again | PQ | fluorescence | stained |\n|---|---|---|---|---|")
    for limit in LIMITS:
        print(f"| {limit} | {num_again[limit]} | {' | '.join(cells(scores[limit]))} |")


def cells(scores: list[Score]) -> list[str]:
    """PQ of the nucleus of all answers, and of those about glowing and stained pictures."""
    groups = (
        scores,
        [one for one in scores if not one.scene.is_stained],
        [one for one in scores if one.scene.is_stained],
    )
    return [f"{100 * next(quality(group)):.1f}" for group in groups]


if __name__ == "__main__":
    main()
