"""Measuring pairs of maps on disk, image by image, on several threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Int64, Shaped

import intarsia._native as _native
from intarsia._check import check_least, fail
from intarsia._threads import results_in_order
from intarsia.formats.png import UnreadableError, keep_freed_buffers, read_filtered, read_ids
from intarsia.metrics.annotations import MapAnnotation
from intarsia.metrics.matching import UNLISTED, Overlap
from intarsia.metrics.measures import Request, needs_maps
from intarsia.metrics.pairing import MapPair, MapPairs
from intarsia.metrics.panoptic_quality import ImageQuality
from intarsia.metrics.tally import AbstractTally, Comparison, IdMaps
from intarsia.panoptic import Categories

__all__ = ["MeasuredImage", "compare_files", "count_pairs_of_files", "measure_pairs"]


def measure_pairs(
    pairs: MapPairs, request: Request, *, workers: int = 1
) -> Iterator[tuple[MapPair, MeasuredImage | str]]:
    """Measure image by image, in order; a sentence instead where a file is unreadable.

    Args:
        pairs: Predictions with their truth.
        request: What is measured.
        workers: Threads that read and compare at once; one unless told, since each holds two maps.

    Raises:
        ValueError: The sizes of two maps differ, or a prediction's ids are not those its JSON lists.
    """
    check_least("workers", workers, 1)
    keep_freed_buffers()
    measure = partial(_measure, request=request, categories=pairs.categories)
    for _, measurement in results_in_order(measure, pairs.images, workers=workers):
        yield measurement


@dataclass(frozen=True, slots=True)
class MeasuredImage:
    """What a worker hands to the sum: one image's matches, tallies of one image, and the truth's areas."""

    quality: ImageQuality
    tallies: dict[str, AbstractTally]
    truth_areas: Int64[np.ndarray, " s"]


def _measure(
    pair: MapPair, *, request: Request, categories: Categories
) -> tuple[MapPair, MeasuredImage | str]:
    if problem := pair.truth.problem or pair.prediction.problem:
        return pair, problem
    tallies = request.tallies(categories)
    try:
        image = compare_files(pair, with_maps=needs_maps(tallies.values()))
    except UnreadableError as error:
        return pair, str(error)
    truth_areas = image.overlap.truth_areas
    image = request.trim(image, categories)
    for tally in tallies.values():
        tally.add(image)
    return pair, MeasuredImage(ImageQuality.of(image.overlap), tallies, truth_areas)


def compare_files(pair: MapPair, *, with_maps: bool = False) -> Comparison:
    """Read the two PNGs of one image.

    Raises:
        ValueError: The sizes differ, or the prediction's ids are not those its JSON lists.
        UnreadableError: A PNG cannot be read.
    """
    if with_maps:
        maps = _read_maps(pair.truth.path, pair.prediction.path)
        counts = _native.count_id_pairs(maps.truth.ravel(), maps.prediction.ravel())
    else:
        maps, counts = None, count_pairs_of_files(pair.truth.path, pair.prediction.path)
    overlap = Overlap.of_pairs(counts, prediction=pair.prediction.segments, truth=pair.truth.segments)
    _check_ids(pair.prediction, overlap)
    return Comparison(overlap, maps, pair.truth.name)


def _read_maps(truth: Path, prediction: Path) -> IdMaps:
    true, predicted = read_ids(truth), read_ids(prediction)
    _check_sizes(true.shape, predicted.shape, prediction)
    return IdMaps(true, predicted)


def count_pairs_of_files(truth: Path, prediction: Path) -> Shaped[np.ndarray, "n 3"]:
    """Rows of (truth id, prediction id, pixels) of two PNGs; plain ones are counted without making id maps.

    Raises:
        ValueError: The sizes differ.
        UnreadableError: A PNG cannot be read.
    """
    first, second = read_filtered(truth), read_filtered(prediction)
    if first is not None and second is not None:
        _check_sizes((first.height, first.width), (second.height, second.width), prediction)
        with suppress(ValueError):  # a row filter that does not exist: the complete reader says so
            return _native.count_png_pairs(
                first.rows, first.channels, second.rows, second.channels, first.height, first.width
            )
    maps = _read_maps(truth, prediction)
    return _native.count_id_pairs(maps.truth.ravel(), maps.prediction.ravel())


def _check_sizes(truth: tuple[int, ...], prediction: tuple[int, ...], path: Path) -> None:
    if truth != prediction:
        expected = f"as large as its truth, {truth[0]}x{truth[1]}"
        hint = "One lies on its side: maps are of the photo as its EXIF orientation turns it."
        hint = hint if truth == prediction[::-1] else ""
        fail(str(path), expected, f"{prediction[0]}x{prediction[1]}", hint=hint)


def _check_ids(prediction: MapAnnotation, overlap: Overlap) -> None:
    unlisted = overlap.prediction_ids[overlap.prediction_row == UNLISTED]
    if len(unlisted):
        fail(str(prediction.path), "made of ids that its JSON lists and 0", f"id {unlisted[0]}")
    absent = np.flatnonzero(overlap.prediction_areas == 0)
    if len(absent):
        listed = int(prediction.segments.ids[absent[0]])
        fail(str(prediction.path), "showing every segment its JSON lists", f"no pixel of id {listed}")
