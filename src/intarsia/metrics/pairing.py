"""Which prediction belongs to which truth: by image id, checked by file name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from intarsia._check import counted, fail
from intarsia.formats.image_names import ImageNames
from intarsia.metrics.annotations import AnnotationFile, MapAnnotation
from intarsia.panoptic import Categories

__all__ = ["MapPair", "MapPairs", "pair_maps"]

HINT = (
    "`intarsia.formats.image_names.image_ids_of` gives the truth's ids; without `image_id`, file names pair."
)


@dataclass(frozen=True, slots=True)
class MapPair:
    """One image: where its two maps are and what they show."""

    truth: MapAnnotation
    prediction: MapAnnotation


@dataclass(frozen=True, slots=True)
class MapPairs:
    """All images of a data set, in the order of the truth's annotations, and what to know of the pairing."""

    categories: Categories
    images: tuple[MapPair, ...]
    remarks: tuple[str, ...] = ()

    def absolute(self) -> MapPairs:
        """The same for a process that works in another folder."""
        images = tuple(MapPair(pair.truth.absolute(), pair.prediction.absolute()) for pair in self.images)
        return replace(self, images=images)


def pair_maps(truth: AnnotationFile, prediction: AnnotationFile, prediction_json: str | Path) -> MapPairs:
    """Pair the maps of two files: by image id, and by file name where the prediction lacks a truth's id.

    Names need not be equal: folders and suffixes may differ, as `ImageNames` tells.

    Raises:
        ValueError: One id stands for different files, or an image of the truth has no prediction.
    """
    absent = [id for id in truth.maps if id not in prediction.maps]
    other_names = _other_names(truth, prediction)
    names = ImageNames({id: _name_of(row) for id, row in truth.maps.items()} if absent or other_names else {})
    _check_names(other_names, names, prediction_json)
    by_name: dict[int | str, MapAnnotation] = {}
    for id, row in prediction.maps.items() if absent else ():
        if id not in truth.maps and (match := names.find(_name_of(row))) is not None:
            if match in by_name:
                both = f"{_name_of(by_name[match])} and {_name_of(row)} for {match!r}"
                fail(str(prediction_json), "one with one map an image", both)
            by_name[match] = row
    missing = [id for id in absent if id not in by_name]
    if missing:
        expected = f"a prediction for every image; missing: {len(missing)} of {len(truth.maps)}"
        fail(str(prediction_json), expected, f"none for {missing[0]!r}")
    images = tuple(MapPair(row, prediction.maps.get(id) or by_name[id]) for id, row in truth.maps.items())
    return MapPairs(truth.categories, images, _remarks(absent, truth.maps) + _other_categories(prediction))


def _other_names(truth: AnnotationFile, prediction: AnnotationFile) -> list[tuple[MapAnnotation, str]]:
    """Truths with the file name of the prediction of their id, where both have one and they differ."""
    pairs = ((row, prediction.maps.get(id)) for id, row in truth.maps.items())
    both = ((row, other.image_file) for row, other in pairs if other and other.image_file and row.image_file)
    return [(row, name) for row, name in both if name != row.image_file]


def _check_names(
    other_names: list[tuple[MapAnnotation, str]], names: ImageNames, prediction_json: str | Path
) -> None:
    """Refuse ids that stand for other files."""
    wrong = [
        (row.image_id, row.image_file, name) for row, name in other_names if names.find(name) != row.image_id
    ]
    if wrong:
        id, true_name, name = wrong[0]
        expected = f"one whose image ids stand for the truth's files; others: {len(wrong)}"
        fail(str(prediction_json), expected, f"{name!r} for {id!r}, which is {true_name!r}", hint=HINT)


def _name_of(row: MapAnnotation) -> str:
    return row.image_file or row.path.name


def _remarks(absent: list[int | str], maps: Mapping[int | str, MapAnnotation]) -> tuple[str, ...]:
    if not absent:
        return ()
    images = f"{len(absent)} of {counted(len(maps), 'image')}"
    return (f"Paired {images} by file name: the prediction has no map for their ids.",)


def _other_categories(prediction: AnnotationFile) -> tuple[str, ...]:
    if not prediction.renamed:
        return ()
    names = "; ".join(prediction.renamed[:3]) + ("; ..." if len(prediction.renamed) > 3 else "")
    return (f"Ids of categories count; other names here ({len(prediction.renamed)}): {names}.",)
