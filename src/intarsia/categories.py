"""What segments can show: a category, and the ordered table of a data set's categories."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, overload

import numpy as np
from jaxtyping import Bool

from intarsia._check import counted, fail, nearest
from intarsia._scalars import flag, whole_number

VOID_INDEX = 255
"""The category index of void pixels in semantic maps of 8 bits, as all are that can be trained on."""
WIDE_VOID_INDEX = 65535
"""The same in maps of 16 bits, for tables of more than 255 categories (LVIS, all of ADE20K)."""

MOST_NAMES = 4
"""Of the categories that a table shows itself by: more would not fit a line."""


@dataclass(frozen=True, slots=True)
class Category:
    """What a segment shows: a thing (countable) or stuff (one segment an image).

    Example:
        >>> Category(id=3, name="car", is_thing=True, color=(200, 30, 60)).name
        'car'
    """

    id: int
    name: str
    is_thing: bool
    color: tuple[int, int, int]


@dataclass(frozen=True)
class Categories(Sequence[Category]):
    """The categories of a data set, in the order of their category index 0 ... k-1.

    Example:
        >>> categories = Categories.named("facades")
        >>> len(categories), categories.index_of(3), categories[2].name
        (10, 2, 'car')
        >>> categories
        Categories(5 things, 5 stuff: window, balcony, car, shop and 6 more)
    """

    rows: tuple[Category, ...]

    def __init__(self, rows: Iterable[Category]) -> None:
        """Keep the rows in this order; refuse two of one id, and more than a semantic map can number."""
        rows = tuple(rows)
        ids = [row.id for row in rows]
        if not rows or len(rows) > WIDE_VOID_INDEX:
            fail("categories", f"1 to {WIDE_VOID_INDEX} categories", len(rows))
        if len(set(ids)) < len(ids):
            fail("categories", "without two of the same id", sorted(i for i in ids if ids.count(i) > 1)[0])
        object.__setattr__(self, "rows", rows)

    def __repr__(self) -> str:
        names = ", ".join(self.names[:MOST_NAMES])
        rest = f" and {len(self) - MOST_NAMES} more" if len(self) > MOST_NAMES else ""
        counts = f"{counted(len(self.things), 'thing')}, {len(self.stuff)} stuff"
        return f"Categories({counts}: {names}{rest})"

    def _repr_html_(self) -> str:
        """What a notebook shows: each name beside its colour."""
        return " &nbsp; ".join(
            f'<span style="border-left: 1em solid rgb{row.color}">&nbsp;{html.escape(row.name)}</span>'
            for row in self.rows
        )

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Category: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Category, ...]: ...
    def __getitem__(self, index: int | slice) -> Category | tuple[Category, ...]:
        return self.rows[index]

    def __iter__(self) -> Iterator[Category]:
        return iter(self.rows)

    @property
    def void_index(self) -> int:
        """The category index of void pixels in semantic maps: 255, or 65535 with more categories."""
        return VOID_INDEX if len(self) <= VOID_INDEX else WIDE_VOID_INDEX

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(row.name for row in self.rows)

    @property
    def things(self) -> tuple[Category, ...]:
        """The countable ones, in order."""
        return tuple(row for row in self.rows if row.is_thing)

    @property
    def stuff(self) -> tuple[Category, ...]:
        """The uncountable ones, in order."""
        return tuple(row for row in self.rows if not row.is_thing)

    @cached_property
    def is_thing(self) -> Bool[np.ndarray, " k"]:
        """For each category index, whether it is a thing: read-only, to be indexed by semantic maps.

        Example:
            >>> Categories.named("facades").is_thing.tolist()
            [True, True, True, True, True, False, False, False, False, False]
        """
        flags = np.array([row.is_thing for row in self.rows])
        flags.flags.writeable = False
        return flags

    @cached_property
    def _index(self) -> dict[int, int]:
        return {row.id: index for index, row in enumerate(self.rows)}

    def __contains__(self, id_or_category: object) -> bool:
        if isinstance(id_or_category, Category):
            return id_or_category in self.rows
        return id_or_category in self._index

    def index_of(self, id: int) -> int:
        """The category index of a category id.

        Raises:
            ValueError: No category has this id.
        """
        if id not in self._index:
            fail("category id", f"one of {sorted(self._index)}", id)
        return self._index[id]

    @classmethod
    def from_coco(
        cls, path_or_dict: str | Path | Mapping[str, Any] | Sequence[Mapping[str, Any]]
    ) -> Categories:
        """Read the `categories` of a COCO panoptic JSON, given as a file, its content, or the list itself.

        Raises:
            ValueError: A category lacks `id`, `name` or `isthing`.
        """
        source = path_or_dict
        if isinstance(source, str | Path):
            try:
                source = json.loads(Path(source).read_bytes())
            except (OSError, ValueError, RecursionError) as error:
                fail(str(path_or_dict), "a JSON with categories", f"{type(error).__name__}: {error}")
        rows = source.get("categories") if isinstance(source, Mapping) else source
        if not isinstance(rows, Sequence) or isinstance(rows, str):
            fail("categories", "a list of rows with `id`, `name` and `isthing`", repr(rows))
        return cls(_category_from_coco(row, number) for number, row in enumerate(rows))

    def to_coco(self) -> list[dict[str, Any]]:
        """The `categories` list of a COCO panoptic JSON."""
        return [
            {"id": row.id, "name": row.name, "isthing": int(row.is_thing), "color": list(row.color)}
            for row in self.rows
        ]

    @classmethod
    def named(cls, name: str) -> Categories:
        """A known table of categories, such as "coco", "cityscapes", "vistas" or "facades".

        Raises:
            ValueError: There is no table of this name.
        """
        tables = resources.files("intarsia") / "tables"
        shipped = sorted(f.name.removesuffix(".json") for f in tables.iterdir() if f.name.endswith(".json"))
        if name not in shipped:
            fail("name", "a known table of categories", repr(name), hint=nearest(name, shipped))
        return cls.from_coco(json.loads((tables / f"{name}.json").read_text()))


def _category_from_coco(row: Any, number: int) -> Category:
    expected = "rows with `id`, `name` and `isthing`"
    for key in ("id", "name", "isthing"):
        if not isinstance(row, Mapping) or key not in row:
            fail("categories", f"{expected}; row {number} lacks", f"`{key}`")
    try:
        red, green, blue = (int(part) for part in row.get("color") or default_color(number))
    except (TypeError, ValueError, OverflowError) as error:
        fail("categories", f"{expected}, perhaps with a `color` of three", f"row {number} ({error})")
    if not all(0 <= part < 256 for part in (red, green, blue)):
        fail("color", "made of three numbers in [0, 256)", f"{(red, green, blue)} in row {number}")
    category_id, is_thing = whole_number(row["id"]), flag(row["isthing"])
    if category_id is None:
        fail("id", "a whole number for each category", f"{row['id']!r} for {row['name']!r}")
    if is_thing is None:
        fail("isthing", "0 or 1 for each category", f"{row['isthing']!r} for {row['name']!r}")
    return Category(category_id, str(row["name"]), is_thing, (red, green, blue))


def default_color(number: int) -> tuple[int, int, int]:
    """Well spread colours without a table: hues a golden angle apart."""
    hue = np.array([0, 1 / 3, 2 / 3]) + number * 0.618034
    red, green, blue = (60 + 180 * (0.5 + 0.5 * np.cos(2 * np.pi * hue))).astype(int).tolist()
    return red, green, blue
