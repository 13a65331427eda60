"""Looks at several scales as one answer: on which grid, of which pairs, and what a cut makes of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from intarsia.decoding.cut import CutDecoder
from intarsia.decoding.cut_view import CutConfig
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.scales import block_mean, merged_looks, offsets_at_scales
from intarsia.errors import InputError
from intarsia.panoptic import Categories, Category

OFFSETS = ((1, 0), (0, 1), (4, 0), (0, 4), (0, -6))
DISCS = Categories([Category(1, "disc", True, (1, 1, 1)), Category(2, "ground", False, (2, 2, 2))])


def look_of(rows, columns, seed, *, offsets=OFFSETS):
    """What a network might say of a grid."""
    rng = np.random.default_rng(seed)
    names = {"node_costs": 2, "semantic_logits": 2, "affinity_costs": len(offsets)}
    return {name: rng.normal(size=(n, rows, columns)).astype(np.float32) for name, n in names.items()}


def enlarged(array, scale):
    """Every point k x k times."""
    return array.repeat(scale, axis=-2).repeat(scale, axis=-1)


def on_grid(looks):
    """What a network says of enlarged pictures, on the grid of the picture as it is."""
    return {k: {name: block_mean(array, k) for name, array in look.items()} for k, look in looks.items()}


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.sampled_from([(1,), (1, 2), (1, 2, 4)]),
    st.integers(0, 9),
)
def test_costs_are_means_over_the_looks_and_over_the_pairs_between_two_blocks(rows, columns, scales, seed):
    looks = {k: look_of(rows * k, columns * k, seed + k) for k in scales}
    merged = merged_looks(on_grid(looks), OFFSETS)
    offsets = offsets_at_scales(OFFSETS, scales)
    for row, column in np.ndindex(rows, columns):
        for number, (down, right) in enumerate(offsets):
            # every pair of any look whose ends lie at the same place in the blocks of both points
            of_looks = []
            for k, look in looks.items():
                if (down * k, right * k) in OFFSETS:
                    plane = look["affinity_costs"][OFFSETS.index((down * k, right * k))]
                    of_looks.append(
                        np.mean([plane[row * k + a, column * k + b] for a, b in np.ndindex(k, k)])
                    )
            expected = sum(of_looks) / len(looks)
            np.testing.assert_allclose(merged["affinity_costs"][number, row, column], expected, atol=1e-5)
        for name in ("node_costs", "semantic_logits"):
            block = [
                look[name][:, row * k : row * k + k, column * k : column * k + k] for k, look in looks.items()
            ]
            expected = np.mean([part.mean(axis=(1, 2)) for part in block], axis=0)
            np.testing.assert_allclose(merged[name][:, row, column], expected, atol=1e-5)


@given(arrays(np.float32, (2, 3, 4), elements=st.floats(-9, 9, width=32)), st.integers(2, 3))
def test_a_look_that_says_the_same_changes_no_category(costs, scale):
    look = {"node_costs": costs, "semantic_logits": -costs, "affinity_costs": np.ones((1, 3, 4), np.float32)}
    again = {name: enlarged(array, scale) for name, array in look.items()}
    merged = merged_looks(on_grid({1: look, scale: again}), ((scale, 0),))
    np.testing.assert_allclose(merged["node_costs"], costs, atol=1e-5)
    np.testing.assert_allclose(merged["semantic_logits"], -costs, atol=1e-5)


def test_two_looks_that_know_the_same_pair_are_added():
    assert offsets_at_scales(((2, 0), (4, 0)), (1, 2)) == ((2, 0), (4, 0), (1, 0))
    look = {name: np.ones((2, 8, 8), np.float32) for name in ("node_costs", "semantic_logits")}
    once = look | {"affinity_costs": np.stack([np.full((8, 8), c, np.float32) for c in (2, 4)])}
    twice = {
        name: enlarged(array, 2)
        for name, array in (look | {"affinity_costs": 10 * once["affinity_costs"]}).items()
    }
    costs = merged_looks(on_grid({1: once, 2: twice}), ((2, 0), (4, 0)))["affinity_costs"]
    assert costs[:, 0, 0].tolist() == [(2 + 40) / 2, 4 / 2, 20 / 2]


def test_a_gap_that_only_the_enlarged_look_sees_cuts_a_thing_in_two():
    """Two discs that touch: at their own size the network joins all, at double size it cuts between them."""
    offsets = ((1, 0), (0, 1), (2, 0), (0, 2))
    decoder = CutDecoder(cut=CutConfig(min_thing_px=1, min_stuff_px=1, small="void"), offsets=offsets)
    nodes = np.stack([np.full((4, 8), -3.0), np.full((4, 8), 3.0)]).astype(np.float32)
    once = {
        "node_costs": nodes,
        "semantic_logits": -nodes,
        "affinity_costs": np.full((4, 4, 8), 0.2, np.float32),
    }
    twice = {name: enlarged(array, 2) for name, array in once.items()}
    twice["affinity_costs"][3, :, 6:8] = -9  # from column 3 of the picture to column 4
    assert len(decoder.decode(ImageView(once, (4, 8), 1), DISCS).segments) == 1
    merged = ImageView(decoder.merge_looks(on_grid({1: once, 2: twice})), (4, 8), 1)
    ids = decoder.at_scales((1, 2)).decode(merged, DISCS).ids
    assert ids.tolist() == [[1] * 4 + [2] * 4] * 4


@pytest.mark.parametrize("scales", [(1, 3), (1, 2, 8)])
def test_scales_that_end_no_pair_on_the_grid_are_refused(scales):
    with pytest.raises(
        InputError,
        match=rf"divide a distance .* got {scales[-1]}\. The grid distances of its pairs are 1, 4, 10\.",
    ):
        offsets_at_scales(((1, 0), (4, 0), (0, 10), (10, 0)), scales)


def test_one_look_leaves_the_decoder_as_it_is():
    """Pairs that a network says twice stay two channels."""
    decoder = CutDecoder(cut=CutConfig(), offsets=((1, 0), (0, 1), (1, 0)))
    assert decoder.at_scales((1,)) is decoder
