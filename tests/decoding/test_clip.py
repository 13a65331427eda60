"""Clips cut window by window: drawn squares that move, run together, and hide behind a post."""

from __future__ import annotations

import numpy as np
import pytest

from intarsia.cut import GridProblem
from intarsia.decoding.clip import ClipCutter, moved_points
from intarsia.decoding.cut_view import CutConfig, CutView
from intarsia.decoding.lost_things import LostThings, Place
from intarsia.decoding.motion import REACH, block_means, grid_motion
from intarsia.panoptic import Categories, Category, PanopticMap

CATEGORIES = Categories([Category(7, "ball", True, (9, 9, 9)), Category(8, "ground", False, (0, 0, 0))])
CONFIG = CutConfig(upsampling="nearest", min_thing_px=4, min_stuff_px=1)
SHAPE = (14, 40)
TEXTURE = np.random.default_rng(0).integers(60, 200, size=(*SHAPE, 3)).astype(np.uint8)
SURE = 3.0


def frame(*columns: int, joined: float | None = None, post: int | None = None) -> tuple[CutView, np.ndarray]:
    """Squares of 6x6 points at these columns over a still ground, a post of 8 columns in front of them.

    `joined` is the cost between the points of neighbouring squares that touch.
    """
    things = np.zeros(SHAPE, int)
    picture = TEXTURE.copy()
    for number, column in enumerate(columns, start=1):
        things[4:10, column : column + 6] = number
        picture[4:10, column : column + 6] = TEXTURE[:6, 10 * number : 10 * number + 6] // 2 + 20
    if post is not None:
        things[:, post : post + 8] = 0
        picture[:, post : post + 8] = 240
    is_thing = things > 0
    node_costs = np.where([is_thing, ~is_thing], -SURE, SURE).astype(np.float32)
    costs = np.zeros((2, *SHAPE), np.float32)
    costs[0, :, :-1] = np.where(things[:, :-1] == things[:, 1:], SURE, -SURE)
    costs[1, :-1] = np.where(things[:-1] == things[1:], SURE, -SURE)
    if joined is not None:
        touching = is_thing[:, :-1] & is_thing[:, 1:] & (things[:, :-1] != things[:, 1:])
        costs[0, :, :-1][touching] = joined
    problem = GridProblem(node_costs, costs, [(0, 1), (1, 0)], CATEGORIES.is_thing)
    return CutView(problem, -node_costs, SHAPE, 1), picture


def followed(frames: list[tuple[CutView, np.ndarray]], **options: int) -> list[PanopticMap]:
    cutter = ClipCutter(CATEGORIES, CONFIG, **options)
    maps = [one for view, picture in frames for one in cutter.add(view, picture)] + cutter.finish()
    assert len(maps) == len(frames)
    return maps


def ids_at(maps: list[PanopticMap], columns: list[int]) -> list[int]:
    """The id in each frame at a column, in the middle of the squares."""
    return [int(one.ids[6, column]) for one, column in zip(maps, columns, strict=True)]


@pytest.mark.parametrize("window", [2, 3, 5])
def test_moving_things_keep_their_ids(window):
    """One goes right by 2 a frame, more than a third of itself, the other stays; stuff has the id 2."""
    maps = followed([frame(2 + 2 * t, 30) for t in range(7)], window=window)
    assert ids_at(maps, [4 + 2 * t for t in range(7)]) == [3] * 7
    assert ids_at(maps, [32] * 7) == [4] * 7
    assert [int(one.ids[0, 0]) for one in maps] == [2] * 7


@pytest.mark.parametrize("window", [2, 3])
def test_two_that_run_together_in_one_frame_are_told_apart_by_the_others(window):
    """The joint attracts by 0.2 a row in the third frame; alone it would be one square of 12."""
    maps = followed([frame(10, 16, joined=0.2 if t == 2 else -2.0) for t in range(5)], window=window)
    assert ids_at(maps, [12] * 5) == [3] * 5
    assert ids_at(maps, [18] * 5) == [4] * 5


def test_a_thing_comes_back_from_behind_a_post_with_its_id():
    """The post goes over the square in ten frames and hides it wholly for two."""
    clip = [frame(16, post=30 - 2 * t) for t in range(15)]
    kept = ids_at(followed(clip), [18] * 15)
    assert set(kept) == {2, 3}
    assert kept[0] == kept[-1] == 3
    forgotten = ids_at(followed(clip, memory=1), [18] * 15)
    assert forgotten[-1] == 4


def test_the_answer_does_not_depend_on_when_frames_are_asked_for():
    clip = [frame(2 + t) for t in range(3)]
    cutter = ClipCutter(CATEGORIES, CONFIG, window=2)
    counts = [len(cutter.add(*one)) for one in clip]
    assert counts == [0, 2, 1]
    assert cutter.finish() == []
    assert cutter.num_instances == 1
    assert ClipCutter(CATEGORIES, CONFIG).finish() == []


def test_one_frame_alone_is_a_clip():
    [only] = followed([frame(5, 20)])
    assert sorted(segment.id for segment in only.segments) == [2, 3, 4]


def test_motion_is_found_up_to_its_reach_and_flat_regions_stay():
    image = np.random.default_rng(1).uniform(size=(20, 24, 3)).astype(np.float32)
    for step in ((0, 0), (1, -2), (-REACH, REACH)):
        moved = grid_motion(image, np.roll(image, step, axis=(0, 1)))
        assert (moved[6:-6, 6:-6] == step).all()
    assert not grid_motion(np.full_like(image, 0.5), np.full_like(image, 0.5)).any()


def test_points_that_leave_the_grid_are_joined_with_none():
    motion = np.full((2, 3, 2), (0, 1), np.int32)
    here, there = moved_points(motion)
    assert here.tolist() == [0, 1, 3, 4]
    assert there.tolist() == [1, 2, 4, 5]


def test_blocks_at_the_edge_are_means_of_what_is_there():
    picture = np.zeros((3, 5, 3), np.uint8)
    picture[:, 4] = 255
    assert block_means(picture, stride=4)[0, :, 0].tolist() == [0, 1]


def place(column: float, radius: float, category: int = 0) -> Place:
    return Place(category, np.array([0.0, column]), float(radius))


def test_a_part_that_is_seen_does_not_move_the_place_of_the_whole():
    lost = LostThings(memory=5)
    lost.see({1: place(10, 4)})
    lost.pass_frame(np.zeros((2, 2, 2), np.int32))
    lost.see({1: place(13, 1)})  # its right end
    assert lost.recognise({9: place(7, 1)}, taken=set()) == {9: 1}
    assert lost.recognise({9: place(7, 1)}, taken={1}) == {}
    assert lost.recognise({9: place(7, 1, category=1)}, taken=set()) == {}
    assert lost.recognise({9: place(20, 1)}, taken=set()) == {}


def test_the_nearer_of_two_is_the_one_and_places_move_with_the_camera():
    lost = LostThings(memory=5)
    lost.see({1: place(10, 4)})
    lost.pass_frame(np.full((3, 3, 2), (0, 6), np.int32))
    assert lost.recognise({8: place(13, 2), 9: place(16, 2)}, taken=set()) == {9: 1}


def test_mistakes_are_told():
    with pytest.raises(ValueError, match="`window` must be 2 frames or more, got 1"):
        ClipCutter(CATEGORIES, CONFIG, window=1)
    cutter = ClipCutter(CATEGORIES, CONFIG)
    view, picture = frame(3)
    cutter.add(view, picture)
    smaller = CutView(view.problem, view.logits, (14, 39), 1)
    with pytest.raises(ValueError, match="`view` must be of a frame of 14x40 as those before, got 14x39"):
        cutter.add(smaller, picture[:, :39])
