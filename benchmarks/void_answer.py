"""What does it cost that void is an answer? The same network, decoded with the answer and without.

    python benchmarks/void_answer.py DATA [--model facades] [--split val] [--photo PHOTO --out PICTURE]

DATA is a COCO panoptic folder. One row a way of decoding, in percent: PQ of all, things and stuff; then how
much of the pixels that are void in the truth is left void, and how much of the labelled ones. `--photo` also
draws a photo of yours, the answer without void beside the answer with it.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

import intarsia
from intarsia.data.dataset import PanopticDataset
from intarsia.decoding.image_view import ImageView
from intarsia.draw import overlay
from intarsia.metrics import PanopticQuality
from intarsia.panoptic import VOID_ID
from intarsia.runtime import Model

NEVER = 1e3
"""A cost that no affinities make up for."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("--model", default="facades")
    parser.add_argument("--split", default="val")
    parser.add_argument("--photo")
    parser.add_argument("--out", type=Path, default=Path("void.jpg"))
    options = parser.parse_args()
    model = intarsia.load(options.model)
    if options.photo:
        draw(model, options.photo, options.out)
    data = PanopticDataset(options.data, split=options.split)
    tallies = {name: PanopticQuality(data.categories) for name in ("with void", "without")}
    pixels = {name: np.zeros((2, 2)) for name in tallies}  # truth is void, answer is void
    for sample in data:
        truth = sample.panoptic_map()
        view = model.view(sample.image.movedim(0, 2).numpy())
        for name, seen in (("with void", view), ("without", without_void(view, len(data.categories)))):
            answer = model.decode(seen)
            tallies[name].update(answer, truth)
            np.add.at(pixels[name], ((truth.ids == VOID_ID) * 1, (answer.ids == VOID_ID) * 1), 1)
    print("| | PQ | things | stuff | of void left void | of labelled left void |\n|" + "---|" * 6)
    for name, tally in tallies.items():
        report = tally.compute()
        labelled, void = pixels[name][:, 1] / pixels[name].sum(axis=1)
        cells = [report.all.pq, report.things.pq, report.stuff.pq, void, labelled]
        print(f"| {name} | " + " | ".join("–" if x is None else f"{100 * x:.1f}" for x in cells) + " |")


def without_void(view: ImageView, num_categories: int) -> ImageView:
    """What the network says, where it may not say void."""
    costs, logits = view["node_costs"].copy(), view["semantic_logits"].copy()
    costs[num_categories:], logits[num_categories:] = NEVER, -NEVER
    return replace(view, arrays={**view.arrays, "node_costs": costs, "semantic_logits": logits})


def draw(model: Model, photo: str, out: Path) -> None:
    """The photo, the answer without void, the answer with it, side by side."""
    picture = np.asarray(Image.open(photo).convert("RGB"))
    view = model.view(picture)
    answers = [model.decode(seen) for seen in (without_void(view, len(model.categories)), view)]
    panels = [picture, *(overlay(picture, answer, model.categories) for answer in answers)]
    Image.fromarray(np.concatenate(panels, axis=1)).save(out, quality=88)


if __name__ == "__main__":
    main()
