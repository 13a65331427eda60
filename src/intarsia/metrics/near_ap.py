"""Cityscapes' AP100m and AP50m: of the instances that the car is close to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int32

from intarsia._check import fail
from intarsia.formats.cityscapes_depth import find_depth_files, read_distances
from intarsia.metrics.cityscapes_ap import AveragePrecisionReport, CityscapesAP
from intarsia.metrics.folders import read_pairs
from intarsia.metrics.matching import SegmentTable
from intarsia.metrics.measuring import compare_files

__all__ = ["MIN_NEAR_PX", "evaluate_near", "near_segments"]

MIN_NEAR_PX = 1000
"""Truth instances below are neither found nor missed where distance counts."""


def near_segments(
    ids: Int32[np.ndarray, "h w"],
    table: SegmentTable,
    distances: Float32[np.ndarray, "h w"],
    *,
    within_m: float,
) -> Bool[np.ndarray, " s"]:
    """Which segments are near enough: by their median distance, where at least half of their pixels have one.

    Source: the public Cityscapes scripts take a median and a confidence of 0.5; that these are of the pixels
    with a disparity is ours, since the scripts read both from a file that is not public.

    Args:
        ids: The true map.
        table: The image's true segments.
        distances: In metres, NaN where unknown.
        within_m: The farthest median.

    Raises:
        ValueError: The distances have another size.

    Example:
        >>> from intarsia.panoptic import Categories, Segment
        >>> table = SegmentTable.of([Segment(1, 1), Segment(2, 1)], Categories.named("facades"))
        >>> distances = np.array([[10.0, 30.0, 90.0, np.nan]], np.float32)
        >>> near_segments(np.array([[1, 1, 2, 2]], np.int32), table, distances, within_m=50.0)
        array([ True, False])
    """
    if distances.shape != ids.shape:
        fail("distances", f"as large as the map, {ids.shape}", distances.shape)
    near = np.zeros(len(table.ids), bool)
    for row, id in enumerate(table.ids):
        values = distances[ids == id]
        finite = values[np.isfinite(values)]
        near[row] = 2 * len(finite) >= len(values) > 0 and np.median(finite) <= within_m
    return near


def evaluate_near(
    truth_json: str | Path,
    prediction_json: str | Path,
    root: str | Path,
    *,
    within_m: float,
    truth_dir: str | Path | None = None,
    prediction_dir: str | Path | None = None,
) -> AveragePrecisionReport:
    """AP of the instances within a distance: 100 and 50 metres in Cityscapes' tables.

    Args:
        truth_json: In COCO panoptic format; images keep Cityscapes' names.
        prediction_json: COCO panoptic JSON of the predictions.
        root: The official folder with `disparity/` and `camera/`.
        within_m: The farthest median distance in metres.
        truth_dir: Folder of PNGs, by default the JSON's name without `.json`.
        prediction_dir: Folder of the predicted PNGs.

    Raises:
        ValueError: As `evaluate_folders`, or an image has no disparity or camera.
    """
    if not within_m > 0:
        fail("within_m", "above 0", within_m)
    pairs = read_pairs(truth_json, prediction_json, truth_dir=truth_dir, prediction_dir=prediction_dir)
    precision = CityscapesAP(pairs.categories)
    for pair in pairs.images:
        image = compare_files(pair, with_maps=True)
        assert image.maps is not None
        distances = read_distances(*find_depth_files(root, pair.truth.image_file or pair.truth.path.name))
        near = near_segments(image.maps.truth, pair.truth.segments, distances, within_m=within_m)
        precision.add_of(image, near & (image.overlap.truth_areas >= MIN_NEAR_PX))
    return precision.compute()
