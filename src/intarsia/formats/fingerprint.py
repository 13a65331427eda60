"""Whether two maps say the same of each pixel, whatever their ids: a short text to compare."""

from __future__ import annotations

import json
from hashlib import blake2b

import numpy as np

from intarsia.panoptic import Categories, PanopticMap


def fingerprint(panoptic_map: PanopticMap, categories: Categories) -> str:
    """The same for two maps exactly if their segments have the same pixels, category names and crowds.

    Ids, scores and category ids do not count: formats number as they like. Ids are replaced by the order in
    which they first appear; runs of equal pixels make this cheap.

    Example:
        >>> from intarsia.panoptic import Segment
        >>> facades = Categories.named("facades")
        >>> a = PanopticMap(np.array([[7, 7, 0]]), [Segment(7, 1)])
        >>> b = PanopticMap(np.array([[9, 9, 0]]), [Segment(9, 1)])
        >>> c = PanopticMap(np.array([[9, 9, 0]]), [Segment(9, 2)])
        >>> [fingerprint(each, facades) == fingerprint(a, facades) for each in (b, c)]
        [True, False]
    """
    flat = panoptic_map.ids.ravel()
    start = np.flatnonzero(np.append(True, flat[1:] != flat[:-1]))
    ids_in_map, first, inverse = np.unique(flat[start], return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty(len(ids_in_map), np.int64)
    number[order] = np.arange(len(ids_in_map))
    meaning = {
        s.id: [categories[categories.index_of(s.category_id)].name, s.is_crowd] for s in panoptic_map.segments
    }
    digest = blake2b(digest_size=16)
    digest.update(
        json.dumps([panoptic_map.size, [meaning.get(id) for id in ids_in_map[order].tolist()]]).encode()
    )
    digest.update(start.astype("<i8").tobytes())
    digest.update(number[inverse].astype("<i8").tobytes())
    return digest.hexdigest()
