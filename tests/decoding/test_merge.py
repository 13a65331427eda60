"""The merge by rules: by hand, and equal to detectron2's loop over whole images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from intarsia.decoding.detections import Detections
from intarsia.decoding.merge import MergeConfig, merge_by_rules
from intarsia.errors import InputError
from intarsia.panoptic import Categories

CATEGORIES = Categories.named("facades")
WINDOW, BALCONY, FACADE = 0, 1, 5


def detected(boxes, scores, categories=None, *, masks: bool = True) -> Detections:
    count = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.zeros(count, np.int64) if categories is None else np.array(categories),
        np.full((count, 28, 28), 9, np.float32) if masks else None,
    )


def whole_image_loop(semantic, detections, config):
    """Every mask pasted into the whole image by `grid_sample`, then one after the other: plain and slow."""
    torch = pytest.importorskip("torch")
    height, width = semantic.shape
    rows, columns = torch.arange(height) + 0.5, torch.arange(width) + 0.5
    taken = torch.zeros(height, width, dtype=torch.int32)
    segments = []
    for n in np.argsort(-detections.scores, kind="stable").tolist():
        if detections.scores[n] < config.min_score:
            continue
        x0, y0, x1, y1 = detections.boxes[n].tolist()
        x, y = (columns - x0) / (x1 - x0) * 2 - 1, (rows - y0) / (y1 - y0) * 2 - 1
        places = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[None]
        prob = torch.from_numpy(detections.mask_logits[n]).sigmoid()[None, None]
        mask = torch.nn.functional.grid_sample(prob, places, align_corners=False)[0, 0] >= 0.5
        if not mask.any() or (mask & (taken > 0)).sum() > config.max_overlap * mask.sum():
            continue
        segments.append(int(detections.categories[n]))
        taken[mask & (taken == 0)] = len(segments)
    category = torch.full((height, width), 255)
    for index, row in enumerate(CATEGORIES):
        free = torch.from_numpy(semantic == index) & (taken == 0)
        if not row.is_thing and free.sum() >= config.min_stuff_px:
            category[free] = index
    for number, index in enumerate(segments, start=1):
        category[taken == number] = index
    return category.numpy().astype(np.uint8), taken.numpy()


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), count=st.integers(0, 8))
@example(seed=0, count=150)  # more than are pasted together
def test_it_equals_the_loop_over_whole_images(seed, count):
    generator = np.random.default_rng(seed)
    corners = generator.random((count, 2)) * 40 - 10
    boxes = np.concatenate([corners, corners + 1 + generator.random((count, 2)) * 30], axis=1)
    detections = Detections(
        boxes.astype(np.float32),
        generator.random(count, np.float32),
        generator.integers(0, 5, count),
        generator.normal(1, 1, (count, 28, 28)).astype(np.float32),
    )
    semantic = generator.integers(0, 10, (37, 41)).astype(np.uint8)
    config = MergeConfig(min_score=0.3, min_stuff_px=150)
    merged = merge_by_rules(semantic, detections, config, categories=CATEGORIES)
    category, taken = whole_image_loop(semantic, detections, config)
    assert np.array_equal(merged.semantic(CATEGORIES), category)
    things = np.isin(merged.semantic(CATEGORIES), [0, 1, 2, 3, 4])
    pairs = set(zip(merged.ids[things].tolist(), taken[things].tolist(), strict=True))
    assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})


def test_the_surer_detection_wins_and_a_covered_one_is_left_out():
    """Of the second box 3 of 4 columns are taken, of the third 1 of 4."""
    boxes = [[0, 0, 4, 2], [1, 0, 5, 2], [3, 0, 7, 2]]
    semantic = np.full((2, 8), FACADE, np.uint8)
    detections = detected(boxes, [0.9, 0.8, 0.7], [WINDOW, BALCONY, BALCONY])
    merged = merge_by_rules(semantic, detections, MergeConfig(min_stuff_px=1), categories=CATEGORIES)
    assert merged.ids[0].tolist() == [1, 1, 1, 1, 2, 2, 2, 3]
    assert [round(s.score, 1) for s in merged.segments] == [0.9, 0.7, 1.0]


def test_unsure_detections_and_small_stuff_leave_void():
    semantic = np.full((2, 4), FACADE, np.uint8)
    semantic[:, :2] = WINDOW
    detections = detected([[0, 0, 2, 2]], [0.4])
    merged = merge_by_rules(semantic, detections, MergeConfig(min_stuff_px=4), categories=CATEGORIES)
    assert merged.ids[0].tolist() == [0, 0, 1, 1]
    trimmed = merge_by_rules(semantic, detections, MergeConfig(min_stuff_px=5), categories=CATEGORIES)
    assert not trimmed.ids.any()


def test_wrong_input_is_refused():
    boxes = detected([[0, 0, 1, 1]], [1.0], masks=False)
    with pytest.raises(InputError, match="`detections` must be with masks, got boxes only"):
        merge_by_rules(np.zeros((1, 1), np.uint8), boxes, MergeConfig(), categories=CATEGORIES)
    with pytest.raises(InputError, match=r"`merge.max_overlap` must be in \[0, 1\], got 2"):
        MergeConfig(max_overlap=2.0)


def test_boxes_alone_are_clipped_and_those_outside_are_left_out():
    """With masks a box stays as it is: the mask is on the cells of the whole box."""
    boxes = [[-2, 1, 3, 9], [5, 0, 9, 4], [4, 0, 9, 4]]
    alone = detected(boxes, [0.9, 0.8, 0.7], masks=False).within(4, 5)
    assert alone.boxes.tolist() == [[0, 1, 3, 4], [4, 0, 5, 4]]
    assert alone.scores.tolist() == pytest.approx([0.9, 0.7])
    masked = detected(boxes, [0.9, 0.8, 0.7]).within(4, 5)
    assert masked.boxes.tolist() == [boxes[0], boxes[2]]
    assert masked.mask_logits is not None
    assert len(masked.mask_logits) == len(masked.categories) == 2
    assert masked.above(0.8).boxes.tolist() == [boxes[0]]
