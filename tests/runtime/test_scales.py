"""A model that sees a picture at several scales: one answer, in tiles or whole, by every backend."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import intarsia
from intarsia.commands.explain import explain
from intarsia.commands.predict import predict
from intarsia.decoding.cut import CutDecoder
from intarsia.decoding.cut_view import CutConfig
from intarsia.decoding.scales import block_mean, merged_looks
from intarsia.errors import InputError
from intarsia.methods.load import load as load_method
from intarsia.pictures.intake import Intake
from intarsia.pictures.reading import read_image
from intarsia.runtime.images import Contrast, network_input
from intarsia.runtime.network import AbstractNetwork
from intarsia.runtime.picture_views import PictureViews
from intarsia.runtime.spec import NetworkSpec
from intarsia.runtime.tiles import TilingConfig

PHOTO = Path(__file__).parents[2] / "examples" / "photos" / "nuclei.tif"
PICTURE = read_image(PHOTO)[:96, :128]
OFFSETS = ((1, 0), (0, 1), (4, 0), (0, 4), (10, 0), (0, 10))


class Neighbours(AbstractNetwork):
    """Sums of 3x3 pixels as costs: it sees no further."""

    stride = 1

    def __init__(self):
        self.seen = []

    @property
    def description(self):
        return "sums of neighbours"

    def arrays(self, images):
        self.seen.append(images.shape[2:])
        padded = np.pad(images, [(0, 0), (0, 0), (1, 1), (1, 1)], mode="edge")
        height, width = images.shape[2:]
        shifts = [padded[..., a : a + height, b : b + width] for a, b in np.ndindex(3, 3)]
        sums = np.sum(shifts, axis=0)
        pairs = np.concatenate([sums, sums**2], axis=1)
        return {"node_costs": sums[:, :2], "semantic_logits": -sums[:, :2], "affinity_costs": pairs}


def nuclei(scales, **options):
    model = intarsia.load("nuclei", threads=1, **options)
    model.intake = Intake(scales=scales)
    return model


def test_a_view_is_of_the_picture_and_of_the_enlarged_one():
    model = nuclei((1, 2))
    once = network_input(PICTURE, model.spec, Contrast.of(PICTURE))
    height, width = once.shape[1:]
    twice = [
        np.asarray(Image.fromarray(plane).resize((2 * width, 2 * height), Image.Resampling.BICUBIC))
        for plane in once
    ]
    answers = model.network.arrays(np.stack(twice)[None])
    looks = {
        1: model.network.arrays(once[None]),
        2: {name: block_mean(array, 2) for name, array in answers.items()},
    }
    view = model.view(PICTURE)
    for name, array in merged_looks(looks, OFFSETS).items():
        np.testing.assert_array_equal(view[name], array[0])
    assert view["affinity_costs"].shape == (10, 96, 128)


def test_the_scales_of_nuclei_are_its_own_and_double_size():
    model = intarsia.load("nuclei", threads=1)
    assert model.intake.scales == (1, 2)
    single = nuclei((1,))
    assert single.view(PICTURE)["affinity_costs"].shape == (6, 96, 128)
    assert not np.array_equal(model.predict(PICTURE).ids, single.predict(PICTURE).ids)


def test_torch_and_onnxruntime_see_the_same():
    by_onnx, by_torch = nuclei((1, 2), backend="onnxruntime"), nuclei((1, 2), backend="torch")
    np.testing.assert_array_equal(by_onnx.predict(PICTURE).ids, by_torch.predict(PICTURE).ids)


def test_a_saved_method_sees_at_its_scales(tmp_path):
    method = load_method("nuclei")
    method.save(tmp_path)
    again = load_method(tmp_path)
    assert again.intake.scales == (1, 2)
    expected = nuclei((1, 2), backend="torch").predict(PICTURE)
    method.intake = Intake(scales=(1, 2))
    np.testing.assert_array_equal(method.predict(PICTURE).ids, expected.ids)


@pytest.mark.parametrize("scales", [(1, 2), (1, 2, 8)])
def test_tiles_say_what_the_whole_says(scales):
    offsets = ((1, 0), (0, 1), (8, 0), (0, 8), (2, 0), (0, 2))
    decoder = CutDecoder(cut=CutConfig(), offsets=offsets)
    picture = np.random.default_rng(3).random((300, 420, 3)).astype(np.float32)
    views = []
    for tiling in (None, TilingConfig(tile_px=256, context_px=32)):
        spec = NetworkSpec(stride=1, align_px=32, tiling=tiling)
        views.append(PictureViews(Neighbours(), spec, decoder, scales).of_one(picture, None))
    whole, tiled = views
    assert tiled.arrays.keys() == whole.arrays.keys()
    for name, array in whole.arrays.items():
        np.testing.assert_allclose(tiled[name], array, rtol=1e-4, atol=1e-3)


def test_no_look_is_at_more_pixels_than_two_tiles():
    """512 x 512 pixels are one tile; enlarged they are four, of which each shows a part of the picture."""
    decoder = CutDecoder(cut=CutConfig(), offsets=((2, 0), (0, 2)))
    for side, most in ((512, 512), (352, 704)):
        network = Neighbours()
        spec = NetworkSpec(stride=1, align_px=32, tiling=TilingConfig(tile_px=512, context_px=32))
        PictureViews(network, spec, decoder, (1, 2)).of_one(np.zeros((side, side, 3), np.float32), None)
        assert network.seen[0] == (side, side)
        assert max(map(max, network.seen)) == most


def test_large_pictures_are_seen_one_after_the_other():
    """However many would run together: the first is ready before any tile of the second is looked at."""
    network = Neighbours()
    network.max_batch = 4
    decoder = CutDecoder(cut=CutConfig(), offsets=((2, 0), (0, 2)))
    spec = NetworkSpec(stride=1, align_px=32, tiling=TilingConfig(tile_px=256, context_px=32))
    views = PictureViews(network, spec, decoder, (1, 2))
    pictures = iter([np.zeros((300, 300, 3), np.float32)] * 3)
    num_seen = [len(network.seen) for _ in views.of_each(pictures, batch=4)]
    assert num_seen == [num_seen[0], 2 * num_seen[0], 3 * num_seen[0]]


def test_what_cannot_be_seen_at_these_scales_is_refused_at_once(tmp_path):
    model = intarsia.load("facades-embedding", threads=1)
    with pytest.raises(InputError, match="`scales` must be 1 for all models but those that cut affinities"):
        model.intake = Intake(scales=(1, 2))
    assert model.intake.scales == (1,)
    with pytest.raises(InputError, match=r"divide a distance between pairs of this model, got 8\."):
        nuclei((1, 8))
    for wrong in ((2,), (1, 1), (1, 4, 2), (0, 1), (), (1, 3)):
        with pytest.raises(InputError, match="`scales` must be powers of 2 that rise from 1 on"):
            Intake(scales=wrong)
    with pytest.raises(InputError, match="those that cut affinities"):
        predict((PHOTO,), model="facades-hierarchy", scales=(1, 2), out=str(tmp_path / "out"))
    assert not (tmp_path / "out" / "panoptic.json").exists()


def test_commands_take_scales(tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    maps = [
        predict(
            (tmp_path / "a.png",),
            out=str(tmp_path / str(len(scales))),
            scales=scales,
            model="nuclei",
            size="",
        )[0].map
        for scales in ((), (1,))
    ]
    for one, scales in zip(maps, ((1, 2), (1,)), strict=True):
        np.testing.assert_array_equal(one.ids, nuclei(scales).predict(PICTURE).ids)
    row, column = np.argwhere(maps[0].instances(nuclei((1,)).categories) > 0)[0]
    pairs = [
        explain(
            str(tmp_path / "a.png"),
            pixel=(int(row), int(column)),
            out=str(tmp_path / "b.png"),
            scales=scales,
            model="nuclei",
            size="",
        ).pairs
        for scales in ((1, 2), (1,))
    ]
    assert {max(map(abs, pair[:2])) for pair in pairs[0]} == {1, 2, 4, 5, 10}
    assert {max(map(abs, pair[:2])) for pair in pairs[1]} == {1, 4, 10}


def test_a_batch_of_pictures_is_seen_as_each_alone():
    model = nuclei((1, 2), backend="torch")
    pictures = [PICTURE, PICTURE[::-1].copy(), PICTURE[:, ::-1].copy()]
    together = list(model.views(pictures, batch=3))
    for picture, view in zip(pictures, together, strict=True):
        alone = model.view(picture)
        for name in ("node_costs", "affinity_costs"):
            np.testing.assert_allclose(view[name], alone[name], atol=1e-3)


def test_a_second_look_is_at_the_scales_as_well():
    model = intarsia.load("nuclei", threads=1)
    view = model.view(PICTURE, diameter=16.6 / 2)
    assert view.size == (192, 256)
    assert view["affinity_costs"].shape == (10, 192, 256)
    assert dataclasses.replace(model.intake, scales=(1,)).second_look == model.intake.second_look
