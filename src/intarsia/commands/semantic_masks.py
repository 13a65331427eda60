"""Categories of another network, from a folder: the file of each photo, and what its values mean."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from intarsia._check import counted, fail
from intarsia.formats.image_names import ImageNames
from intarsia.formats.label_image import num_pages, read_page
from intarsia.formats.same_categories import ids_of_same_meaning
from intarsia.formats.semantic_instances import read_categories, void_value
from intarsia.panoptic import Categories
from intarsia.pictures.suffixes import is_picture_name

__all__ = ["MaskValues", "mask_files", "table_of"]

TABLE = "categories.json"
MASKS = "semantic"
"""What `intarsia convert ... --to semantic-instances` writes: masks, beside the table of their values."""


def mask_files(folder: str | Path, photos: Collection[str]) -> dict[str, Path]:
    """The mask of each photo, by the photo's name; folders and suffixes may differ.

    Args:
        folder: With the masks at any depth, or with a folder `semantic/` of them.
        photos: Names of the photos, with folders below the one that was searched.

    Raises:
        ValueError: There is no such folder, a photo has no mask, or two have the same.
    """
    masks = {path.relative_to(folder).as_posix(): path for path in _masks_in(Path(folder))}
    names = ImageNames(dict(zip(masks, masks, strict=True)))
    name_of = {photo: names.find(photo) for photo in photos}
    without = [photo for photo, name in name_of.items() if name is None]
    if without:
        got = f"none, or several, for {len(without)} of {len(photos)}, such as {without[0]}"
        fail("semantic", "a folder with a mask of the name of each photo", got)
    photo_of: dict[int | str | None, str] = {}
    for photo, name in name_of.items():
        if name in photo_of:
            got = f"{name} for {photo_of[name]} and {photo}"
            fail("semantic", "a folder with a mask for each photo alone", got)
        photo_of[name] = photo
    return {photo: masks[str(name)] for photo, name in name_of.items()}


@dataclass(frozen=True, eq=False)
class MaskValues:
    """What the values of masks mean.

    Attributes:
        index_of_value: The index of each value's category, of the model's; that of void for void.
        void: The value that leaves a pixel to the model.
    """

    index_of_value: dict[int, int]
    void: int

    @classmethod
    def of(cls, folder: str | Path, categories: Categories) -> MaskValues:
        """Ids of the model's categories; or of those in `categories.json` beside the masks, by their names.

        Args:
            folder: As `mask_files` takes it.
            categories: Those of the model.

        Raises:
            ValueError: The table is broken, or has no category in common with the model.
        """
        table = table_of(Path(folder))
        if not table.is_file():
            ids, void = {row.id: row.id for row in categories}, void_value(categories)
        else:
            named, void = read_categories(table)
            ids = ids_of_same_meaning(named, categories)
        indices = {row.id: categories.index_of(row.id) for row in categories}
        values = {value: indices[id] for value, id in ids.items() if id in indices}
        if not values:
            fail(str(table), "a table with categories of the model", "none of them")
        unsaid = {value: categories.void_index for value, id in ids.items() if id is None}
        return cls({void: categories.void_index, **unsaid, **values}, void)

    def read(self, path: Path, size: tuple[int, int], *, photo: str) -> Int64[np.ndarray, "h w"]:
        """The category index of each pixel of a photo, as `ImageWithSemantics` takes it.

        Args:
            path: File of the mask, one value a pixel.
            size: Height and width of the photo, upright.
            photo: Name of the photo, for errors.

        Raises:
            ValueError: The file cannot be read, is of another size, or has a value that is no category's.
        """
        if num_pages(path) != 1:
            fail(str(path), "a mask of one page", counted(num_pages(path), "page"))
        mask = read_page(path, 0)
        if mask.shape != size:
            got = "x".join(map(str, mask.shape))
            fail(str(path), "as large as its photo {}, {}x{}".format(photo, *size), got)
        values, places = np.unique(mask, return_inverse=True)
        unknown = [value for value in values.tolist() if value not in self.index_of_value]
        if unknown:
            got = f"{unknown[0]} at {np.count_nonzero(mask == unknown[0])} pixels"
            fail(
                str(path), f"made of {self._description()}, or {self.void} for what is left to the model", got
            )
        indices = np.array([self.index_of_value[value] for value in values.tolist()], np.int64)
        return indices[places.reshape(mask.shape)]

    def _description(self) -> str:
        ids = sorted(value for value in self.index_of_value if value != self.void)
        numbers = map(str, ids if len(ids) <= 12 else (*ids[:5], "...", ids[-1]))
        return f"the ids of categories ({', '.join(numbers)})"


def table_of(folder: Path) -> Path:
    """Where the table of the values of masks is, if there is one."""
    return (folder.parent if folder.name == MASKS else folder) / TABLE


def _masks_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        fail("semantic", "a folder of masks", str(folder))
    place = folder / MASKS if (folder / MASKS).is_dir() else folder
    masks = sorted(path for path in place.rglob("*") if path.is_file() and is_picture_name(path))
    if not masks:
        fail("semantic", "a folder of masks (.png, .tif)", f"none in {folder}")
    return masks
