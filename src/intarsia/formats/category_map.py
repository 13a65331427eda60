"""Which category each label of a label image is: a JSON beside the images, or named on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intarsia._check import fail
from intarsia._scalars import whole_number
from intarsia.formats.json_file import naming, read_json
from intarsia.panoptic import Categories, Category

FILE_NAME = "category_map.json"
OBJECT = Category(1, "object", True, (235, 90, 90))
BACKGROUND = Category(2, "background", False, (60, 70, 110))
VOID = "void"
"""Given in place of a name: what is no object is void."""


@dataclass(frozen=True, slots=True)
class CategoryMap:
    """The categories of label images, and what each label is.

    Args:
        categories: Of the data set.
        labels: The category id of each label, where labels mean the same in all images; `None` is void.
        images: The category id of each label of an image, by the image's name without suffix.
        crowds: The labels that are crowds, by image.
        pages: The names of the images in a file of several pages, by the file's name without suffix.
    """

    categories: Categories
    labels: Mapping[int, int | None] = field(default_factory=dict)
    images: Mapping[str, Mapping[int, int | None]] = field(default_factory=dict)
    crowds: Mapping[str, frozenset[int]] = field(default_factory=dict)
    pages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of_image(self, name: str) -> Mapping[int, int | None]:
        """The category id of each label of an image."""
        return {**self.labels, **self.images.get(name, {})}


def with_background(categories: Categories, name: str) -> Categories:
    """The table with a stuff category of this name: one that it has, or one more.

    Raises:
        ValueError: It has a thing of this name.

    Example:
        >>> with_background(Categories([OBJECT]), "glass")[1].id
        2
    """
    row = next((row for row in categories if row.name == name), None)
    if row is None:
        more = Category(max(row.id for row in categories) + 1, name, False, BACKGROUND.color)
        return Categories([*categories, more])
    if row.is_thing:
        fail("background", "the name of a stuff category", f"{name!r}, whose category is a thing")
    return categories


def read_category_map(path: str | Path) -> CategoryMap:
    """Read a category map: a JSON with `categories`, `labels`, `images`, `crowds`, `pages`.

    `categories` is a list as in COCO's JSON or the name of a known table; of the other keys one is enough. A
    category is given by its id or by its name, void by null.

    Raises:
        ValueError: The file is missing, is no JSON of this shape, or names an unknown category.
    """
    content = read_json(path, "category map")
    with naming(path):
        return _category_map(content)


def _category_map(content: Any) -> CategoryMap:
    rows = content["categories"]
    categories = Categories.named(rows) if isinstance(rows, str) else Categories.from_coco(rows)
    return CategoryMap(
        categories,
        labels=_ids(content.get("labels", {}), categories),
        images={name: _ids(row, categories) for name, row in content.get("images", {}).items()},
        crowds={name: frozenset(map(_label, row)) for name, row in content.get("crowds", {}).items()},
        pages={file: tuple(map(str, names)) for file, names in content.get("pages", {}).items()},
    )


def _ids(rows: Mapping[str, int | str | None], categories: Categories) -> dict[int, int | None]:
    return {_label(text): _id(category, categories) for text, category in rows.items()}


def _label(value: object) -> int:
    number = whole_number(value)
    return fail("labels", "whole numbers", repr(value)) if number is None else number


def _id(category: int | str | None, categories: Categories) -> int | None:
    if category is None:
        return None
    for row in categories:
        if category in (row.id, row.name):
            return row.id
    return fail("category", "the id or name of a listed category", repr(category))
