"""What a table is: rows that are trained and measured, columns, and what is claimed of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from intarsia._check import fail

__all__ = ["COLUMNS", "CROWDING", "Claim", "DataName", "Row", "Study", "known_numbers"]

DataName = Literal["facades", "nuclei", "sticks", "cityscapes", "coco"]
Oracle = Literal["", "semantics", "centers"]
Relation = Literal[">", ">=", "="]

CROWDING = ("recall apart", "recall near", "recall crossing")
"""Recall at an IoU of 0.75 of things whose box has with another's an IoU below 0.2, of 0.2 to 0.4, above."""

COLUMNS = (
    *(f"{part}{suffix}" for suffix in ("", "th", "st") for part in ("PQ", "SQ", "RQ")),
    *("mIoU", "IoUst", "AP", "APcity", "IoU", "th as st", "st as th", "APmask", "APbox"),
    *CROWDING,
    *("params", "ms", "MB"),
)
"""What can be measured: of the panoptic map PQ, SQ and RQ, mIoU and IoU of stuff, mask AP by COCO's and by
Cityscapes' rule; of the semantic branch IoU and how much of things and of stuff it takes for the other; of
the detector AP of masks and boxes; recall of crowded things; parameters in millions, milliseconds of the
network for an image, and the memory that it takes on a GPU."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a table.

    Attributes:
        name: What the table calls it.
        recipe: The recipe that is trained.
        run: Rows of one run, and of one recipe, share the trained network, also between tables.
        overrides: Leaves of the recipe for training.
        decoding: Leaves that only decoding looks at.
        starts_from: The row whose network this one starts from; empty: none.
        oracle: What decoding is told from the truth.
        note: What the row is, in words, where its name is short.
        paper: The paper's numbers in percent, by column.
    """

    name: str
    recipe: str
    run: str
    overrides: tuple[str, ...] = ()
    decoding: tuple[str, ...] = ()
    starts_from: str = ""
    oracle: Oracle = ""
    note: str = ""
    paper: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """What is said of two rows: the first is better (">"), no worse (">=") or the same ("=") in a column."""

    first: str
    relation: Relation
    second: str
    column: str = "PQ"

    def holds(self, first: float, second: float, *, margin: float) -> bool:
        """Whether two numbers in percent compare as claimed; differences up to the margin count as none.

        Example:
            >>> Claim("D2", ">", "D1").holds(61.4, 60.6, margin=0.5)
            True
        """
        difference = first - second
        if self.relation == ">":
            return difference > margin
        return difference >= -margin if self.relation == ">=" else abs(difference) <= margin


@dataclass(frozen=True, kw_only=True)
class Study:
    """Rows, the columns to show, and what is claimed of them.

    Attributes:
        title: Above the table.
        columns: Some of `COLUMNS`.
        rows: Each with a name of its own.
        claims: About rows and columns of the table.
        overrides: Leaves of every row's recipe, before those of the row.
        seeds: How many runs of each network: from three on, their spread says something.
        margin: Differences in percent up to this count as none.
        category: The name of the category that AP is of; empty: the mean over all.
        plot: "recall" by the overlap of boxes, with a sheet of answers, "speed": AP over milliseconds, or
            "losses": what each run takes from the training loss, against the last row on the same batches;
            empty: none.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    claims: tuple[Claim, ...] = ()
    overrides: tuple[str, ...] = ()
    seeds: int = 3
    margin: float = 0.0
    category: str = ""
    plot: Literal["", "recall", "speed", "losses"] = ""

    def __post_init__(self) -> None:
        """Refuse what no table can be made of."""
        names = [row.name for row in self.rows]
        if not names or len(set(names)) < len(names):
            fail("rows", "one or more of different names", ", ".join(names) or "none")
        for column in (*self.columns, *(claim.column for claim in self.claims)):
            if column not in COLUMNS:
                fail("columns", f"some of {', '.join(COLUMNS)}", repr(column))
        mentioned = [name for claim in self.claims for name in (claim.first, claim.second)]
        for name in (*mentioned, *(row.starts_from for row in self.rows if row.starts_from)):
            if name not in names:
                fail("claims and starts", f"about the rows {', '.join(names)}", repr(name))

    def row(self, name: str) -> Row:
        """The row of that name.

        Raises:
            KeyError: There is none.
        """
        return {row.name: row for row in self.rows}[name]


def known_numbers(columns: tuple[str, ...], numbers: tuple[float | None, ...]) -> dict[str, float]:
    """A paper's numbers by column, without those that it leaves out.

    Example:
        >>> known_numbers(("PQ", "SQ", "RQ"), (61.4, None))
        {'PQ': 61.4}
    """
    return {column: number for column, number in zip(columns, numbers, strict=False) if number is not None}
