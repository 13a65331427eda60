"""Stacks of pages: things in three dimensions by one cut over all pages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from intarsia._check import fail
from intarsia.cut import GridProblem
from intarsia.decoding.cut import cut_segments, solve_large
from intarsia.decoding.cut_view import CutConfig, CutView
from intarsia.decoding.layers import layer_maps, layer_of, overlap_log_odds
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["stack_maps", "stack_problem"]

TO_NEXT_PAGE = (1, 0, 0)


def stack_maps(views: Sequence[CutView], categories: Categories, *, config: CutConfig) -> list[PanopticMap]:
    """The maps of the pages of a stack, in which a thing has the same id on every page that shows it.

    Every page alone says which segments it sees, and how much those of neighbouring pages overlap says which
    points of both belong together. Then all pages are cut as one problem, so that two nuclei that a page
    takes for one are told apart by the pages above and below.

    Source: ours; the costs within a page are those of Abbas and Swoboda 2021 (COPS), section 3.1.

    Args:
        views: The pages in order, all of one size.
        categories: What the category indices mean.
        config: Solver, up-sampling, score and thresholds; see `CutConfig`.

    Returns:
        A map a page. Stuff has one id a category.

    Raises:
        ValueError: There is no page, or pages differ in size.
    """
    problem = stack_problem(views, solver=config.solver)
    cut = solve_large(problem, solver=config.solver)
    layers = [
        layer_of(labels, clusters, problem.splittable)
        for labels, clusters in zip(cut.labels, cut.clusters, strict=True)
    ]
    return layer_maps(layers, views, categories, config=config)


def stack_problem(views: Sequence[CutView], *, solver: str = "greedy") -> GridProblem:
    """All pages as one volume: their own costs, and between pages `overlap_log_odds` of their own cuts.

    Args:
        views: The pages in order, all of one size.
        solver: Of the cuts of single pages, as in `intarsia.cut.solve`.

    Raises:
        ValueError: As `stack_maps`.
    """
    if not views:
        fail("views", "at least one page", "none")
    sizes = sorted({view.size for view in views})
    if len(sizes) > 1:
        fail("views", "pages of one size", " and ".join(f"{h}x{w}" for h, w in sizes[:2]))
    problems = [view.problem for view in views]
    segments = [cut_segments(problem, CutConfig(solver=solver, small="void")) for problem in problems]
    links = np.zeros((1, len(views), *problems[0].shape), np.float32)
    for page, (below, above) in enumerate(pairwise(segments)):
        links[0, page] = overlap_log_odds(below, above, is_thing=problems[0].splittable)
    within = np.stack([problem.affinity_costs for problem in problems], axis=1)  # o d hs ws
    return GridProblem(
        np.stack([problem.node_costs for problem in problems], axis=1),
        np.concatenate([within, links]),
        [*np.pad(problems[0].offsets, ((0, 0), (1, 0))).tolist(), TO_NEXT_PAGE],
        problems[0].splittable,
    )
