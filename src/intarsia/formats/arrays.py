"""The in-memory encodings of other libraries: torchmetrics' (h, w, 2) arrays and supervision's detections."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int64

from intarsia._check import fail
from intarsia.panoptic import Categories, PanopticMap, Segment


def to_torchmetrics(
    panoptic_map: PanopticMap, categories: Categories, *, void: int = -1
) -> Int64[np.ndarray, "h w 2"]:
    """(category id, instance number) at each pixel, as `torchmetrics.detection.PanopticQuality` takes it.

    Stuff and crowds have instance 0. Void gets the category `void`, which torchmetrics must not know.

    Args:
        panoptic_map: What is in one image.
        categories: Which of its categories are things.
        void: The category of unlabelled pixels; -1, which is no category of any data set.

    Example:
        >>> panoptic_map = PanopticMap(np.array([[4, 5, 0]]), [Segment(4, 1), Segment(5, 6)])
        >>> to_torchmetrics(panoptic_map, Categories.named("facades")).tolist()
        [[[1, 1], [6, 0], [-1, 0]]]
    """
    ids = np.array([row.id for row in categories] + [void])
    index = np.minimum(panoptic_map.semantic(categories), len(categories))
    return np.stack([ids[index], panoptic_map.instances(categories)], axis=-1).astype(np.int64)


def from_torchmetrics(array: Any, *, void: int = -1, categories: Categories | None = None) -> PanopticMap:
    """From (category id, instance number) at each pixel; with `categories`, things of number 0 are crowds.

    Args:
        array: (h, w, 2), of any integers.
        void: The category of unlabelled pixels, by default what `to_torchmetrics` gives them.
        categories: Which of the categories are things; None takes number 0 as a segment like others.

    Raises:
        ValueError: The array is not of shape (h, w, 2).

    Example:
        >>> from_torchmetrics(np.array([[[1, 1], [6, 0], [-1, 0]]])).ids.tolist()
        [[1, 2, 0]]
    """
    from intarsia.formats.label_image import map_of_semantic_and_instances

    array = np.asarray(array)
    if array.ndim != 3 or array.shape[2] != 2:
        fail("array", "of shape (h, w, 2)", array.shape)
    return map_of_semantic_and_instances(array[..., 0], array[..., 1], void=void, categories=categories)


def to_supervision(panoptic_map: PanopticMap, categories: Categories) -> Any:
    """The segments as `supervision.Detections`, with category indices, and `is_crowd` in `data`."""
    try:
        import supervision  # pyright: ignore[reportMissingImports]
    except ImportError:
        fail("supervision", "installed for this format", "no such package", hint="pip install supervision")
    masks = (
        np.stack([panoptic_map.mask(s.id) for s in panoptic_map.segments])
        if panoptic_map.segments
        else np.zeros((0, *panoptic_map.size), bool)
    )
    return supervision.Detections(
        xyxy=supervision.mask_to_xyxy(masks).astype(np.float32)
        if len(masks)
        else np.zeros((0, 4), np.float32),
        mask=masks,
        confidence=np.array([s.score for s in panoptic_map.segments], np.float32),
        class_id=np.array([categories.index_of(s.category_id) for s in panoptic_map.segments], int),
        data={"is_crowd": np.array([s.is_crowd for s in panoptic_map.segments], bool)},
    )


def from_supervision(detections: Any, categories: Categories) -> PanopticMap:
    """From `supervision.Detections` with masks; where masks overlap the higher score is on top.

    Raises:
        ValueError: There are no masks (detections of nothing have none; their image's size is unknown), a
            category index is not one of the table, or a score is no number.
    """
    if detections.mask is None:
        fail("detections", "with masks", "none")
    if detections.class_id is None:
        fail("detections", "with category indices in `class_id`", "none")
    count = len(detections.mask)
    scores = np.ones(count) if detections.confidence is None else np.asarray(detections.confidence)
    for index in map(int, detections.class_id):
        if not 0 <= index < len(categories):
            fail("class_id", f"made of category indices in [0, {len(categories)})", index)
    if not np.isfinite(scores).all():
        fail("confidence", "made of finite scores", scores[~np.isfinite(scores)][0])
    ids = np.zeros(detections.mask.shape[1:], np.int64)
    for n in np.argsort(scores, kind="stable"):
        ids[np.asarray(detections.mask[n], bool)] = n + 1
    crowds = detections.data.get("is_crowd", np.zeros(count, bool))
    segments = [
        Segment(n + 1, categories[int(detections.class_id[n])].id, float(scores[n]), bool(crowds[n]))
        for n in range(count)
    ]
    return PanopticMap.keeping_visible(ids, segments)
