"""Whether there is anything in a data set to learn: said before hours are spent on one without."""

from __future__ import annotations

from collections.abc import Iterable

from intarsia._check import counted
from intarsia.panoptic import Segment

__all__ = ["nothing_to_learn"]


def nothing_to_learn(maps: Iterable[Iterable[Segment]]) -> str:
    """Why nothing can be learned from maps with these segments; "" if something can.

    It needs two categories, of which one may be background: from one category and void, training learns to
    give that category to every pixel, since void never counts as wrong.

    Args:
        maps: The segments of each map.

    Example:
        >>> nothing_to_learn([[Segment(1, 7)], []])
        'only one category is labelled, and nothing else that it could be told from'
        >>> nothing_to_learn([[Segment(1, 7), Segment(2, 8)]])
        ''
    """
    num_maps = num_crowds = 0
    categories: set[int] = set()
    crowds: set[int] = set()
    for segments in maps:
        num_maps += 1
        for segment in segments:
            num_crowds += segment.is_crowd
            (crowds if segment.is_crowd else categories).add(segment.category_id)
        if len(categories) > 1:
            return ""
    if not categories | crowds:
        return f"no pixel of its {counted(num_maps, 'map')} is labelled"
    if crowds and not categories & crowds:
        return f"every object ({num_crowds}) is a crowd, whose members are not told apart"
    return "only one category is labelled, and nothing else that it could be told from"
