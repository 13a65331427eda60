"""Evaluating a folder of predicted maps against a folder of true ones, image by image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from intarsia.errors import InputError, PartialFailure
from intarsia.formats.coco_places import json_of
from intarsia.metrics.annotations import NO_PROBLEMS, read_annotations
from intarsia.metrics.measures import NOTHING_ELSE, Request
from intarsia.metrics.measuring import measure_pairs
from intarsia.metrics.pair_sums import GROUP, Each, PairSum, in_groups, sum_of_pairs
from intarsia.metrics.pairing import MapPairs, pair_maps
from intarsia.metrics.panoptic_quality import PanopticQuality
from intarsia.metrics.quality_report import QualityReport

__all__ = ["evaluate_folders", "read_pairs"]


def evaluate_folders(
    truth_json: str | Path,
    prediction_json: str | Path,
    *,
    truth_dir: str | Path | None = None,
    prediction_dir: str | Path | None = None,
    problems: Mapping[Path, str] = NO_PROBLEMS,
    workers: int = 1,
    request: Request = NOTHING_ELSE,
    each: Each | None = None,
) -> QualityReport:
    """Panoptic quality of predictions on disk, both sides in COCO panoptic format, and other metrics with it.

    The categories are the truth's. Every file is read once, whatever is measured. The workers are threads:
    reading and counting run in native code without the interpreter lock. The result is the same whatever
    their number.

    Args:
        truth_json: Lists the images to evaluate; or a data set folder of one part.
        prediction_json: Needs `annotations` only; may hold more images than the truth.
        truth_dir: Folder of PNGs, by default the JSON's name without `.json`.
        prediction_dir: Folder of the predicted PNGs; by default the name of its JSON without `.json`.
        problems: Sentences for PNGs that are known to hold no map; they are named as unreadable ones are.
        workers: How many images are read at once; 1, as a caller has often threads of its own.
        request: What else to measure; the report's `also` has it by name.
        each: Calls a function with each group of pairs and gives the results in order, perhaps in other
            processes; by default here. The result is the same to the bit.

    Raises:
        ValueError: A JSON is missing, broken or contradicts itself; an image has no prediction; a prediction
            has another size than its truth, an unknown category, or other ids than its JSON lists.
        PartialFailure: Some PNGs could not be read; its `result` is the report over the other images.

    Example:
        >>> import tempfile, numpy as np; from intarsia.formats.coco import CocoWriter
        >>> from intarsia.panoptic import Categories, PanopticMap, Segment
        >>> folder = Path(tempfile.mkdtemp())
        >>> with CocoWriter(folder / "a.json", Categories.named("facades")) as writer:
        ...     _ = writer.add("1.jpg", PanopticMap(np.ones((2, 2), np.int32), [Segment(1, 6)]))
        >>> evaluate_folders(folder / "a.json", folder / "a.json").stuff.pq
        1.0
    """
    pairs = read_pairs(
        truth_json,
        prediction_json,
        truth_dir=truth_dir,
        prediction_dir=prediction_dir,
        problems=problems,
    )
    # sums of groups of images, by processes or machines
    total = PairSum.empty(pairs.categories, request)
    if each is None:
        measured = measure_pairs(pairs, request, workers=workers)
        sums = (PairSum.of(group, pairs.categories, request) for group in in_groups(measured, GROUP))
    else:
        groups = [replace(pairs, images=group) for group in in_groups(pairs.images, GROUP)]
        sums = each(partial(sum_of_pairs, request=request), groups)
    # qualities one by one, so that the result does not depend on the groups
    quality = PanopticQuality(pairs.categories)
    for group_sum in sums:
        for image in group_sum.qualities:
            quality.add_image(image)
        total.merge(group_sum)
    if total.broken and len(total.broken) == len(pairs.images):
        more = f" So it is with all {len(pairs.images)} images." if len(pairs.images) > 1 else ""
        raise InputError(total.broken[0] + more)
    also = {name: tally.compute() for name, tally in total.tallies.items()}
    report = replace(quality.compute(), remarks=pairs.remarks + total.wrong_areas.remarks(), also=also)
    if total.broken:
        raise PartialFailure(total.broken, total=len(pairs.images), result=report)
    return report


def read_pairs(
    truth_json: str | Path,
    prediction_json: str | Path,
    *,
    truth_dir: str | Path | None = None,
    prediction_dir: str | Path | None = None,
    problems: Mapping[Path, str] = NO_PROBLEMS,
) -> MapPairs:
    """Read both JSONs and pair their annotations by image, see `pair_maps`.

    Raises:
        ValueError: As `evaluate_folders`, for what shows without opening a PNG.
    """
    truth_json, prediction_json = json_of(truth_json), json_of(prediction_json)
    truth = read_annotations(truth_json, truth_dir, problems=problems)
    prediction = read_annotations(
        prediction_json,
        prediction_dir,
        categories=truth.categories,
        problems=problems,
    )
    return pair_maps(truth, prediction, prediction_json)
