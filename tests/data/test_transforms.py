"""Augmentation: whatever moves the image moves its map, and nothing else happens to ids."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torchvision import tv_tensors
from torchvision.transforms import v2

from intarsia.data.geometry import MOST_ELASTIC_PX, Crop, Elastic, Scale
from intarsia.data.photometric import Photometric
from intarsia.data.sample import Sample
from intarsia.data.transforms import Augmentation, evaluation_transform, train_transform
from intarsia.panoptic import Segment

BLACK = (0, 0, 0)


def painted(height: int, width: int, *, block: int = 1, seed: int = 0) -> Sample:
    """A sample whose image shows in its red channel the ids of its map."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 9, (-(-height // block), -(-width // block)), np.int32)
    ids = torch.from_numpy(np.kron(coarse, np.ones((block, block), np.int32))[:height, :width].copy())
    image = torch.stack([ids * 20, ids * 0, ids * 0]).to(torch.uint8)
    segments = tuple(Segment(int(i), 1 + int(i) % 3) for i in ids.unique() if i)
    return Sample(image, ids, segments, "painted.png")


def listed(sample: Sample) -> list[int]:
    return sorted(segment.id for segment in sample.segments)


@settings(deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    crop=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    rare_focus=st.sampled_from([0.0, 0.5, 1.0]),
    share=st.sampled_from([0.4, 1.0]),
    turns=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_crops_flips_and_turns_move_image_and_ids_together(size, crop, rare_focus, share, turns, seed):
    """Where the map is not void, the image still shows the map; the padding is void."""
    torch.manual_seed(seed)
    config = Augmentation(
        scale=(1.0, 1.0),
        crop=crop,
        rare_focus=rare_focus,
        max_segment_share=share,
        quarter_turns=turns,
        photometric=0.0,
    )
    before = painted(*size, seed=seed)
    after = train_transform(config)(before)
    assert after.size in (crop, crop[::-1])
    shown = after.ids != 0
    assert torch.equal(after.image[0][shown].int(), after.ids[shown] * 20)
    assert listed(after) == sorted(set(after.ids.unique().tolist()) - {0})
    assert set(after.segments) <= set(before.segments)
    assert after.ids.is_contiguous()
    assert after.image.is_contiguous()


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 1000))
def test_resizing_never_invents_an_id(height: int, width: int, seed: int):
    torch.manual_seed(seed)
    before = painted(height, width, seed=seed)
    after = train_transform(Augmentation(crop=(), flip=0.0, photometric=0.0))(before)
    assert after.image.shape[1:] == after.ids.shape
    assert set(after.ids.unique().tolist()) <= set(before.ids.unique().tolist())
    assert all(
        abs(new / old - after.size[0] / height) < 1 / min(height, width)
        for new, old in zip(after.size, before.size, strict=True)
    )


def test_ids_that_no_float_can_hold_survive_a_resize():
    ids = torch.full((4, 4), 2**31 - 1, dtype=torch.int32)
    sample = Sample(torch.zeros(3, 4, 4, dtype=torch.uint8), ids, (Segment(2**31 - 1, 1),), "a")
    after = evaluation_transform(short_side=7)(sample)
    assert after.ids.unique().tolist() == [2**31 - 1]


@pytest.mark.parametrize("short_side", [5, 13, 20, 40, 57])
def test_a_resized_image_still_lies_on_its_map(short_side: int):
    """In the middle of blocks of 10 pixels the image has the colour of the map: nothing is shifted."""
    after = evaluation_transform(short_side=short_side)(painted(20, 30, block=10))
    cell = short_side / 20 * 10
    for row in range(2):
        for column in range(3):
            i, j = int((row + 0.5) * cell), int((column + 0.5) * cell)
            assert abs(int(after.image[0, i, j]) - 20 * int(after.ids[i, j])) <= 12


def test_the_longer_side_keeps_its_limit():
    after = evaluation_transform(short_side=40, max_side=50)(painted(20, 100))
    assert after.size == (10, 50)


def test_a_crop_with_focus_holds_a_rare_segment():
    """A 3x3 car on a large road: it is in half of the windows drawn by category, in few of the others."""
    ids = torch.ones(300, 300, dtype=torch.int32)
    ids[200:203, 100:103] = 2
    sample = Sample(torch.zeros(3, 300, 300, dtype=torch.uint8), ids, (Segment(1, 1), Segment(2, 2)), "a")
    torch.manual_seed(0)
    hits = {}
    for focus in (0.0, 1.0):
        config = Augmentation(scale=(1.0, 1.0), crop=(32, 32), rare_focus=focus, photometric=0.0)
        hits[focus] = sum(2 in listed(train_transform(config)(sample)) for _ in range(60))
    assert hits[1.0] > 20
    assert hits[0.0] < 10


def test_a_crop_with_focus_is_drawn_by_the_power_of_the_area():
    """A 4x4 car on a road 225 times as large: half of the windows at power 0, 15 of 16 at 1/2, all at 400."""
    ids = torch.ones(60, 60, dtype=torch.int32)
    ids[40:44, 40:44] = 2
    sample = Sample(torch.zeros(3, 60, 60, dtype=torch.uint8), ids, (Segment(1, 1), Segment(2, 2)), "a")
    torch.manual_seed(0)
    shares = []
    for power in (0.0, 0.5, 400.0):  # at 400 a power of the areas themselves would be 0
        transform = train_transform(
            Augmentation(scale=(1.0, 1.0), crop=(1, 1), rare_focus=1.0, rare_power=power, photometric=0.0)
        )
        shares.append(sum(2 in listed(transform(sample)) for _ in range(400)) / 400)
    assert shares == pytest.approx([1 / 2, 15 / 16, 1.0], abs=0.06)


def test_the_power_of_an_area_does_not_fall_below_zero():
    with pytest.raises(ValueError, match="rare_power"):
        Augmentation(rare_power=-0.5)


def test_colours_change_within_bounds_and_maps_do_not():
    torch.manual_seed(3)
    before = painted(16, 16)
    after = train_transform(Augmentation(scale=(1.0, 1.0), crop=(), flip=0.0, photometric=1.0))(before)
    assert torch.equal(after.ids, before.ids)
    assert not torch.equal(after.image, before.image)


@given(st.integers(0, 255), st.integers(0, 10_000))
def test_a_gray_image_stays_gray_whatever_hue_and_saturation_do(value: int, seed: int):
    torch.manual_seed(seed)
    gray = tv_tensors.Image(torch.full((3, 2, 2), value, dtype=torch.uint8))
    after = Photometric(1.0)(gray)
    assert int(after.max()) - int(after.min()) <= 1


def test_no_strength_changes_no_colour():
    image = tv_tensors.Image(
        torch.randint(0, 256, (3, 9, 9), dtype=torch.uint8, generator=torch.manual_seed(0))
    )
    assert torch.equal(Photometric(0.0)(image), image)


@settings(deadline=None)
@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    block=st.integers(8, 30),
    seed=st.integers(0, 1000),
)
def test_bending_moves_image_and_ids_together(size, block, seed):
    """Where all that an image's pixel is mixed from is of one id, it still shows the map."""
    torch.manual_seed(seed)
    config = Augmentation(scale=(1.0, 1.0), crop=(), elastic_px=MOST_ELASTIC_PX, photometric=0.0)
    before = painted(*size, block=block, seed=seed)
    after = train_transform(config)(before)
    assert after.size == size
    assert listed(after) == sorted(set(after.ids.unique().tolist()) - {0})
    ids = after.ids.numpy()
    # what lies beyond the new edges is unknown, and no id
    inside = ndimage.minimum_filter(ids, 5, mode="constant", cval=-1) == ndimage.maximum_filter(ids, 5)
    assert np.array_equal(after.image[0].numpy()[inside], 20 * ids[inside])


def test_bending_keeps_large_ids_and_every_thing_in_one_piece():
    torch.manual_seed(0)
    ids = torch.zeros(160, 160, dtype=torch.int32)
    for number, corner in enumerate(range(10, 140, 20)):
        ids[corner : corner + 12, corner : corner + 12] = 2**31 - 1 - number
    for _ in range(20):
        bent = Elastic(MOST_ELASTIC_PX)(tv_tensors.Mask(ids)).as_subclass(torch.Tensor)
        assert set(bent.unique().tolist()) == set(ids.unique().tolist())
        assert not torch.equal(bent, ids)
        for number in ids.unique().tolist():
            _, pieces = ndimage.label(bent.numpy() == number, np.ones((3, 3)))  # pyright: ignore[reportGeneralTypeIssues]
            assert pieces == 1


def test_bending_is_not_torchvision_s_since_that_rounds_ids():
    mask = tv_tensors.Mask(torch.full((1, 40, 40), 2**24 + 1, dtype=torch.int32))
    torch.manual_seed(0)
    assert 2**24 + 1 not in v2.ElasticTransform(alpha=20.0, sigma=4.0)(mask).unique().tolist()
    assert Elastic(8.0)(tv_tensors.Mask(mask[0])).unique().tolist() == [2**24 + 1]


def test_bending_goes_as_far_as_it_says_and_by_nothing_it_does_nothing():
    torch.manual_seed(0)
    columns = tv_tensors.Mask(torch.arange(200, dtype=torch.int32).repeat(200, 1))
    assert torch.equal(Elastic(0.0)(columns), columns)
    moved = torch.stack([Elastic(6.0)(columns) - columns for _ in range(30)])[:, :, 8:-8]
    assert 3 < moved.abs().max() <= 6
    # the mean of a B-spline's draws, and as often to the left as to the right
    assert abs(float(moved.float().mean())) < 0.2


def test_the_generator_fixes_the_result():
    transform = train_transform(Augmentation(crop=(24, 24), quarter_turns=True))
    results = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        results.append(transform(painted(50, 60)))
    assert torch.equal(results[0].image, results[1].image)
    assert not torch.equal(results[0].image, results[2].image)


def test_scales_are_drawn_evenly_on_a_log_scale():
    torch.manual_seed(0)
    scale = Scale(0.25, 4.0)
    heights = [
        scale.make_params([tv_tensors.Mask(torch.zeros(100, 100, dtype=torch.int32))])["size"][0]
        for _ in range(400)
    ]
    assert min(heights) >= 25
    assert max(heights) <= 400
    assert abs(np.log2(np.array(heights) / 100).mean()) < 0.15


def test_a_small_image_stands_anywhere_in_its_crop():
    torch.manual_seed(0)
    mask = tv_tensors.Mask(torch.ones(2, 2, dtype=torch.int32))
    corners = {Crop((4, 4)).make_params([mask])["corner"] for _ in range(200)}
    assert corners == {(row, column) for row in (-2, -1, 0) for column in (-2, -1, 0)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": (2.0, 1.0)}, "`scale` must be the smallest and the largest factor"),
        ({"crop": (512,)}, "`crop` must be a height and a width"),
        ({"short_sides": (0,)}, "`short_sides` must be positive lengths"),
        ({"elastic_px": 8.5}, "`elastic_px` must be pixels from 0 to 8, got 8.5"),
        ({"elastic_px": float("nan")}, "`elastic_px` must be pixels from 0 to 8, got nan"),
        ({"flip": 1.5}, r"`flip` must be in \[0, 1\], got 1.5"),
    ],
)
def test_impossible_augmentations_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**change)
