"""Following instances: by hand, on a scene whose embedding is known, and against the rules for ids."""

from __future__ import annotations

import numpy as np
import pytest

from intarsia.decoding.embedding_field import EmbeddingField
from intarsia.decoding.tracking import InstanceTracker, Sighting, propagate, sightings
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
    embedding = np.full((1, 4, 16), -50.0, np.float32)
    for number, column in places.items():
        pixels[4:12, column : column + 8] = (ids or {}).get(number, number)
        embedding[0, 1:3, column // 4 : column // 4 + 2] = column / 10
    segments = [Segment((ids or {}).get(number, number), category) for number in places]
    return PanopticMap(pixels, [*segments, Segment(99, FACADE)]), EmbeddingField(
        embedding, np.ones((4, 16), np.float32)
    )


def followed(tracker: InstanceTracker, *frames: tuple[PanopticMap, EmbeddingField]) -> list[list[int]]:
    """The ids at the middle of each instance in each frame, from left to right."""
    rows = []
    for panoptic_map, field in frames:
        ids = tracker.follow(panoptic_map, field, stride=STRIDE).ids[8]
        things = ids[ids > len(CATEGORIES)]
        rows.append(list(dict.fromkeys(things.tolist())))
    return rows


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
    got = propagate(seen, *later, categories=CATEGORIES, stride=STRIDE)
    tally = PanopticQuality(CATEGORIES)
    tally.update(got, later[0])
    assert tally.compute().all.pq == 1
    assert got.ids[8, 14], got.ids[8, 40] == (1, 2)


def test_what_left_all_margins_is_void():
    seen = sightings(*frame({1: 8}), CATEGORIES, stride=STRIDE)
    later = frame({1: 32})
    got = propagate(seen, *later, categories=CATEGORIES, stride=STRIDE)
    assert (got.ids[later[0].ids == 1] == 0).all()
    assert {one.category_id for one in got.segments} == {FACADE}
    nothing = propagate([], *later, categories=CATEGORIES, stride=STRIDE)
    assert {one.category_id for one in nothing.segments} == {FACADE}


@pytest.mark.parametrize("seed", range(5))
def test_links_are_those_of_all_pairs_written_out(seed):
    """Nearest pairs of one category first, each thing and each track once."""
    rng = np.random.default_rng(seed)
    tracker = InstanceTracker(CATEGORIES, reach=1.5)

    def crowd(count: int, first: int) -> list[Sighting]:
        return [
            Sighting(
                Segment(first + n, int(rng.choice([WINDOW, DOOR]))),
                rng.normal(size=2).astype(np.float32),
                float(rng.uniform(0.1, 0.8)),
            )
            for n in range(count)
        ]

    known, things = dict(enumerate(crowd(30, 1), start=100)), crowd(25, 50)
    tracker._tracks = known
    pairs = sorted(
        (float(np.linalg.norm(thing.center - track.center)) / track.margin, number, key)
        for number, thing in enumerate(things)
        for key, track in known.items()
        if thing.segment.category_id == track.segment.category_id
    )
    expected: dict[int, int] = {}
    for distance, number, key in pairs:
        segment = things[number].segment.id
        if distance <= 1.5 and segment not in expected and key not in expected.values():
            expected[segment] = key
    assert tracker._known_ids(things) == expected
    assert expected


def test_ten_thousand_instances_are_followed():
    """A pixel each, all further apart than their margins, shifted by a third of one."""
    ids = np.arange(1, 10_001).reshape(100, 100)
    frames = []
    for move in (0.0, 0.3):
        places = np.stack([ids // 100, ids % 100]).astype(np.float32) * 3 + move
        field = EmbeddingField(places, np.ones((100, 100), np.float32))
        frames.append((PanopticMap(ids, [Segment(int(n), WINDOW) for n in ids.flat]), field))
    tracker = InstanceTracker(CATEGORIES)
    first, second = (tracker.follow(*one, stride=1) for one in frames)
    assert np.array_equal(first.ids, second.ids)
    assert tracker.num_instances == 10_000
