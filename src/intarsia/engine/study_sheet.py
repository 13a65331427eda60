"""A study as a sheet: the photos where things crowd most, their truth, the answer of every row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from intarsia import draw
from intarsia._files import whole
from intarsia.data.dataset import PanopticDataset
from intarsia.engine.study_runs import StudyRuns
from intarsia.engine.study_table import StudyResult
from intarsia.engine.train import data_of
from intarsia.metrics.crowding import CROWDING_EDGES, nearest_box
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["draw_sheet"]

_NUM_PHOTOS = 4


def draw_sheet(result: StudyResult, runs: StudyRuns, path: Path) -> None:
    """Write a sheet with a line a photo, of the networks of the first seed.

    Args:
        result: Which rows were measured.
        runs: Where their networks were trained.
        path: Where the PNG goes.
    """
    rows = [row for row in result.study.rows if row.name in result.numbers]
    data = data_of(runs.tree(rows[0], 0))[1]
    chosen = _most_crowded(data)
    samples = [data[index] for index in chosen]
    photos = [sample.image.movedim(0, 2).numpy() for sample in samples]
    columns = [
        photos,
        [_draw(p, s.panoptic_map(), data.categories) for p, s in zip(photos, samples, strict=True)],
    ]
    for row in rows:
        answers = runs.method(row, 0).predict(photos)
        columns.append([_draw(p, a, data.categories) for p, a in zip(photos, answers, strict=True)])
    titles = ["photo", "truth", *(row.name for row in rows)]
    pictures = [picture for line in zip(*columns, strict=True) for picture in line]
    names = [title if not line else "" for line in range(len(photos)) for title in titles]
    with whole(path) as partial:
        Image.fromarray(draw.contact_sheet(pictures, names, columns=len(titles))).save(partial)


def _most_crowded(data: PanopticDataset) -> list[int]:
    """The images with most things whose box overlaps another's as much as the last range says."""
    return sorted(range(len(data)), key=lambda index: -_num_crowded(data, index))[:_NUM_PHOTOS]


def _num_crowded(data: PanopticDataset, index: int) -> int:
    truth = data[index].panoptic_map()
    is_thing = {category.id: category.is_thing for category in data.categories}
    things = [s.id for s in truth.segments if is_thing[s.category_id] and not s.is_crowd]
    return int((nearest_box(truth.ids, np.array(things, np.int64)) >= CROWDING_EDGES[-1]).sum())


def _draw(photo: np.ndarray, answer: PanopticMap, categories: Categories) -> np.ndarray:
    return draw.overlay(photo, answer, categories, alpha=0.7, names=False, by="instance")
