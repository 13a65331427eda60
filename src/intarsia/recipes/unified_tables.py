"""The tables of Li, Qi and Torr 2020 as recipes: what each row trains, how it decodes, what the paper has.

`python -m intarsia.engine.unified_tables` trains the rows and prints a table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from intarsia.recipes.find import find_recipe
from intarsia.recipes.unified import MODELS

__all__ = ["TABLES", "Claim", "DataName", "Row", "Table", "table"]

DataName = Literal["facades", "nuclei", "cityscapes", "coco"]


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        name: What the table calls it.
        run: Rows of one run share the trained network.
        recipe: The shipped recipe that is trained.
        changes: Overrides of the recipe for training.
        decoding: Overrides for decoding alone.
        paper: The paper's numbers on Cityscapes in percent, by column.
        paper_coco: The same on COCO.
    """

    name: str
    run: str
    recipe: str
    changes: tuple[str, ...] = ()
    decoding: tuple[str, ...] = ()
    paper: dict[str, float] = field(default_factory=dict)
    paper_coco: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """What the paper finds: one row is better than another in a column."""

    better: str
    worse: str
    column: str = "PQ"


@dataclass(frozen=True)
class Table:
    """Rows, the columns to show, and what the paper concludes from them."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    claims: tuple[Claim, ...]


def table(name: str, data: DataName) -> Table:
    """A table of the paper, "1", "F", "H" or "I", on a data set.

    Example:
        >>> [row.name for row in table("1", "facades").rows]
        ['A', 'B', 'C1', 'C2', 'D1', 'D2']
    """
    return TABLES[name](data)


def _ablation(data: DataName) -> Table:
    """Table 1: masks, affinities with the panoptic loss, and how the map is made."""
    columns = ("PQ", "PQth", "PQst", "SQ", "RQ", "IoU", "APmask", "APbox")
    paper = {
        "A": (54.6, 46.0, 60.9, 77.9, 68.4, 75.0, None, 36.9),
        "B": (59.0, 50.2, 65.3, 80.1, 72.4, 77.8, None, 38.1),
        "C1": (59.3, 51.4, 65.0, 79.8, 73.2, 78.1, 33.8, 38.1),
        "C2": (59.6, 52.4, 64.8, 80.4, 72.9, 78.1, 33.8, 38.1),
        "D1": (60.6, 52.4, 66.5, 80.4, 74.2, 79.5, 33.7, 38.8),
        "D2": (61.4, 54.7, 66.3, 81.1, 74.7, 79.5, 33.7, 38.8),
    }
    coco = {"D2": (43.4, 48.6, 35.5, 79.6, 53.0, 53.7, 36.4, 40.5)}
    rows = tuple(
        Row(
            name,
            run=name[0],
            recipe=f"unified-{data}",
            changes=tuple(change for change in changes if "inference" not in change),
            decoding=tuple(change for change in changes if "inference" in change),
            paper=_known(columns, paper[name]),
            paper_coco=_known(columns, coco.get(name, ())),
        )
        for name, changes in MODELS.items()
    )
    claims = (Claim("B", "A"), Claim("D1", "C1"), Claim("D2", "D1"), Claim("D2", "C2"))
    return Table("Table 1: masks, affinities, decoding", columns, rows, claims)


def _variants(data: DataName) -> Table:
    """Table F: semantics times mask, or their sum."""
    columns = ("PQ", "SQ", "RQ")
    numbers = {"B": ((61.4, 81.8, 74.7), (42.7, 79.4, 52.2)), "C": ((60.3, 80.8, 73.5), (43.4, 79.6, 53.0))}
    usual = find_recipe(f"unified-{data}").method.potential.variant
    rows = tuple(
        Row(
            f"variant {variant}",
            run="D" if variant == usual else f"D-variant-{variant}",
            recipe=f"unified-{data}",
            changes=() if variant == usual else (f"method.potential.variant={variant}",),
            paper=_known(columns, cityscapes),
            paper_coco=_known(columns, coco),
        )
        for variant, (cityscapes, coco) in numbers.items()
    )
    better, worse = ("C", "B") if data == "coco" else ("B", "C")
    claim = Claim(f"variant {better}", f"variant {worse}")
    return Table("Table F: variants of the dynamic potential", columns, rows, (claim,))


def _detections(data: DataName) -> Table:
    """Table H: the panoptic loss on true or on predicted boxes, without masks."""
    columns = ("PQ", "SQ", "RQ", "IoU", "APbox")
    boxes_alone = MODELS["B"]
    true = (*boxes_alone, "method.matching.detections=true")
    recipe = f"unified-{data}"
    rows = (
        Row(
            "true boxes",
            run="B-true-boxes",
            recipe=recipe,
            changes=true,
            paper=_known(columns, (58.6, 80.0, 72.0, 77.8, 36.8)),
        ),
        Row(
            "predicted boxes",
            run="B",
            recipe=recipe,
            changes=boxes_alone,
            paper=_known(columns, (59.0, 80.1, 72.4, 77.8, 38.1)),
        ),
    )
    claims = (Claim("predicted boxes", "true boxes"), Claim("predicted boxes", "true boxes", "APbox"))
    return Table("Table H: boxes that the panoptic loss sees", columns, rows, claims)


def _trimming(data: DataName) -> Table:
    """Table I: small stuff as it is or as void."""
    columns = ("PQst", "SQst", "RQst", "IoUst")
    paper = {
        "Panoptic FPN": (59.9, 79.3, 72.9, 74.7),
        "Panoptic FPN, trimmed": (62.0, 79.6, 75.5, 74.5),
        "D2": (64.2, 81.4, 77.1, 78.3),
        "D2, trimmed": (66.3, 81.8, 79.4, 78.2),
    }
    least = max(find_recipe(f"unified-{data}").method.inference.min_stuff_px, 2)
    rows = tuple(
        Row(
            name + suffix,
            run=run,
            recipe=f"{run_recipe}-{data}",
            decoding=(f"method.{group}.min_stuff_px={pixels}",),
            paper=_known(columns, paper[name + suffix]),
        )
        for name, run, run_recipe, group in (
            ("Panoptic FPN", "fpn", "fpn", "merge"),
            ("D2", "D", "unified", "inference"),
        )
        for suffix, pixels in (("", 1), (", trimmed", least))
    )
    claims = tuple(
        Claim(f"{name}, trimmed", name, column)
        for name in ("Panoptic FPN", "D2")
        for column in ("PQst", "RQst")
    )
    title = f"Table I: stuff of fewer than {least} px becomes void"
    return Table(title, columns, rows, claims)


def _known(columns: tuple[str, ...], numbers: tuple[float | None, ...]) -> dict[str, float]:
    return {column: number for column, number in zip(columns, numbers, strict=False) if number is not None}


TABLES = {"1": _ablation, "F": _variants, "H": _detections, "I": _trimming}
"""The tables by their names in the paper."""
