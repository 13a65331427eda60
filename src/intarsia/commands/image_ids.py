"""The ids that predictions get: those of the truth, where there is one, so that both find each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import count
from pathlib import Path

from intarsia._check import fail
from intarsia.formats.image_names import image_ids_of

__all__ = ["ids_of_photos", "truth_of"]


def truth_of(paths: Sequence[str | Path], *, out: str | Path) -> Path | None:
    """The JSON of the data set that is predicted, where the one path is its folder.

    Args:
        paths: What is predicted.
        out: Where results go; what lies there is an earlier prediction and no truth.

    Example:
        >>> truth_of(["photo.jpg"], out="out") is None
        True
    """
    if len(paths) != 1 or not Path(paths[0]).is_dir():
        return None
    json_path = Path(paths[0]) / "panoptic.json"
    return json_path if json_path.is_file() and json_path.parent.resolve() != Path(out).resolve() else None


def ids_of_photos(names: Collection[str], truth: str | Path | None) -> dict[str, int | str]:
    """An id for each photo: that of the truth, else the next of 1, 2, ... that no other has.

    Args:
        names: Of the photos, with folders below the one that was searched.
        truth: A COCO JSON with `images`, or None.

    Raises:
        ValueError: The JSON is broken, or lists none of the photos.

    Example:
        >>> ids_of_photos(["b.jpg", "a.jpg"], None)
        {'b.jpg': 1, 'a.jpg': 2}
    """
    ids_of_truth = {} if truth is None else image_ids_of(truth, names)
    if truth is not None and names and not ids_of_truth:
        fail(str(truth), "a JSON that lists the photos", f"none of {len(names)}, such as {next(iter(names))}")
    free = _unused_ids(set(ids_of_truth.values()))
    return {name: ids_of_truth[name] if name in ids_of_truth else next(free) for name in names}


def _unused_ids(ids: set[int | str]) -> Iterator[int]:
    return (number for number in count(1) if number not in ids)
