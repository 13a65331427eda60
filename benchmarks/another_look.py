"""From which found diameter on is it worth to look at a picture again, rescaled? Nuclei, every limit at once.

    python benchmarks/another_look.py DATA [--split train] [--every 3] [--scale 1]

DATA is a COCO panoptic folder whose first thing is the nucleus. Every third picture is predicted by `nuclei`
as it is, and once more at the scale at which the median nucleus of that answer is as large as in training. A
row a limit: how many pictures are looked at again if those are whose nuclei are smaller, larger, or either by
that factor; PQ of the nucleus in percent: of all pictures, of glowing (fluorescence) and of stained ones.
`--scale` shows the pictures at another size, and measures there.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from nuclei import Score, by_model, quality, scenes, score

import intarsia
from intarsia.runtime.diameter import MOST_TIMES, typical_diameter_px

LIMITS = (1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 4.0)
SIDES = ("smaller", "larger", "either")


@dataclass(frozen=True)
class Looks:
    """A picture as it was predicted at first, by how much it would be enlarged, and the second answer."""

    first: Score
    factor: float
    second: Score

    def is_far(self, side: str, limit: float) -> bool:
        """Whether the nuclei are smaller, or larger, than trained ones by this factor."""
        is_small, is_large = self.factor >= limit, self.factor <= 1 / limit
        return {"smaller": is_small, "larger": is_large, "either": is_small or is_large}[side]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("--split", default="train")
    parser.add_argument("--every", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    looks = look_twice(options)
    print("| nuclei | limit | again | PQ | fluorescence | stained |\n|---|---|---|---|---|---|")
    print_row("as they are", "", [False] * len(looks), looks)
    for side in SIDES:
        for limit in LIMITS:
            print_row(side, str(limit), [look.is_far(side, limit) for look in looks], looks)


def look_twice(options: argparse.Namespace) -> list[Looks]:
    """Both answers for every picture that is asked for; one answer twice where scales hardly differ."""
    model = intarsia.load("nuclei")
    model.intake = model.intake.with_options((), "")  # as it is, unless a diameter is told
    trained_px = model.spec.diameter_px
    assert trained_px is not None
    looks = []
    for number, scene in enumerate(scenes(options.data, options.split, options.scale)):
        if number % options.every:
            continue
        answer = model.predict(scene.picture)
        first = second = score(answer.instances(model.categories), scene)
        factor = trained_px / (typical_diameter_px([answer], model.categories) or trained_px)
        if not 1 / LIMITS[0] < factor < LIMITS[0] and 1 / MOST_TIMES < factor < MOST_TIMES:
            second = score(by_model(model, trained_px / factor)(scene.picture), scene)
        looks.append(Looks(first, factor, second))
    return looks


def print_row(side: str, limit: str, again: list[bool], looks: list[Looks]) -> None:
    """What is found where these pictures are looked at again."""
    scores = [look.second if is_again else look.first for look, is_again in zip(looks, again, strict=True)]
    cells = [
        next(quality(group))
        for group in (
            scores,
            [one for one in scores if not one.scene.is_stained],
            [one for one in scores if one.scene.is_stained],
        )
    ]
    print(f"| {side} | {limit} | {sum(again)} | {' | '.join(f'{100 * pq:.1f}' for pq in cells)} |")


if __name__ == "__main__":
    main()
