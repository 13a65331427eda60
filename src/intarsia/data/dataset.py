"""A COCO panoptic data set on disk as a torch data set of samples."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch.utils.data import Dataset

from intarsia._check import fail
from intarsia.data.layouts import find_layout
from intarsia.data.sample import Sample
from intarsia.formats.coco import MapRecord, read_coco, read_map
from intarsia.pictures.reading import read_image


class PanopticDataset(Dataset[Sample]):
    """Images with their panoptic maps, read when asked for.

    Attributes:
        categories: The data set's table.
        records: One for each image, in the order of the JSON.
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
    ) -> None:
        """Read the JSON and see that every file is there.

        Args:
            folder: In one of the layouts that `find_layout` knows.
            split: "train" or "val"; None where the folder has no parts.
            transform: See `intarsia.data.transforms`.

        Raises:
            ValueError: The folder has no known layout, the JSON is wrong or empty, or a file is missing.
        """
        self.layout = find_layout(folder, split)
        content = read_coco(self.layout.json_path)
        self.categories = content.categories
        self.records = content.records
        self.transform = transform
        if not self.records:
            fail(str(self.layout.json_path), "a data set of at least one image", "one without annotations")
        self._check_files()

    def __len__(self) -> int:
        return len(self.records)

    def part(self, records: Sequence[MapRecord]) -> PanopticDataset:
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
        truth = read_map(record, self.layout.map_folder)
        image = self._image_of_size(record, truth.size)
        sample = Sample(
            torch.from_numpy(image).movedim(2, 0).contiguous(),  # 3 h w
            torch.from_numpy(np.array(truth.ids)),
            truth.segments,
            record.image_file,
        )
        return sample if self.transform is None else self.transform(sample)

    def _image_of_size(self, record: MapRecord, size: tuple[int, int]) -> UInt8[np.ndarray, "h w 3"]:
        """The photo, upright as in prediction."""
        path = self.layout.image_path(record)
        image = read_image(path)
        if image.shape[:2] != size:
            got = f"{image.shape[0]}x{image.shape[1]}"
            stored = read_image(path, upright=False).shape[:2] == size
            hint = "Its EXIF orientation turns it; the map is drawn on the stored pixels." if stored else ""
            fail(str(path), f"{size[0]}x{size[1]} pixels like its map {record.map_file}", got, hint=hint)
        return image

    def _check_files(self) -> None:
        images = [self.layout.image_path(record) for record in self.records]
        maps = [self.layout.map_folder / record.map_file for record in self.records]
        for kind, paths in (("image", images), ("map", maps)):
            missing = [path for path in paths if not path.is_file()]
            if missing:
                fail(
                    str(self.layout.json_path),
                    f"a list of files that exist; {len(missing)} of {len(paths)} {kind}s are missing",
                    str(missing[0]),
                )
