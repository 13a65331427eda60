"""From which found diameter on is it worth to look at a picture again, rescaled? Nuclei, every limit at once.

    python benchmarks/another_look.py DATA [--split train] [--every 3] [--from 0] [--scale 1]

DATA is a COCO panoptic folder whose first thing is the nucleus. Every third picture is predicted by `nuclei`
as it is, and once more at the scale at which the median nucleus of that answer is as large as in training. A
row a limit and a rule: how many pictures are looked at again if those are whose nuclei are smaller or larger
by that factor, and which of both answers holds, the second, or the second only if it is as much and hardly
less sure; PQ of the nucleus in percent: of all pictures, of glowing (fluorescence) and of stained ones.
`--scale` shows the pictures at another size, and measures there.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from nuclei import Score, quality, scenes, score

import intarsia
from intarsia.runtime.diameter import MOST_TIMES, second_look_holds, typical_diameter_px

LIMITS = (1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 4.0)


@dataclass(frozen=True)
class Looks:
    """A picture as it was predicted at first, by how much it would be enlarged, and the second answer."""

    first: Score
    factor: float
    second: Score
    holds: bool

    def is_far(self, limit: float) -> bool:
        """Whether the nuclei are smaller or larger than trained ones by this factor."""
        return self.factor >= limit or self.factor <= 1 / limit


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("--split", default="train")
    parser.add_argument("--every", type=int, default=3)
    parser.add_argument("--from", type=int, default=0, dest="start")
    parser.add_argument("--scale", type=float, default=1.0)
    looks = look_twice(parser.parse_args())
    print("| limit | again | what holds | PQ | fluorescence | stained |\n|---|---|---|---|---|---|")
    print_row("none | 0 | the first", [look.first for look in looks])
    for limit in LIMITS:
        again = sum(look.is_far(limit) for look in looks)
        second = [look.second if look.is_far(limit) else look.first for look in looks]
        print_row(f"{limit} | {again} | the second", second)
        surer = [look.second if look.is_far(limit) and look.holds else look.first for look in looks]
        print_row(f"{limit} | {again} | the second if it is as much", surer)


def look_twice(options: argparse.Namespace) -> list[Looks]:
    """Both answers for every picture that is asked for; one answer twice where scales hardly differ."""
    model = intarsia.load("nuclei")
    model.intake = model.intake.with_options((), "")  # as it is, unless a diameter is told
    categories, trained_px = model.categories, model.spec.diameter_px
    assert trained_px is not None
    looks = []
    for number, scene in enumerate(scenes(options.data, options.split, options.scale)):
        if number % options.every != options.start:
            continue
        first = second = model.predict(scene.picture)
        factor = trained_px / (typical_diameter_px([first], categories) or trained_px)
        if not 1 / LIMITS[0] < factor < LIMITS[0] and 1 / MOST_TIMES < factor < MOST_TIMES:
            second = model.predict(scene.picture, diameter=trained_px / factor)
        holds = second_look_holds(second, first, categories)
        scores = [score(answer.instances(categories), scene) for answer in (first, second)]
        looks.append(Looks(scores[0], factor, scores[1], holds))
    return looks


def print_row(title: str, scores: list[Score]) -> None:
    """PQ of the nucleus where these answers hold."""
    groups = (
        scores,
        [one for one in scores if not one.scene.is_stained],
        [one for one in scores if one.scene.is_stained],
    )
    print(f"| {title} | " + " | ".join(f"{100 * next(quality(group)):.1f}" for group in groups) + " |")


if __name__ == "__main__":
    main()
