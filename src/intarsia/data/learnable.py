"""What is looked at before the first step: hours are not spent on data that nothing can be learned from."""

from __future__ import annotations

from intarsia._check import counted, fail
from intarsia._threads import in_order
from intarsia.data.dataset import PanopticDataset
from intarsia.errors import InputError
from intarsia.formats.lesson import nothing_to_learn
from intarsia.formats.photo_fit import check_fit
from intarsia.formats.source import SourceMap
from intarsia.pictures.reading import read_size

__all__ = ["check_learnable"]

NUM_NAMED = 5


def check_learnable(dataset: PanopticDataset) -> str:
    """Refuse a data set in which nothing can be learned, and label images that are none.

    Maps are read until two categories are seen, in most data sets one map. Label images without a category
    map are all read: a photo or a mask among them would stop the training when its turn comes. Of the photos
    the first is read.

    Returns:
        A sentence about photos that have no labels; empty where there are none.

    Raises:
        ValueError: No pixel is labelled, all segments are crowds, there is only one category; the first photo
            cannot be read; or one of the label images is broken, a photo, a mask, or of another size than its
            photo.

    Example:
        >>> import tempfile; from intarsia.data.synthetic import write_synthetic
        >>> folder = tempfile.mkdtemp()
        >>> write_synthetic(folder, kind="sticks", num_train=2, num_val=1, seed=0)
        >>> check_learnable(PanopticDataset(folder, split="train"))
        ''
    """
    if dataset.is_guessed:
        _check_every_label(dataset)
    reason = nothing_to_learn(record.read().segments for record in dataset.records)
    if reason:
        fail(str(dataset.folder), "a data set in which there is something to learn", reason)
    # photos that cannot be read, or need a choice of channel or page, are refused before a run has a folder
    dataset.records[0].read_photo()
    if not dataset.unlabelled:
        return ""
    names = ", ".join(path.name for path in dataset.unlabelled[:NUM_NAMED])
    more = ", ..." if len(dataset.unlabelled) > NUM_NAMED else ""
    photos = counted(len(dataset.unlabelled), "photo")
    return f"Without labels: {photos} of {dataset.folder} ({names}{more})"


def _check_every_label(dataset: PanopticDataset) -> None:
    problems = [
        problem for _, problem in in_order(_problem, dataset.records, workers=2, description="labels")
    ]
    broken = [problem for problem in problems if problem]
    if broken:
        more = f" So it is with {len(broken)} of {len(problems)} images." if len(broken) > 1 else ""
        raise InputError(broken[0] + more)


def _problem(record: SourceMap) -> str:
    try:
        size = record.read().size
        if record.image_path is not None:
            check_fit(record, read_size(record.image_path, page=record.image_page), size)
    except InputError as error:
        return str(error)
    return ""
