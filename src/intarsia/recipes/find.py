"""From a recipe's name to its tree: the shipped ones, or a function of your own as `module:function`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from intarsia._check import fail, nearest
from intarsia.nets.networks import import_named
from intarsia.recipes.recipe import Recipe
from intarsia.recipes.study import DataName, Study

_Tree = TypeVar("_Tree")

RECIPES = {
    "discriminative-facades": "intarsia.recipes.discriminative:facades",
    "discriminative-nuclei": "intarsia.recipes.discriminative:nuclei",
    "discriminative-cityscapes": "intarsia.recipes.discriminative:cityscapes",
    "discriminative-coco": "intarsia.recipes.discriminative:coco",
    "discriminative-cvppp": "intarsia.recipes.discriminative:cvppp",
    "discriminative-cityscapes-paper": "intarsia.recipes.discriminative_paper:cityscapes",
    "deeplab-facades": "intarsia.recipes.deeplab:facades",
    "deeplab-nuclei": "intarsia.recipes.deeplab:nuclei",
    "deeplab-cityscapes": "intarsia.recipes.deeplab:cityscapes",
    "deeplab-coco": "intarsia.recipes.deeplab:coco",
    "cops-facades": "intarsia.recipes.combinatorial:facades",
    "cops-facades-e2e": "intarsia.recipes.combinatorial:facades_end_to_end",
    "cops-nuclei": "intarsia.recipes.combinatorial:nuclei",
    "cops-nuclei-e2e": "intarsia.recipes.combinatorial:nuclei_end_to_end",
    "cops-cityscapes": "intarsia.recipes.combinatorial:cityscapes",
    "cops-cityscapes-e2e": "intarsia.recipes.combinatorial:cityscapes_end_to_end",
    "cops-coco": "intarsia.recipes.combinatorial:coco",
    "cops-coco-e2e": "intarsia.recipes.combinatorial:coco_end_to_end",
    "cops-cityscapes-paper": "intarsia.recipes.combinatorial_paper:cityscapes",
    "cops-cityscapes-paper-e2e": "intarsia.recipes.combinatorial_paper:cityscapes_end_to_end",
    "cops-coco-paper": "intarsia.recipes.combinatorial_paper:coco",
    "cops-coco-paper-e2e": "intarsia.recipes.combinatorial_paper:coco_end_to_end",
    "cops-cityscapes-released": "intarsia.recipes.combinatorial_paper:cityscapes_released",
    "cops-cityscapes-released-e2e": "intarsia.recipes.combinatorial_paper:cityscapes_released_end_to_end",
    "cops-coco-released": "intarsia.recipes.combinatorial_paper:coco_released",
    "cops-coco-released-e2e": "intarsia.recipes.combinatorial_paper:coco_released_end_to_end",
    "hle-facades": "intarsia.recipes.hle:facades",
    "hle-nuclei": "intarsia.recipes.hle:nuclei",
    "hle-cityscapes": "intarsia.recipes.hle:cityscapes",
    "hle-coco": "intarsia.recipes.hle:coco",
    "hle-vistas": "intarsia.recipes.hle:vistas",
    "unified-facades": "intarsia.recipes.unified:facades",
    "unified-nuclei": "intarsia.recipes.unified:nuclei",
    "unified-cityscapes": "intarsia.recipes.unified:cityscapes",
    "unified-coco": "intarsia.recipes.unified:coco",
    "unified-cityscapes-paper": "intarsia.recipes.unified_paper:cityscapes",
    "unified-coco-paper": "intarsia.recipes.unified_paper:coco",
    "fpn-facades": "intarsia.recipes.unified:fpn_facades",
    "fpn-nuclei": "intarsia.recipes.unified:fpn_nuclei",
    "fpn-cityscapes": "intarsia.recipes.unified:fpn_cityscapes",
    "fpn-coco": "intarsia.recipes.unified:fpn_coco",
    "discriminative-sticks": "intarsia.recipes.sticks:discriminative",
    "hle-sticks": "intarsia.recipes.sticks:hle",
    "cops-sticks": "intarsia.recipes.sticks:cops",
    "fpn-sticks": "intarsia.recipes.sticks:fpn",
}


STUDIES = {
    "hle": "intarsia.recipes.studies.hle:ablations",
    "unified-1": "intarsia.recipes.studies.unified:table_1",
    "unified-F": "intarsia.recipes.studies.unified:table_f",
    "unified-G": "intarsia.recipes.studies.unified:table_g",
    "unified-H": "intarsia.recipes.studies.unified:table_h",
    "unified-I": "intarsia.recipes.studies.unified:table_i",
    "unified-J": "intarsia.recipes.studies.unified:table_j",
    "cops-1": "intarsia.recipes.studies.combinatorial:table_1",
    "cops-4": "intarsia.recipes.studies.combinatorial:table_4",
    "cops-5": "intarsia.recipes.studies.combinatorial:table_5",
    "cops-6": "intarsia.recipes.studies.combinatorial:table_6",
    "cops-7": "intarsia.recipes.studies.combinatorial:table_7",
    "cops-distances": "intarsia.recipes.studies.combinatorial:distances",
    "cops-figure-4": "intarsia.recipes.studies.combinatorial:figure_4",
    "cops-losses": "intarsia.recipes.studies.combinatorial:losses",
    "cops-solvers": "intarsia.recipes.studies.combinatorial:solvers",
    "table-2": "intarsia.recipes.studies.discriminative:table_2",
    "sticks": "intarsia.recipes.studies.sticks:sticks",
}


def find_recipe(name: str) -> Recipe:
    """The tree of a shipped recipe, or of `module:function` / `file.py:function` of your own.

    Raises:
        ValueError: There is no such recipe, or the function does not return one.
    """
    function = _function("recipe", name, RECIPES)
    return _check_kind("recipe", name, function(), Recipe)


def find_study(name: str, on: DataName) -> Study:
    """The study of a shipped name, or of `module:function` / `file.py:function` of your own.

    Args:
        name: The function takes `on` and returns the study.
        on: Whose recipes it is about.

    Raises:
        ValueError: There is no such study, it has no rows on these data, or the function does not return one.
    """
    function = _function("study", name, STUDIES)
    return _check_kind("study", name, function(on), Study)


def _function(what: str, name: str, shipped: Mapping[str, str]) -> Callable[..., Any]:
    target = shipped.get(name, name)
    if ":" not in target:
        fail(what, f"a shipped {what} or module:function", repr(name), hint=nearest(name, shipped))
    return import_named(what, target)


def _check_kind(what: str, name: str, tree: Any, kind: type[_Tree]) -> _Tree:
    if not isinstance(tree, kind):
        got = f"{type(tree).__name__} from {name}"
        fail(what, f"a function that returns a {kind.__name__}", got)
    return tree
