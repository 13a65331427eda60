"""Stacks: pages in, one label image of as many pages out; what is no stack is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

import intarsia
from intarsia.cli import main
from intarsia.errors import InputError, PartialFailure
from intarsia.formats.label_folder import read_label_folder

NUCLEI = Path(__file__).parents[2] / "examples" / "photos" / "nuclei.tif"


@pytest.fixture(scope="module")
def pages() -> np.ndarray:
    """Three sections: the picture, shifted by a pixel, and half as bright."""
    picture = tifffile.imread(NUCLEI)[100:212, 100:228]
    return np.stack([picture, np.roll(picture, 1, axis=1), picture // 2])


@pytest.fixture(scope="module")
def stack(pages, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("stack") / "embryo.tif"
    tifffile.imwrite(path, pages, photometric="minisblack", metadata={"axes": "ZYX"})
    return path


def predicted(*paths: Path, out: Path, **options):
    options = {"model": "nuclei", "stack": True, "overlays": False} | options
    return intarsia.predict(tuple(map(str, paths)), out=str(out), **options)


def test_nuclei_keep_their_numbers_through_a_label_image_of_all_pages(stack, pages, tmp_path):
    predictions = predicted(stack, out=tmp_path)
    assert [one.name for one in predictions] == [f"embryo_{n:04d}.tif" for n in range(3)]
    labels = tifffile.imread(tmp_path / "labels" / "embryo.tif")
    assert labels.shape == pages.shape
    assert set(np.unique(labels)) == set(range(1 + labels.max()))
    kept = set(np.unique(labels[0])) & set(np.unique(labels[1]))
    assert len(kept) >= 0.8 * len(np.unique(labels[0])) > 3
    for prediction, plane in zip(predictions, labels, strict=True):
        ids = np.unique(np.stack([prediction.map.ids[plane > 0], plane[plane > 0]]), axis=1)
        assert ids.shape[1] == len(np.unique(plane[plane > 0]))  # the same things as in the maps


def test_the_label_image_is_read_with_its_categories(stack, tmp_path):
    predicted(stack, out=tmp_path, write=())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["category_map.json", "labels"]
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "embryo.tif").write_bytes(stack.read_bytes())
    [part] = read_label_folder(tmp_path)
    assert [one.name for one in part.maps] == [f"embryo_{n:04d}" for n in range(3)]
    assert {part.categories[0].id} < {segment.category_id for segment in part.maps[1].read().segments}
    assert part.categories[0].name == "nucleus"


def test_the_model_does_the_same_from_python(stack, pages, tmp_path):
    predictions = predicted(stack, out=tmp_path)
    maps = intarsia.load("nuclei").predict_stack([np.stack([page] * 3, axis=2) for page in pages])
    assert [one.segments for one in maps] == [one.segments for one in predictions]


def test_a_page_that_cannot_be_read_leaves_its_stack_out(stack, tmp_path):
    broken = tmp_path / "broken.tif"
    content = bytearray(stack.read_bytes())
    broken.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(PartialFailure) as caught:
        predicted(stack, broken, out=tmp_path / "out")
    assert len(caught.value.result) == 3
    assert not (tmp_path / "out" / "labels" / "broken.tif").exists()
    assert main(["predict", str(broken), "--model", "nuclei", "--stack", "--out", str(tmp_path / "o")]) == 1


def test_mistakes_are_told(stack, tmp_path):
    with pytest.raises(InputError, match="`page` must be left out for a stack"):
        predicted(stack, out=tmp_path, page="all")
    with pytest.raises(InputError, match="a file of one page where no page is chosen, got 3 pages"):
        predicted(stack, out=tmp_path, stack=False)


def test_without_stack_pages_are_images_with_numbers_of_their_own(stack, tmp_path):
    predicted(stack, out=tmp_path, stack=False, page="all", write=("labels",))
    assert len(list((tmp_path / "labels").iterdir())) == 3
    assert "pages" not in json.loads((tmp_path / "category_map.json").read_text())
