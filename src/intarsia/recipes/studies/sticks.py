"""Figure 1 of De Brabandere et al. 2017 in numbers: occlusion, for methods with and without boxes."""

from __future__ import annotations

from intarsia._check import fail
from intarsia.recipes.study import CROWDING, Claim, DataName, Row, Study

_NAMES = {
    "discriminative": "embedding and cut",
    "hle": "hierarchical embedding",
    "cops": "affinities and cut",
    "fpn": "boxes and masks",
}


def sticks(on: DataName) -> Study:
    """Crossing sticks by four methods: recall by how much the boxes of two sticks overlap."""
    if on != "sticks":
        fail("on", '"sticks" for this study', repr(on))
    rows = tuple(Row(name=text, recipe=f"{method}-sticks", run="base") for method, text in _NAMES.items())
    claims = tuple(
        Claim(text, ">", _NAMES["fpn"], column)
        for method, text in _NAMES.items()
        for column in CROWDING[1:]
        if method != "fpn"
    )
    return Study(
        title="Sticks: recall at an IoU of 0.75, by the overlap of boxes",
        columns=("PQ", "PQth", *CROWDING, "params", "ms"),
        rows=rows,
        claims=claims,
        plot="recall",
        seeds=1,
    )
