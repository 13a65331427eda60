"""Following instances: by hand, on a scene whose embedding is known, and against the rules for ids."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from intarsia.decoding.embedding_field import EmbeddingField
from intarsia.decoding.tracking import InstanceTracker, carried, sightings
from intarsia.metrics import PanopticQuality
from intarsia.panoptic import PanopticMap, Segment
from tests.methods.conftest import CATEGORIES

STRIDE = 4
WINDOW, DOOR, FACADE = 1, 2, 6


def frame(
    places: dict[int, int], *, category: int = WINDOW, ids: dict[int, int] | None = None
) -> tuple[PanopticMap, EmbeddingField]:
    """Windows of 8x8 pixels at these columns; an instance's embedding is its own column over 10."""
    pixels = np.full((16, 64), 99, np.int32)
    embedding = torch.full((1, 1, 4, 16), -50.0)
    for number, column in places.items():
        pixels[4:12, column : column + 8] = (ids or {}).get(number, number)
        embedding[0, 0, 1:3, column // 4 : column // 4 + 2] = column / 10
    segments = [Segment((ids or {}).get(number, number), category) for number in places]
    return PanopticMap(pixels, [*segments, Segment(99, FACADE)]), EmbeddingField(
        embedding, torch.ones(1, 4, 16)
    )


def followed(tracker: InstanceTracker, *frames: tuple[PanopticMap, EmbeddingField]) -> list[list[int]]:
    """The ids at the middle of each instance in each frame, from left to right."""
    found = []
    for panoptic_map, field in frames:
        ids = tracker.follow(panoptic_map, field, stride=STRIDE).ids[8]
        things = ids[ids > len(CATEGORIES)]
        found.append(list(dict.fromkeys(things.tolist())))
    return found


def test_centres_are_means_on_the_grid_and_tiny_things_have_one():
    panoptic_map, field = frame({1: 8, 2: 32})
    ids = panoptic_map.ids.copy()
    ids[0, 0] = 5  # a pixel that no point of the grid shows
    tiny = PanopticMap(ids, [*panoptic_map.segments, Segment(5, DOOR)])
    seen = {one.segment.id: one for one in sightings(tiny, field, CATEGORIES, stride=STRIDE)}
    assert seen.keys() == {1, 2, 5}
    assert [seen[n].center.tolist() for n in (1, 2, 5)] == [
        pytest.approx([0.8]),
        pytest.approx([3.2]),
        pytest.approx([-50]),
    ]
    assert seen[1].margin == 1


def test_instances_that_swap_their_numbers_keep_their_ids():
    frames = frame({1: 8, 2: 32}), frame({2: 12, 1: 36}), frame({7: 16, 8: 40})
    first, second, third = followed(InstanceTracker(CATEGORIES), *frames)
    assert first == second == third == [5, 6]


def test_a_jump_beyond_the_margin_is_another_instance():
    """From column 8 to 20 the embedding moves by 1.2 margins."""
    assert followed(InstanceTracker(CATEGORIES), frame({1: 8}), frame({1: 20})) == [[5], [6]]
    assert followed(InstanceTracker(CATEGORIES, reach=1.3), frame({1: 8}), frame({1: 20})) == [[5], [5]]


def test_another_category_is_another_instance():
    assert followed(InstanceTracker(CATEGORIES), frame({1: 8}), frame({1: 8}, category=DOOR)) == [[5], [6]]


def test_of_two_that_are_near_the_nearer_wins_and_the_other_is_new():
    assert followed(InstanceTracker(CATEGORIES), frame({1: 12}), frame({1: 4, 2: 16})) == [[5], [6, 5]]


def test_an_instance_is_remembered_for_a_while():
    gone = frame({})
    for memory, again in ((2, [5]), (1, [6])):
        frames = frame({1: 8}), gone, gone, frame({1: 8})
        assert followed(InstanceTracker(CATEGORIES, memory=memory), *frames)[-1] == again


def test_stuff_has_one_id_and_void_stays_void():
    panoptic_map, field = frame({1: 8})
    hole = panoptic_map.ids.copy()
    hole[0] = 0
    tracker = InstanceTracker(CATEGORIES)
    for _ in range(2):
        got = tracker.follow(PanopticMap(hole, panoptic_map.segments), field, stride=STRIDE)
        assert np.unique(got.ids).tolist() == [0, 3, 5]  # the third category, the first instance


def test_earlier_centres_find_their_instances_in_a_later_frame():
    """Both moved by 0.4 margins: all pixels are found again, under the earlier ids."""
    earlier, later = frame({1: 8, 2: 32}), frame({7: 12, 8: 36})
    seen = sightings(*earlier, CATEGORIES, stride=STRIDE)
    got = carried(seen, *later, categories=CATEGORIES, stride=STRIDE)
    tally = PanopticQuality(CATEGORIES)
    tally.update(got, later[0])
    assert tally.compute().all.pq == 1
    assert got.ids[8, 14], got.ids[8, 40] == (1, 2)


def test_what_left_all_margins_is_void():
    seen = sightings(*frame({1: 8}), CATEGORIES, stride=STRIDE)
    later = frame({1: 32})
    got = carried(seen, *later, categories=CATEGORIES, stride=STRIDE)
    assert (got.ids[later[0].ids == 1] == 0).all()
    assert {one.category_id for one in got.segments} == {FACADE}
    nothing = carried([], *later, categories=CATEGORIES, stride=STRIDE)
    assert {one.category_id for one in nothing.segments} == {FACADE}
