"""Nuclei in three dimensions: one cut over all pages, beside linking the maps of pages by overlap.

    python benchmarks/stacks.py --data DIR [--stacks 12] [--pages 24] [--out FOLDER]

Stacks are drawn from pictures of the validation part of a data set of nuclei (`drawn_stacks.py`), dark ones
with many nuclei first. Prints PQ, SQ and RQ of nuclei as volumes, over all voxels of all stacks, and seconds
of decoding a page: one cut, and the maps of single pages linked where the intersection over union of two
sections is at least 0.15, 0.25 (the default of cellpose's stitching) or 0.5, the largest first. OUT gets
pictures of three pages of the first stack: what is seen, truth, linked pages, one cut.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from drawn_stacks import DrawnStack, drawn_stack
from PIL import Image

import intarsia
from intarsia.data.dataset import PanopticDataset
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.stack import stack_maps
from intarsia.draw import overlay
from intarsia.metrics import PanopticQuality
from intarsia.panoptic import Categories, PanopticMap, Segment
from intarsia.runtime.model import Model

LEAST_IOUS = (0.15, 0.25, 0.5)
BRIGHTEST_GROUND = 100
LARGEST_PX = 400

Volume = np.ndarray
"""Pages, rows, columns: the number of each voxel's nucleus, 0 for none."""
Method = Callable[[Sequence[ImageView]], Volume]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--stacks", type=int, default=12)
    parser.add_argument("--pages", type=int, default=24)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    model = intarsia.load("nuclei")
    methods = {"one cut": one_cut(model)} | {
        f"linked, IoU {least}": linked(model, least) for least in LEAST_IOUS
    }
    quality = {name: PanopticQuality(model.categories) for name in methods}
    seconds = dict.fromkeys(methods, 0.0)
    stacks = drawn_stacks(options.data, options.stacks, options.pages)
    for number, stack in enumerate(stacks):
        views = list(model.views(list(stack.pages)))
        volumes: dict[str, Volume] = {}
        for name, method in methods.items():
            begin = time.process_time()
            volumes[name] = method(views)
            seconds[name] += time.process_time() - begin
            quality[name].update(
                as_map(volumes[name], model.categories), as_map(stack.truth, model.categories)
            )
        if number == 0 and options.out is not None:
            draw(stack, volumes, model.categories, options.out)
    print(f"{'':<18}{'PQ':>7}{'SQ':>7}{'RQ':>7}{'s a page':>10}")
    for name in methods:
        things = quality[name].compute().things
        row = "".join(f"{100 * value:>7.1f}" for value in (things.pq, things.sq, things.rq))
        print(f"{name:<18}{row}{seconds[name] / len(stacks) / options.pages:>10.3f}")


def drawn_stacks(data: str, count: int, num_pages: int) -> list[DrawnStack]:
    dataset = PanopticDataset(data, split="val")
    stacks: list[DrawnStack] = []
    for number in range(len(dataset)):
        sample = dataset[number]
        picture = (np.moveaxis(np.asarray(sample.image), 0, -1)).astype(np.uint8)
        panoptic_map = sample.panoptic_map()
        few = int(panoptic_map.instances(dataset.categories).max()) < 6
        if few or max(picture.shape) > LARGEST_PX or picture.mean() > BRIGHTEST_GROUND:
            continue
        stacks.append(
            drawn_stack(picture, panoptic_map, dataset.categories, num_pages=num_pages, seed=number)
        )
        if len(stacks) == count:
            break
    return stacks


def one_cut(model: Model) -> Method:
    def volume(views: Sequence[ImageView]) -> Volume:
        cut_views = [model.decoder.cut_view(view, model.categories) for view in views]
        maps = stack_maps(cut_views, model.categories, config=model.decoder.cut_config)
        return np.stack([one.ids * np.isin(one.ids, thing_ids(one, model.categories)) for one in maps])

    return volume


def thing_ids(panoptic_map: PanopticMap, categories: Categories) -> list[int]:
    things = {row.id for row in categories.things}
    return [segment.id for segment in panoptic_map.segments if segment.category_id in things]


def linked(model: Model, least_iou: float) -> Method:
    """Pages one after the other: a section continues the one on the page before that it overlaps most."""

    def volume(views: Sequence[ImageView]) -> Volume:
        pages = [model.decode(view).instances(model.categories) for view in views]
        result = [pages[0]]
        count = int(pages[0].max())
        for page in pages[1:]:
            number_of = np.zeros(1 + int(page.max()), np.int32)
            for number, before in links(page, result[-1], least_iou):
                number_of[number] = before
            fresh = np.flatnonzero(number_of[1:] == 0) + 1
            number_of[fresh] = count + 1 + np.arange(len(fresh))
            count += len(fresh)
            result.append(number_of[page])
        return np.stack(result)

    return volume


def links(page: np.ndarray, before: np.ndarray, least_iou: float) -> list[tuple[int, int]]:
    """Sections of both pages that are one, each at most once, the largest intersection over union first."""
    pairs, common = np.unique(np.stack([page.ravel(), before.ravel()]), axis=1, return_counts=True)
    areas, areas_before = np.bincount(page.ravel()), np.bincount(before.ravel())
    iou = common / (areas[pairs[0]] + areas_before[pairs[1]] - common)
    taken: list[tuple[int, int]] = []
    for index in np.argsort(-iou, kind="stable"):
        number, other = pairs[:, index].tolist()
        free = all(number != a and other != b for a, b in taken)
        if number and other and iou[index] >= least_iou and free:
            taken.append((number, other))
    return taken


def as_map(volume: Volume, categories: Categories) -> PanopticMap:
    """The pages below each other: quality counts sets of voxels, wherever they lie."""
    ids = volume.reshape(-1, volume.shape[-1])
    ground = 1 + int(ids.max())
    ids = np.where(ids > 0, ids, ground)
    thing, stuff = categories.things[0].id, categories.stuff[0].id
    return PanopticMap(ids, [Segment(n, stuff if n == ground else thing) for n in np.unique(ids).tolist()])


def draw(stack: DrawnStack, volumes: dict[str, Volume], categories: Categories, out: Path) -> None:
    """Rows: what is seen, truth, linked pages, one cut; columns: three pages in the middle."""
    out.mkdir(parents=True, exist_ok=True)
    middle = len(stack.pages) // 2
    shown = [middle - 3, middle, middle + 3]
    brighter = [np.minimum(3 * stack.pages[page].astype(int), 255).astype(np.uint8) for page in shown]
    volumes = {"truth": stack.truth} | {name: volumes[name] for name in ("linked, IoU 0.25", "one cut")}
    options = {"steady": True, "by": "instance", "names": False}
    drawn = [
        overlay(picture, as_map(volume[page], categories), categories, **options)
        for volume in volumes.values()
        for picture, page in zip(brighter, shown, strict=True)
    ]
    pictures = [*brighter, *drawn]
    rows = [np.concatenate(pictures[n : n + 3], axis=1) for n in range(0, len(pictures), 3)]
    Image.fromarray(np.concatenate(rows, axis=0)).save(out / "stack.png")


if __name__ == "__main__":
    main()
