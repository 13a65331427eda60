"""Tiles: they cover once, and what is predicted in them is what is predicted at once."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from intarsia.decoding.cut import CutConfig
from intarsia.errors import InputError
from intarsia.methods.combinatorial import CombinatorialPanoptic
from intarsia.methods.torch_model import as_model
from intarsia.nets import DecoderConfig, FpnDecoder
from intarsia.runtime.images import Contrast
from intarsia.runtime.network import AbstractNetwork
from intarsia.runtime.spec import NetworkSpec
from intarsia.runtime.tiles import TilingConfig, tiles_of
from intarsia.runtime.tiling import tiled_view
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


class Filter(AbstractNetwork):
    """Means over blocks, and sums of those over 3x3 points; and where in the picture each point is."""

    def __init__(self, stride: int):
        self.stride = stride

    @property
    def description(self):
        return "a filter"

    def arrays(self, images):
        pixels = torch.from_numpy(images)
        grid = torch.nn.functional.avg_pool2d(pixels, self.stride)
        rows, columns = torch.meshgrid(*(torch.arange(float(n)) for n in grid.shape[2:]), indexing="ij")
        place = torch.stack([rows, columns])[None] * self.stride / 8
        return {"sum": torch.nn.functional.avg_pool2d(grid, 3, 1, 1)[:, :1].numpy(), "place": place.numpy()}


@settings(max_examples=20, deadline=None)
@given(size=st.tuples(st.integers(1, 400), st.integers(1, 400)), stride=st.sampled_from([1, 2, 4]))
def test_tiles_of_a_filter_are_the_filtered_image(size, stride):
    """A sum over 3x3 points reaches one point; the places in tiles become places in the image."""
    image = np.random.default_rng(0).random((*size, 3), np.float32)
    spec = NetworkSpec(
        stride=stride,
        align_px=stride,
        fill=(0.0, 0.0, 0.0),
        tiling=TilingConfig(tile_px=256, context_px=8),
        positions={"place": 8.0},
    )
    network = Filter(stride)
    tiled = tiled_view(image, network, spec, reach_points=0)
    planes = np.zeros((1, 3, *(stride * n for n in tiled.grid)), np.float32)
    planes[0, :, : size[0], : size[1]] = image.transpose(2, 0, 1)
    [whole] = network.views(planes, [size])
    for name in ("sum", "place"):
        np.testing.assert_allclose(tiled[name], whole[name], rtol=1e-5, atol=1e-6)


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


@pytest.mark.parametrize("size", [(400, 520), (1160, 140)])
def test_an_image_in_tiles_has_the_costs_and_the_segments_of_the_whole(size):
    # a picture whose segments stay when costs change by 5e-4: those of some flip by rounding, on one thread
    coarse = torch.rand(1, 3, 9, 13, generator=torch.Generator().manual_seed(6))
    image = nn.functional.interpolate(coarse, size=size, mode="bilinear")[0]
    method = shallow_method()
    tiling = TilingConfig(tile_px=384, context_px=112)
    spec = NetworkSpec(stride=4, align_px=8, fill=(0.0,) * 3, tiling=tiling)
    model = as_model(method)
    model.spec = dataclasses.replace(spec, tiling=None)
    wanted, whole = model.view(image), model.predict(image)
    assert tiling.divides(*size)
    model.spec = spec
    got, tiled = model.view(image), model.predict(image)
    np.testing.assert_allclose(got["semantic_logits"], wanted["semantic_logits"], rtol=1e-3, atol=1e-3)
    longest = 4
    inside = (..., slice(None, -longest), slice(None, -longest))  # beyond, a pair may leave the image
    costs = [view["affinity_costs"][inside] for view in (got, wanted)]
    np.testing.assert_allclose(*costs, rtol=1e-3, atol=1e-3)
    assert len(whole.segments) > 3
    assert np.array_equal(whole.ids, tiled.ids)
    assert [s.category_id for s in whole.segments] == [s.category_id for s in tiled.segments]


def test_how_many_pixels_there_are_decides_and_not_how_long_an_image_is():
    """Overlapping tiles compute more than one piece does, and a strip is no more work than a square."""
    model = as_model(shallow_method())
    useless = TilingConfig(tile_px=384, context_px=384)  # refused when it is used
    model.spec = NetworkSpec(stride=4, align_px=8, fill=(0.0,) * 3, tiling=useless)
    assert model.view(np.zeros((100, 1001, 3), np.uint8)).size == (100, 1001)
    with pytest.raises(InputError, match="above the overlap"):
        model.view(np.zeros((385, 384, 3), np.uint8))


def test_contrast_does_not_depend_on_the_tiles():
    """Of a picture with a bright corner, every window is what the same window of the whole is."""
    image = np.random.default_rng(0).random((1300, 900, 3), np.float32) * 0.1
    image[:200, :200] += 0.8
    contrast = Contrast.of(image)
    whole = contrast.stretch(image, 0, 0)
    for top, left in ((0, 0), (256, 128), (1024, 512)):
        window = contrast.stretch(image[top : top + 256, left : left + 256], top, left)
        np.testing.assert_allclose(window, whole[top : top + 256, left : left + 256], rtol=1e-5, atol=1e-5)
    assert np.median(whole[800:]) > 0.3  # far from the bright corner the rest is seen


def test_a_small_picture_has_one_contrast():
    """From its darkest value to its 99.5 % quantile, all channels alike."""
    image = np.random.default_rng(0).uniform(0.2, 0.4, (60, 50, 3)).astype(np.float32)
    stretched_image = Contrast.of(image).stretch(image, 0, 0)
    assert stretched_image.min() == pytest.approx(0, abs=0.02)
    assert np.quantile(stretched_image, 0.995) == pytest.approx(1, abs=0.02)
    dark = np.full((9, 9, 3), 0.3, np.float32)
    assert Contrast.of(dark).stretch(dark, 0, 0).max() == 0


def test_wrong_settings_are_refused():
    with pytest.raises(InputError, match="`tiling.tile_px` must be a multiple of 128, got 1000"):
        TilingConfig(tile_px=1000)
    with pytest.raises(InputError, match="`tiling.context_px` must be at least 0, got -1"):
        TilingConfig(context_px=-1)
    with pytest.raises(InputError, match="`tiling.tile_px` must be above the overlap of 256 pixels, got 256"):
        list(tiles_of(9, 9, tile_px=256, overlap_px=256))
