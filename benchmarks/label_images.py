"""Do label TIFFs train to what the same truth as COCO panoptic trains to? Real nuclei, both ways, one seed.

    python benchmarks/label_images.py DATA [--images 60] [--held-out 12] [--steps 150] [--recipe cops-nuclei]

DATA is a COCO panoptic folder with `train/` and `val/` whose first thing is the nucleus. The first images of
both parts are written twice: with label TIFFs as napari or cellpose write them (0 is background, each number
is a nucleus), and as COCO panoptic. `intarsia train` reads both as they are. A row a format: PQ, SQ and RQ on
the images that were held out, and PQ of the nucleus and the background, in percent; minutes of one core.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tifffile
from PIL import Image

import intarsia
from intarsia.data.dataset import PanopticDataset
from intarsia.formats.coco import CocoWriter
from intarsia.metrics import PanopticQuality
from intarsia.metrics.quality_report import QualityReport
from intarsia.panoptic import Categories, PanopticMap

PARTS = ("train", "val")
Scene = tuple[np.ndarray, PanopticMap]
"""A picture (h, w, 3), and the truth about it."""


def main() -> None:
    """Read the command line, train twice, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--held-out", type=int, default=12)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--crop", type=int, default=96)
    parser.add_argument("--recipe", default="cops-nuclei")
    options = parser.parse_args()
    print("| truth as | PQ | SQ | RQ | nucleus | background | minutes |\n|---|---|---|---|---|---|---|")
    with TemporaryDirectory() as place:
        root = Path(place)
        for part, count in zip(PARTS, (options.images, options.held_out), strict=True):
            data = PanopticDataset(options.data, split=part)
            write_labels(root / "labels" / part, scenes(data, count), data.categories)
            write_coco(root / "coco" / part, scenes(data, count), data.categories)
        for kind, name in (("labels", "label TIFFs"), ("coco", "COCO panoptic")):
            start = time.process_time()
            run = train(root / kind, root / f"run-{kind}", options)
            minutes = (time.process_time() - start) / 60
            report = quality(run, root / kind)
            rows = [report.all.pq, report.all.sq, report.all.rq, report.things.pq, report.stuff.pq]
            print(
                f"| {name} | {' | '.join(f'{100 * value:.1f}' for value in rows)} | {minutes:.1f} |",
                flush=True,
            )


def scenes(data: PanopticDataset, count: int) -> Iterator[Scene]:
    """The first images of a data set."""
    for number in range(count):
        sample = data[number]
        yield sample.image.movedim(0, 2).numpy(), sample.panoptic_map()


def write_labels(folder: Path, pictures: Iterator[Scene], categories: Categories) -> None:
    """As microscopists have them: a picture and a label image of the same name."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for number, (picture, truth) in enumerate(pictures):
        tifffile.imwrite(folder / "images" / f"{number:03d}.tif", picture)
        labels = truth.instances(categories).astype(np.uint16)
        tifffile.imwrite(folder / "labels" / f"{number:03d}_labels.tif", labels)


def write_coco(folder: Path, pictures: Iterator[Scene], categories: Categories) -> None:
    """The same pictures with the truth as it is."""
    (folder / "images").mkdir(parents=True)
    with CocoWriter(folder / "panoptic.json", categories) as writer:
        for number, (picture, truth) in enumerate(pictures):
            Image.fromarray(picture).save(folder / "images" / f"{number:03d}.png")
            writer.add(f"{number:03d}.png", truth)


def train(data: Path, out: Path, options: argparse.Namespace) -> Path:
    """One run on one core, without an exported network."""
    settings = (
        f"data={data}",
        f"augmentation.crop={options.crop},{options.crop}",
        "batch_size=4",
        f"schedule.steps={options.steps}",
        "schedule.warmup=20",
        f"schedule.evaluate_every={options.steps}",
        "workers=0",
        "threads=1",
        "device=cpu",
        "export=false",
    )
    return Path(intarsia.train(options.recipe, settings, out=str(out)))


def quality(run: Path, data: Path) -> QualityReport:
    """Of the trained model on the images that were held out."""
    model = intarsia.load(run / "best")
    held_out = PanopticDataset(data, split="val")
    result = PanopticQuality(held_out.categories)
    for number in range(len(held_out)):
        sample = held_out[number]
        picture = sample.image.movedim(0, 2).numpy()
        result.update(model.predict(picture), sample.panoptic_map())
    return result.compute()


if __name__ == "__main__":
    main()
