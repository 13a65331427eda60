"""The result of a panoptic evaluation: groups, categories, a table, JSON."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from intarsia.metrics.tally import AbstractReport, percent
from intarsia.panoptic import Categories, Category


@dataclass(frozen=True, slots=True)
class GroupQuality:
    """Means over the `n` categories of a group that occur; NaN (null in JSON) where none does.

    The mean PQ is not the product of mean SQ and mean RQ.
    """

    pq: float
    sq: float
    rq: float
    n: int

    @classmethod
    def of(cls, rows: Iterable[CategoryQuality]) -> GroupQuality:
        """The means over the categories with at least one segment."""
        present = [row for row in rows if row.present]
        if not present:
            return cls(math.nan, math.nan, math.nan, 0)
        n = len(present)
        return cls(
            sum(r.pq for r in present) / n, sum(r.sq for r in present) / n, sum(r.rq for r in present) / n, n
        )


@dataclass(frozen=True, slots=True)
class CategoryQuality:
    """One category: the sum of IoU over its matches, true and false positives, misses.

    Example:
        >>> row = CategoryQuality(Category(3, "car", True, (0, 0, 0)), iou=1.5, tp=2, fp=1, fn=1)
        >>> row.pq, row.sq, round(row.rq, 3)
        (0.5, 0.75, 0.667)
    """

    category: Category
    iou: float
    tp: int
    fp: int
    fn: int

    @property
    def present(self) -> bool:
        """Whether any segment was found, missed or wrongly predicted."""
        return self.tp + self.fp + self.fn > 0

    @property
    def pq(self) -> float:
        """Sum of IoU / (TP + FP/2 + FN/2); 0 when absent."""
        return self.iou / (self.tp + 0.5 * self.fp + 0.5 * self.fn) if self.present else 0.0

    @property
    def sq(self) -> float:
        """The mean IoU of the matches; 0 without one."""
        return self.iou / self.tp if self.tp else 0.0

    @property
    def rq(self) -> float:
        """The F1 score of finding segments; 0 when absent."""
        return self.tp / (self.tp + 0.5 * self.fp + 0.5 * self.fn) if self.present else 0.0


@dataclass(frozen=True)
class QualityReport(AbstractReport):
    """Panoptic quality over all images: `.all`, `.things`, `.stuff`, `.per_category` by category id.

    `.also` has the reports of the other metrics that were asked for, by name; `.remarks` what was odd.
    """

    all: GroupQuality
    things: GroupQuality
    stuff: GroupQuality
    per_category: dict[int, CategoryQuality]
    remarks: tuple[str, ...] = ()
    also: Mapping[str, AbstractReport] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        categories: Categories,
        *,
        iou: Float64[np.ndarray, " k"],
        tp: Int64[np.ndarray, " k"],
        fp: Int64[np.ndarray, " k"],
        fn: Int64[np.ndarray, " k"],
    ) -> QualityReport:
        """From one number a category of each kind."""
        columns = zip(categories, iou.tolist(), tp.tolist(), fp.tolist(), fn.tolist(), strict=True)
        rows = [CategoryQuality(*column) for column in columns]
        return cls(
            all=GroupQuality.of(rows),
            things=GroupQuality.of(row for row in rows if row.category.is_thing),
            stuff=GroupQuality.of(row for row in rows if not row.category.is_thing),
            per_category={row.category.id: row for row in rows},
        )

    def to_json(self) -> dict[str, Any]:
        """The report as plain values in fractions, keys as the reference evaluation names them.

        The other metrics follow under their names, with underscores.
        """
        groups = {"All": self.all, "Things": self.things, "Stuff": self.stuff}
        return {
            **{name: _group_to_json(group) for name, group in groups.items()},
            "per_class": {
                str(id): {key: getattr(row, key) for key in ("pq", "sq", "rq", "iou", "tp", "fp", "fn")}
                for id, row in self.per_category.items()
            },
            **{name.replace("-", "_"): report.to_json() for name, report in self.also.items()},
        }

    def summary(self) -> dict[str, str]:
        """PQ of all categories, of things, of stuff."""
        rows = {"PQ": self.all.pq, "PQ of things": self.things.pq, "PQ of stuff": self.stuff.pq}
        return {name: percent(value) for name, value in rows.items()}

    def table(self, *, per_category: bool = True, color: bool = False) -> str:
        """The report as text in percent; categories that do not occur are left out.

        Args:
            per_category: Also one line a category, with its counts.
            color: With escape codes for a terminal.
        """
        from rich.console import Console

        console = Console(file=io.StringIO(), width=100, force_terminal=color, no_color=not color)
        console.print(self._rich_table(per_category=per_category))
        if self.also:
            console.print(self._also_table())
        return console.file.getvalue()  # type: ignore[attr-defined]

    def __rich__(self) -> Any:
        from rich.console import Group

        tables = [self._rich_table(per_category=True), *([self._also_table()] if self.also else [])]
        return Group(*tables)

    def _also_table(self) -> Any:
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, show_header=False)
        for metric, report in self.also.items():
            for name, value in report.summary().items():
                table.add_row(metric, name, value)
            table.add_section()
        return table

    def _rich_table(self, *, per_category: bool) -> Any:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD)
        for name in ("", "PQ", "SQ", "RQ", "n", "TP", "FP", "FN"):
            table.add_column(name, justify="right" if name else "left")
        for name, group in (("All", self.all), ("Things", self.things), ("Stuff", self.stuff)):
            table.add_row(name, *_percent(group.pq, group.sq, group.rq), str(group.n), style="bold")
        rows = [row for row in self.per_category.values() if row.present] if per_category else []
        if rows:
            table.add_section()
        for row in rows:
            counts = (str(row.tp), str(row.fp), str(row.fn))
            table.add_row(Text(row.category.name), *_percent(row.pq, row.sq, row.rq), "", *counts)
        return table


def _group_to_json(group: GroupQuality) -> dict[str, Any]:
    if group.n == 0:
        return {"pq": None, "sq": None, "rq": None, "n": 0}
    return {"pq": group.pq, "sq": group.sq, "rq": group.rq, "n": group.n}


def _percent(*fractions: float) -> list[str]:
    return [percent(value) for value in fractions]
