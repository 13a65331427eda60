"""Looking inside a model: the picture, the three medians or shares, wrong pixels."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import intarsia
from intarsia.cli import main
from intarsia.decoding.insight import view_of_pixel
from intarsia.errors import InputError
from intarsia.panoptic import PanopticMap, Segment
from intarsia.runtime import Model
from intarsia.serve.models import served_models
from tests.methods.conftest import combinatorial, panoptic_fpn, unified


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "house.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 42, 3), np.uint8)).save(path)
    return path


def two_windows() -> PanopticMap:
    ids = np.full((30, 42), 3, np.int32)
    ids[4:12, 4:16], ids[4:12, 24:36] = 1, 2
    return PanopticMap(ids, [Segment(1, 1), Segment(2, 1), Segment(3, 6)])


def test_one_pixel_is_explained(photo, model, tmp_path, capsys, monkeypatch):
    """Two windows and a facade, decoded by hand: medians are those of the three groups of pixels."""
    truth = two_windows()
    ids = truth.ids
    monkeypatch.setattr(Model, "decode", lambda *_: truth)
    found = intarsia.explain(str(photo), pixel="5,6", model=model, out=str(tmp_path / "deep" / "seen.png"))
    assert found.values.shape == (30, 42)
    assert found.values[5, 6] == 0
    for got, where in ((found.same_segment, 1), (found.same_category, 2), (found.other, 3)):
        assert got == pytest.approx(np.median(found.values[ids == where]))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "deep" / "seen.png")), found.picture)
    said = capsys.readouterr().out
    assert "Pixel 5,6 is window; its margin is" in said
    assert "other window segments" in said


def test_affinities_are_explained_as_shares(photo, tmp_path, capsys, monkeypatch):
    """What a pixel hears adds up to all of it, and is the grid's affinities point for point."""
    torch.manual_seed(0)
    method = unified().eval()
    method.save(tmp_path / "model")
    truth = two_windows()
    monkeypatch.setattr(Model, "decode", lambda *_: truth)
    found = intarsia.explain(
        str(photo), pixel="5,6", model=str(tmp_path / "model"), out=str(tmp_path / "seen.png")
    )
    assert (found.kind, found.margin) == ("affinity", None)
    shares = [float(found.values[truth.ids == n].sum()) for n in (1, 2, 3)]
    assert (found.same_segment, found.same_category, found.other) == pytest.approx(shares)
    assert sum(shares) == pytest.approx(1, abs=1e-5)
    with torch.inference_mode():
        output = method(torch.from_numpy(np.asarray(Image.open(photo)).copy()).permute(2, 0, 1)[None] / 255)
        affinities = method.affinity_map(output, 0, size=(30, 42), pixel=(5, 6)).numpy()  # pyright: ignore
    points = found.values[::4, ::4]
    np.testing.assert_allclose(points / points.sum(), affinities / affinities.sum(), rtol=1e-4)
    assert "Pixel 5,6 is window. Of what it hears, there comes from" in capsys.readouterr().out


def test_a_void_pixel_has_no_segment(photo, model, tmp_path, monkeypatch):
    empty = PanopticMap(np.zeros((30, 42), np.int32), [])
    monkeypatch.setattr(Model, "decode", lambda *_: empty)
    found = intarsia.explain(str(photo), pixel=(5, 6), model=model, out=str(tmp_path / "seen.png"))
    assert (found.same_segment, found.same_category, found.other) == (None, None, None)


def test_the_command_line_takes_row_and_column(photo, model, tmp_path, capsys):
    out = tmp_path / "seen.png"
    assert main(["explain", str(photo), "--pixel", "29,41", "--model", model, "--out", str(out)]) == 0
    assert out.is_file()
    for pixel, message in (
        ("30,0", "`pixel` must be inside the image of 30x42, got 30,0"),
        ("x", "`pixel` must be ROW,COLUMN, got 'x'"),
    ):
        assert main(["explain", str(photo), "--pixel", pixel, "--model", model]) == 2
        assert message in capsys.readouterr().err


def test_a_cut_is_explained_by_its_affinities_and_costs(photo, tmp_path, capsys, monkeypatch):
    """The walk's shares add up to all of it, and each pair has the cost that the network gave it."""
    torch.manual_seed(0)
    combinatorial().save(tmp_path / "cut")
    truth = two_windows()
    monkeypatch.setattr(Model, "decode", lambda *_: truth)
    seen = intarsia.explain(
        str(photo), pixel="9,6", model=str(tmp_path / "cut"), out=str(tmp_path / "seen.png")
    )
    assert seen.kind == "affinity"
    shares = [seen.same_segment, seen.same_category, seen.other]
    assert sum(share or 0 for share in shares) == pytest.approx(1, abs=1e-5)
    assert seen.values[9, 6] > np.median(seen.values)
    model = intarsia.load(str(tmp_path / "cut"))
    view = model.view(str(photo))
    point = 9 // view.stride, 6 // view.stride
    assert seen.category_costs == pytest.approx(view["node_costs"][:, point[0], point[1]].tolist())
    height, width = view.grid
    told = {(down // view.stride, right // view.stride): cost for down, right, cost in seen.pairs}
    for plane, (down, right) in zip(
        view["affinity_costs"], model.decoder.affinity_field(view).offsets, strict=True
    ):
        if point[0] + down < height and point[1] + right < width:
            assert told.pop((down, right)) == pytest.approx(plane[point])
        if point[0] >= down and point[1] >= right:
            cost = plane[point[0] - down, point[1] - right]
            assert told.pop((-down, -right)) == pytest.approx(cost)
    assert not told
    said = capsys.readouterr().out
    assert f"Of its {len(seen.pairs)} pairs {sum(cost > 0 for *_, cost in seen.pairs)} attract" in said
    assert "Categories cost" in said


def test_the_page_shows_what_explain_shows_of_what_a_pixel_hears(photo, tmp_path, monkeypatch):
    torch.manual_seed(0)
    unified().eval().save(tmp_path / "model")
    truth = two_windows()
    monkeypatch.setattr(Model, "decode", lambda *_: truth)
    explained = intarsia.explain(
        str(photo), pixel="5,6", model=str(tmp_path / "model"), out=str(tmp_path / "seen.png")
    )
    [served] = served_models([str(tmp_path / "model")], device="cpu")
    inside = served.look_inside(np.asarray(Image.open(photo)), truth)
    view = view_of_pixel(inside, truth, served.categories, pixel=(5, 6))
    assert view.kind == "heard"
    assert view.joined is not None
    assert view.heat is not None
    assert view.joined.sum() == pytest.approx(1, abs=1e-5)
    assert view.heat.max() == 1
    corners = explained.values[:: inside.stride, :: inside.stride]  # each point's first pixel
    assert view.joined / view.joined.max() == pytest.approx(corners / corners.max(), abs=1e-5)


def test_a_photo_is_explained_at_the_scale_of_its_things(photo, tmp_path):
    """Things of twice the trained diameter: the network sees half the size."""
    options: dict[str, Any] = {"pixel": "5,6", "model": "facades", "out": str(tmp_path / "seen.png")}
    plain = intarsia.explain(str(photo), **options)
    large = intarsia.explain(str(photo), diameter=2 * 37.3, **options)
    assert large.map.size == large.values.shape == plain.values.shape == (30, 42)
    assert len(np.unique(large.values)) < len(np.unique(plain.values))
    partners, doubled = (
        {(factor * down, factor * right) for down, right, _ in seen.pairs}
        for factor, seen in ((1, large), (2, plain))
    )
    assert (0, 8) in partners & doubled
    with pytest.raises(InputError, match="`size` must be left out where `diameter` says"):
        intarsia.explain(str(photo), diameter=20.0, size="20x20", **options)


def test_a_method_with_neither_is_refused(photo, tmp_path):
    panoptic_fpn().save(tmp_path / "boxes")
    with pytest.raises(InputError, match="`model` must be of a method with"):
        intarsia.explain(str(photo), pixel="0,0", model=str(tmp_path / "boxes"))
