"""Tiles: they cover once, and what is predicted in them is what is predicted at once."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from intarsia.decoding.cut import CutConfig
from intarsia.errors import InputError
from intarsia.methods.combinatorial import CombinatorialPanoptic
from intarsia.nets import DecoderConfig, FpnDecoder
from intarsia.runtime.tiling import TilingConfig, tiled_grids, tiles_of
from tests.methods.conftest import combinatorial


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 900), st.integers(1, 900)),
    tile=st.integers(2, 5),
    overlap=st.integers(0, 4),
)
def test_every_pixel_is_kept_once_and_far_from_its_tile_s_borders(size, tile, overlap):
    overlap = min(overlap, tile - 1)
    kept = np.zeros(size, int)
    for one in tiles_of(*size, tile_px=128 * tile, overlap_px=128 * overlap):
        kept[one.kept_rows, one.kept_columns] += 1
        for tiles, inside, length in zip(
            (one.rows, one.columns), (one.kept_rows, one.kept_columns), size, strict=True
        ):
            assert tiles.stop - tiles.start <= 128 * tile
            assert tiles.start % 128 == 0
            assert inside.start - tiles.start >= 64 * overlap or inside.start == 0
            assert tiles.stop - inside.stop >= 64 * overlap or inside.stop == length
    assert (kept == 1).all()


@settings(max_examples=20, deadline=None)
@given(size=st.tuples(st.integers(1, 70), st.integers(1, 70)), stride=st.sampled_from([1, 2, 4]))
def test_tiles_of_a_filter_are_the_filtered_image(size, stride):
    """A sum over 3x3 grid points reaches 1 point; 4 pixels of context around a tile are enough for it."""

    def network(image):
        grid = torch.nn.functional.avg_pool2d(image, stride, ceil_mode=True)
        return grid, torch.nn.functional.avg_pool2d(grid, 3, 1, 1)[:, :1]

    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    got = tiled_grids(network, images, stride=stride, tile_px=24, overlap_px=8)
    for tiled, whole in zip(got, network(images), strict=True):
        assert_close(tiled, whole)


class Shallow(nn.Module):
    """A backbone of strides 4 and 8 that sees 12 pixels at most around each of its points."""

    strides, channels, stretch = (4, 8), (6, 8), False

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 6, 4, stride=4), nn.Conv2d(6, 8, 2, stride=2)

    def forward(self, images):
        padded = nn.functional.pad(images, (0, -images.shape[-1] % 8, 0, -images.shape[-2] % 8))
        fine = self.first(padded).relu()
        return [fine, self.second(fine).relu()]

    def without_stretch(self):
        return torch.no_grad()


def shallow_method():
    """The method on the shallow backbone, its norms in evaluation mode: nothing sees the whole image."""
    torch.manual_seed(0)
    config = dataclasses.replace(
        combinatorial().config,
        decoder=DecoderConfig(kind="fpn", width=8),
        cut=CutConfig(min_thing_px=1, min_stuff_px=1),
    )
    method = CombinatorialPanoptic(config, combinatorial().categories)
    method.backbone = Shallow()
    method.decoder = FpnDecoder(
        DecoderConfig(kind="fpn", width=8, separable=False), Shallow.strides, Shallow.channels
    )
    with torch.no_grad():
        for name, parameter in method.named_parameters():
            if name.endswith("last.weight"):
                parameter.mul_(3000)
    return method.eval()


@pytest.mark.parametrize("size", [(400, 520), (513, 140)])
def test_an_image_in_tiles_has_the_costs_and_the_segments_of_the_whole(size):
    coarse = torch.rand(1, 3, 9, 13, generator=torch.Generator().manual_seed(1))
    image = nn.functional.interpolate(coarse, size=size, mode="bilinear")[0]
    method = shallow_method()
    with torch.no_grad():
        wanted, whole = method._evaluated(image[None]), method.predict(image)
    tiling = TilingConfig(tile_px=384, context_px=112)
    assert max(size) > tiling.tile_px
    method.config = dataclasses.replace(method.config, tiling=tiling)
    with torch.no_grad():
        got, tiled = method._evaluated(image[None]), method.predict(image)
    assert_close(got.semantic_logits, wanted.semantic_logits, rtol=1e-3, atol=1e-3)
    longest = 4
    inside = (..., slice(None, -longest), slice(None, -longest))  # beyond, a pair may leave the image
    assert_close(got.affinity_logits[inside], wanted.affinity_logits[inside], rtol=1e-3, atol=1e-3)
    assert len(whole.segments) > 3
    assert np.array_equal(whole.ids, tiled.ids)
    assert [s.category_id for s in whole.segments] == [s.category_id for s in tiled.segments]


def test_brightness_is_stretched_before_the_image_is_cut_into_tiles():
    """A bright corner in one tile darkens all of them alike."""
    method = combinatorial()
    backbone = dataclasses.replace(method.config.backbone, stretch=True)
    tiling = TilingConfig(tile_px=256, context_px=0)
    config = dataclasses.replace(method.config, backbone=backbone, tiling=tiling)
    seen = []
    method = CombinatorialPanoptic(config, method.categories).eval()
    method.backbone.register_forward_pre_hook(lambda _, given: seen.append(given[0].amax()))
    method.predict(torch.cat([torch.full((3, 8, 400), 0.5), torch.zeros(3, 8, 200)], dim=2))
    assert len(seen) > 1
    assert float(max(seen)) == pytest.approx(1.0)
    assert float(seen[0]) == pytest.approx(1.0)
    assert method.backbone.stretch


def test_wrong_settings_are_refused():
    with pytest.raises(InputError, match="`tiling.tile_px` must be a multiple of 128, got 1000"):
        TilingConfig(tile_px=1000)
    with pytest.raises(InputError, match="`tiling.context_px` must be 0 or more, got -1"):
        TilingConfig(context_px=-1)
    with pytest.raises(InputError, match="`tiling.tile_px` must be above the overlap of 256 pixels, got 256"):
        list(tiles_of(9, 9, tile_px=256, overlap_px=256))
