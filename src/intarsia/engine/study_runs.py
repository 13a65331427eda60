"""The rows of a study: trained where that is missing, measured once, kept beside their networks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from intarsia._check import fail
from intarsia._files import whole
from intarsia.configs import has_leaf, override, to_dict
from intarsia.engine.measure import measure
from intarsia.engine.series import train_or_resume
from intarsia.engine.train import data_of
from intarsia.methods.load import load
from intarsia.methods.method import AbstractMethod
from intarsia.recipes.find import find_recipe
from intarsia.recipes.recipe import Recipe
from intarsia.recipes.study import Row, Study

__all__ = ["StudyRuns"]

_DECODING = ("inference", "merge", "grouping", "decoding", "cut")
"""Groups of a method's settings that training does not look at."""
_KEPT = "measured.json"


class StudyRuns:
    """Where the networks of a study are and what they measure.

    Runs lie in `out`, one a recipe, network and seed, and are shared between studies; those that were stopped
    go on, those that are finished are only measured.
    """

    def __init__(self, study: Study, overrides: Sequence[str], out: Path, *, start: str = "") -> None:
        """Check every row before the first is trained.

        Args:
            study: The table whose rows are trained and measured.
            overrides: Leaves of every row's recipe. Of a row whose recipe has no such leaf it is left out,
                and `left_out` says so.
            out: The folder of the runs.
            start: A kept model, by folder or name, in the place of the row that others start from (the first
                one, if there are more): it is measured and not trained, and every seed starts from it.

        Raises:
            ValueError: An override has no place in any row, or not the type of its leaf; no row of the study
                starts from another, or `start` is not a model.
        """
        self.study, self.overrides, self.out = study, tuple(overrides), out
        self.start = start
        if start:
            self._check_start(start)
        self.left_out: list[str] = []
        for text in self.overrides:
            key = text.partition("=")[0]
            without = [row.name for row in study.rows if not has_leaf(find_recipe(row.recipe), key)]
            if len(without) == len(study.rows):
                override(find_recipe(study.rows[0].recipe), [text])  # says what is wrong with it
            elif without:
                self.left_out.append(f"{text} has no place in {', '.join(without)}.")
        for row in study.rows:
            self._tree(row, seed=0, with_decoding=True)

    def numbers(self, row: Row, seed: int) -> dict[str, float]:
        """What a row measures with a seed; trains its network first, where that is not done."""
        folder = self.train(row, seed)
        tree = self.tree(row, seed)
        settings = [_decoding_of(tree), row.oracle, tree.size, tree.data, self.study.category]
        key = json.dumps(settings)
        file = folder / _KEPT
        measurements: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
        if key not in measurements:
            measurements[key] = measure(
                self.method(row, seed),
                data_of(tree)[1],
                size=tree.size,
                oracle=row.oracle,
                category=self.study.category,
            )
            with whole(file) as partial:
                partial.write_text(json.dumps(measurements, indent=1))
        return measurements[key]

    def method(self, row: Row, seed: int) -> AbstractMethod:
        """The trained network of a row, which decodes as the row says."""
        method, asked = load(self.train(row, seed) / "best"), self.tree(row, seed).method
        # a kept model may have other layers than the recipe: only what decodes is the row's
        decoding = {name: getattr(asked, name) for name in _DECODING if hasattr(asked, name)}
        method.config = replace(method.config, **decoding)
        return method.eval()

    def tree(self, row: Row, seed: int) -> Recipe:
        """The recipe of a row, with its decoding."""
        return self._tree(row, seed, with_decoding=True)

    def train(self, row: Row, seed: int) -> Path:
        """The finished run of a row's network."""
        if self.start and self._is_start(row):
            return self._keep_start(self.start)
        tree = self._tree(row, seed, with_decoding=False)
        groups = [f"method.{name}" for name in _decoding_of(tree)]
        changes = self._changes(row, seed)
        if row.starts_from:
            start = self.train(self.study.row(row.starts_from), seed)
            changes = (*changes, f"initial={start / 'best'}")
        return train_or_resume(row.recipe, changes, self.folder(row, seed), decoding=groups)

    def folder(self, row: Row, seed: int) -> Path:
        """Where the run of a row's network is."""
        return self.out / f"{row.recipe}-{row.run}-{seed}"

    def _is_start(self, row: Row) -> bool:
        """Whether the row has the network of the first one that others start from."""
        first = self.study.row(next(other.starts_from for other in self.study.rows if other.starts_from))
        return (row.recipe, row.run) == (first.recipe, first.run)

    def _check_start(self, start: str) -> None:
        if not any(row.starts_from for row in self.study.rows):
            fail("start", "left out of a study whose rows start from no other", start)
        row = next(row for row in self.study.rows if self._is_start(row))
        asked = find_recipe(row.recipe).method
        if not isinstance(load(start).config, type(asked)):
            fail("start", f"a model of {type(asked).__name__}, as {row.recipe} trains", start)

    def _keep_start(self, start: str) -> Path:
        """The folder that stands for the run of the given model; what is measured of it lies there."""
        folder = self.out / "start"
        model, kept = load(start), folder / "best"
        if not kept.is_dir():
            model.save(kept)
        weights, before = model.state_dict(), load(kept).state_dict()
        if weights.keys() != before.keys() or not all(weights[key].equal(before[key]) for key in weights):
            fail("start", f"the model that is in {folder}", start, hint="Take another `out`.")
        return folder

    def _changes(self, row: Row, seed: int) -> tuple[str, ...]:
        """The leaves of a row for training: the study's, the user's, and last what makes the row."""
        recipe = find_recipe(row.recipe)
        general = (*self.study.overrides, *self.overrides)
        fitting = [text for text in general if has_leaf(recipe, text.partition("=")[0])]
        return (*fitting, f"seed={seed}", *row.overrides)

    def _tree(self, row: Row, seed: int, *, with_decoding: bool) -> Recipe:
        changes = (*self._changes(row, seed), *(row.decoding if with_decoding else ()))
        tree = override(find_recipe(row.recipe), changes)
        if not tree.data:
            fail("data", "a data set folder", "none", hint="Add data=DIR.")
        return tree


def _decoding_of(tree: Recipe) -> Mapping[str, Any]:
    """The groups of decoding and what they say. A run through the cut looks at its cut in training too."""
    through_the_cut = getattr(tree.method, "end_to_end", None) is not None
    names = [name for name in _DECODING if hasattr(tree.method, name)]
    return {
        name: to_dict(getattr(tree.method, name)) for name in names if not (name == "cut" and through_the_cut)
    }
