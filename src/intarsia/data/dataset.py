"""A data set on disk as a torch data set of samples."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from intarsia._check import counted, fail
from intarsia.categories import VOID_INDEX
from intarsia.data.sample import Sample
from intarsia.formats.layout import read_split
from intarsia.formats.photo_fit import check_fit
from intarsia.formats.source import SourceMap, SourcePart


class PanopticDataset(Dataset[Sample]):
    """Images with their panoptic maps, read when asked for.

    Attributes:
        categories: The data set's table.
        records: One for each image, in the order of the JSON, or of label images by name.
        unlabelled: Photos that lie there without a map.
        is_guessed: Whether maps are label images that nothing but their pixels says to be labels.
        transform: Applied to each sample that is read; None leaves them as they are on disk.

    Example:
        >>> import tempfile; from intarsia.data.synthetic import write_synthetic
        >>> folder = tempfile.mkdtemp()
        >>> write_synthetic(folder, kind="sticks", num_train=2, num_val=1, seed=0)
        >>> sample = PanopticDataset(folder, split="val")[0]
        >>> sample.image.shape, len(sample.segments)
        (torch.Size([3, 256, 256]), 9)
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        split: str | None = None,
        transform: Callable[[Sample], Sample] | None = None,
        channel: tuple[int, ...] = (),
        page: int | None = None,
    ) -> None:
        """Read the JSON and see that every file is there.

        Args:
            folder: In one of the layouts that `intarsia.formats.layout` knows.
            split: "train" or "val"; None where the folder has no parts.
            transform: What changes image and truth together, see `intarsia.data.transforms`.
            channel: Which channels of the photos' files to show, up to three; empty for their colours.
            page: Which page of the photos' files; None where they have one, or every page has its own map.

        Raises:
            ValueError: The folder has no known layout, the JSON is wrong or empty, or a file is missing.
        """
        self.folder = Path(folder)
        part = read_split(folder, split)
        self.categories = part.categories
        if len(self.categories) > VOID_INDEX:
            fail(
                str(folder),
                f"a data set of at most {VOID_INDEX} categories to train on",
                len(self.categories),
            )
        self.records = tuple(record.with_view(channel=channel, page=page) for record in part.maps)
        self.unlabelled = part.unlabelled
        self.is_guessed = part.is_guessed
        self.transform = transform
        if not self.records:
            fail(str(folder), "a data set of at least one image", "one without annotations")
        self._check_files(part)

    def __len__(self) -> int:
        return len(self.records)

    def part(self, records: Sequence[SourceMap]) -> PanopticDataset:
        """The same data set with only these of its records."""
        chosen = copy.copy(self)
        chosen.records = tuple(records)
        return chosen

    def __getitem__(self, index: int) -> Sample:
        """Read one sample.

        Raises:
            ValueError: Its image or map is broken, or they differ in size; the text names the file.
        """
        record = self.records[index]
        truth, image = record.read(), record.read_photo()  # upright, as in prediction
        check_fit(record, (image.shape[0], image.shape[1]), truth.size)
        sample = Sample(
            torch.from_numpy(image).movedim(2, 0).contiguous(),  # 3 h w
            torch.from_numpy(np.array(truth.ids)),
            truth.segments,
            record.image_file,
        )
        return sample if self.transform is None else self.transform(sample)

    def _check_files(self, part: SourcePart) -> None:
        """Every photo and map is there: a missing one is said before the first step."""
        missing = [record.image_file for record in self.records if not record.has_photo]
        place = part.photo_folder
        if len(missing) == len(self.records) and place is not None and not _has_files(place):
            fail(
                str(place), "a folder with the images", "an empty one" if place.is_dir() else "no such folder"
            )
        self._check_complete("image", missing)
        maps = [record.map_path for record in self.records if record.map_path is not None]
        missing_maps = [path for path in maps if not path.is_file()]
        if missing_maps and not _has_files(missing_maps[0].parent):
            got = "an empty one" if missing_maps[0].parent.is_dir() else "no such folder"
            fail(str(missing_maps[0].parent), "a folder with the maps", got)
        self._check_complete("map", missing_maps)

    def _check_complete(self, kind: str, missing: Sequence[object]) -> None:
        if missing:
            expected = (
                f"a data set whose files exist; missing: {len(missing)} of {counted(len(self.records), kind)}"
            )
            fail(str(self.folder), expected, str(missing[0]))


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
