"""A study's table: means over the seeds beside the paper's numbers, and which claims hold."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from intarsia.recipes.study import Claim, Row, Study

__all__ = ["StudyResult", "Verdict"]

Numbers = Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Verdict:
    """A claim and what came of it.

    Attributes:
        claim: What was claimed.
        first: Mean of the first row; NaN where it cannot be said.
        second: Mean of the second.
        holds: For the means.
        seeds: In how many seeds it holds, of how many.
    """

    claim: Claim
    first: float
    second: float
    holds: bool
    seeds: tuple[int, int]

    def __str__(self) -> str:
        """One sentence."""
        words = {">": "above", ">=": "not below", "=": "like"}
        claim = self.claim
        text = f"{claim.first} {words[claim.relation]} {claim.second} in {claim.column}"
        if math.isnan(self.first + self.second):
            return f"{text}: cannot be said here"
        verdict = "holds" if self.holds else "does not hold"
        numbers = f"{self.first:.1f} and {self.second:.1f}; in {self.seeds[0]} of {self.seeds[1]} seeds"
        return f"{text}: {verdict} here ({numbers})"


@dataclass(frozen=True)
class StudyResult:
    """What a study came to.

    Attributes:
        study: Rows, columns and claims.
        numbers: Of each row that was measured, by its name, the numbers of each seed.
    """

    study: Study
    numbers: Mapping[str, Numbers]

    @property
    def verdicts(self) -> list[Verdict]:
        """What came of each claim about rows that were measured."""
        return [
            self._verdict(claim)
            for claim in self.study.claims
            if claim.first in self.numbers and claim.second in self.numbers
        ]

    def as_markdown(self) -> str:
        """The table and, under it, a line for each claim."""
        study = self.study
        rows = [row for row in study.rows if row.name in self.numbers]
        lines = [f"## {study.title}", "", "| | " + " | ".join(study.columns) + " |"]
        lines.append("|---" * (len(study.columns) + 1) + "|")
        for row in rows:
            cells = [_cell(self.numbers[row.name], column, row) for column in study.columns]
            label = f"{row.name}: {row.note}" if row.note else row.name
            lines.append("| " + " | ".join([label, *cells]) + " |")
        seeds = max(map(len, self.numbers.values()))
        beside = "; in brackets the paper's" if any(row.paper for row in rows) else ""
        over = f"Mean ± standard deviation over {seeds} seeds" if seeds > 1 else "One seed"
        lines += ["", f"{over}{beside}.", ""]
        lines += [f"- {verdict}" for verdict in self.verdicts]
        return "\n".join(lines).rstrip() + "\n"

    def _verdict(self, claim: Claim) -> Verdict:
        first, second = (
            [numbers.get(claim.column, math.nan) for numbers in self.numbers[name]]
            for name in (claim.first, claim.second)
        )
        means = statistics.mean(first), statistics.mean(second)
        margin = self.study.margin
        pairs = list(zip(first, second, strict=True))
        count = sum(claim.holds(*pair, margin=margin) for pair in pairs)
        return Verdict(claim, *means, holds=claim.holds(*means, margin=margin), seeds=(count, len(pairs)))


def _cell(numbers: Numbers, column: str, row: Row) -> str:
    values = [row[column] for row in numbers if not math.isnan(row.get(column, math.nan))]
    paper_value = f" ({row.paper[column]:.1f})" if column in row.paper else ""
    if not values:
        return f"–{paper_value}"
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}{paper_value}"
