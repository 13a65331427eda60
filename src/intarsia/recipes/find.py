"""From a recipe's name to its tree: the shipped ones, or a function of your own as `module:function`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from intarsia._check import fail, nearest
from intarsia.nets.networks import imported
from intarsia.recipes.ablation import Study
from intarsia.recipes.recipe import Recipe

_Tree = TypeVar("_Tree")

RECIPES = {
    "discriminative-facades": "intarsia.recipes.discriminative:facades",
    "discriminative-nuclei": "intarsia.recipes.discriminative:nuclei",
    "discriminative-cityscapes": "intarsia.recipes.discriminative:cityscapes",
    "discriminative-coco": "intarsia.recipes.discriminative:coco",
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
}


STUDIES = {"hle-ablations": "intarsia.recipes.hle_ablations:facades"}


def find_recipe(name: str) -> Recipe:
    """The tree of a shipped recipe, or of `module:function` / `file.py:function` of your own.

    Raises:
        ValueError: There is no such recipe, or the function does not return one.
    """
    return _made("recipe", name, RECIPES, Recipe)


def find_study(name: str) -> Study:
    """The ablation study of a shipped name, or of `module:function` / `file.py:function` of your own.

    Raises:
        ValueError: There is no such study, or the function does not return one.
    """
    return _made("study", name, STUDIES, Study)


def _made(what: str, name: str, shipped: Mapping[str, str], kind: type[_Tree]) -> _Tree:
    target = shipped.get(name, name)
    if ":" not in target:
        fail(what, f"a shipped {what} or module:function", repr(name), hint=nearest(name, shipped))
    tree = imported(what, target)()
    if not isinstance(tree, kind):
        fail(what, f"a function that returns a {kind.__name__}", f"{type(tree).__name__} from {name}")
    return tree
