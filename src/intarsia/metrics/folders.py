"""Evaluating a folder of predicted maps against a folder of true ones, image by image."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Int64, Shaped

from intarsia import _native
from intarsia._check import fail
from intarsia._threads import results_in_order
from intarsia.errors import InputError, PartialFailure
from intarsia.formats.coco_places import json_of
from intarsia.formats.png import UnreadableError, keep_freed_buffers, read_filtered, read_ids
from intarsia.metrics.annotations import MapAnnotation, read_annotations
from intarsia.metrics.matching import UNLISTED, Overlap
from intarsia.metrics.measures import NOTHING_ELSE, Request, needs_maps
from intarsia.metrics.pairing import MapPair, MapPairs, pair_maps
from intarsia.metrics.panoptic_quality import ImageQuality, PanopticQuality
from intarsia.metrics.quality_report import QualityReport
from intarsia.metrics.tally import AbstractTally, Comparison, IdMaps
from intarsia.panoptic import Categories


def evaluate_folders(
    truth_json: str | Path,
    prediction_json: str | Path,
    *,
    truth_dir: str | Path | None = None,
    prediction_dir: str | Path | None = None,
    workers: int = 1,
    request: Request = NOTHING_ELSE,
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
        workers: How many images are read at once.
        request: What else to measure; the report's `also` has it by name.

    Raises:
        ValueError: A JSON is missing, broken or contradicts itself; an image has no prediction; a prediction
            has another size than its truth, an unknown category, or other ids than its JSON lists.
        PartialFailure: Some PNGs could not be read; its `result` is the report over the other images.

    Example:
        >>> import tempfile; from intarsia.formats.coco import CocoWriter
        >>> from intarsia.panoptic import PanopticMap, Segment
        >>> folder = Path(tempfile.mkdtemp())
        >>> with CocoWriter(folder / "a.json", Categories.named("facades")) as writer:
        ...     _ = writer.add("1.jpg", PanopticMap(np.ones((2, 2), np.int32), [Segment(1, 6)]))
        >>> evaluate_folders(folder / "a.json", folder / "a.json").stuff.pq
        1.0
    """
    pairs = read_pairs(truth_json, prediction_json, truth_dir=truth_dir, prediction_dir=prediction_dir)
    quality = PanopticQuality(pairs.categories)
    tallies = request.tallies(pairs.categories)
    broken: list[str] = []
    wrong_areas = _WrongAreas()
    for pair, image in measure_pairs(pairs, request, workers=workers):
        if isinstance(image, str):
            broken.append(image)
            continue
        quality.add_image(image.quality)
        for name, tally in image.tallies.items():
            tallies[name].merge(tally)
        wrong_areas.check(pair.truth, image.truth_areas)
    if broken and len(broken) == len(pairs.images):
        raise InputError(broken[0] + (f" So it is with all {len(broken)} images." if len(broken) > 1 else ""))
    also = {name: tally.compute() for name, tally in tallies.items()}
    report = replace(quality.compute(), remarks=pairs.remarks + wrong_areas.remarks(), also=also)
    if broken:
        raise PartialFailure(broken, total=len(pairs.images), result=report)
    return report


def measure_pairs(
    pairs: MapPairs, request: Request, *, workers: int = 1
) -> Iterator[tuple[MapPair, MeasuredImage | str]]:
    """Measure image by image, in order; a sentence instead where a file is unreadable.

    Raises:
        ValueError: The sizes of two maps differ, or a prediction's ids are not those its JSON lists.
    """
    if workers < 1:
        fail("workers", "at least 1", workers)
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


def read_pairs(
    truth_json: str | Path,
    prediction_json: str | Path,
    *,
    truth_dir: str | Path | None = None,
    prediction_dir: str | Path | None = None,
) -> MapPairs:
    """Read both JSONs and pair their annotations by image, see `pair_maps`.

    Raises:
        ValueError: As `evaluate_folders`, for what shows without opening a PNG.
    """
    truth_json, prediction_json = json_of(truth_json), json_of(prediction_json)
    truth = read_annotations(truth_json, truth_dir)
    prediction = read_annotations(prediction_json, prediction_dir, categories=truth.categories)
    return pair_maps(truth, prediction, prediction_json)


def _measure(
    pair: MapPair, *, request: Request, categories: Categories
) -> tuple[MapPair, MeasuredImage | str]:
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
        fail(str(path), expected, f"{prediction[0]}x{prediction[1]}")


def _check_ids(prediction: MapAnnotation, overlap: Overlap) -> None:
    unlisted = overlap.prediction_ids[overlap.prediction_row == UNLISTED]
    if len(unlisted):
        fail(str(prediction.path), "made of ids that its JSON lists and 0", f"id {unlisted[0]}")
    absent = np.flatnonzero(overlap.prediction_areas == 0)
    if len(absent):
        listed = int(prediction.segments.ids[absent[0]])
        fail(str(prediction.path), "showing every segment its JSON lists", f"no pixel of id {listed}")


class _WrongAreas:
    """Counts truth segments whose `area` in the JSON is not their number of pixels."""

    def __init__(self) -> None:
        self.num_wrong = 0
        self.first = ""

    def check(self, truth: MapAnnotation, areas: Int64[np.ndarray, " s"]) -> None:
        wrong = np.flatnonzero((truth.areas != areas) & (truth.areas >= 0))
        if len(wrong) and not self.first:
            row = wrong[0]
            listed = f"segment {truth.segments.ids[row]} of {truth.path} has area {truth.areas[row]}"
            self.first = f"{listed} in the JSON and {areas[row]} pixels in the PNG"
        self.num_wrong += len(wrong)

    def remarks(self) -> tuple[str, ...]:
        if not self.num_wrong:
            return ()
        return (f"Wrong `area` of {self.num_wrong} truth segments ({self.first}); pixels were counted.",)
