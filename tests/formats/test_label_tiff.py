"""Label TIFFs: the things and nothing else, in the order of the JSON, as wide as they need to be."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from intarsia.categories import Categories
from intarsia.formats.label_image import read_labels
from intarsia.formats.label_tiff import labels_of, write_label_tiff
from intarsia.formats.resolution import Resolution, resolution_of
from intarsia.panoptic import PanopticMap, Segment
from tests.formats.written_maps import random_map

FACADES = Categories.named("facades")
WINDOW, CAR, FACADE = 1, 3, 6


def tags_of(path):
    with tifffile.TiffFile(path) as file:
        tags = file.pages.first.tags  # pyright: ignore[reportAttributeAccessIssue]
        return tuple(tags.valueof(name) for name in ("XResolution", "YResolution", "ResolutionUnit"))


def test_things_are_numbered_in_the_order_of_the_json_and_the_rest_is_0(tmp_path):
    """Ids 30, 10 and 20 are the first, second and third segment; 10 is facade, and 7 a crowd of windows."""
    segments = [Segment(30, CAR), Segment(10, FACADE), Segment(20, WINDOW), Segment(7, WINDOW, is_crowd=True)]
    one = PanopticMap(np.array([[30, 10, 20], [0, 7, 20]]), segments)
    path = write_label_tiff(tmp_path / "a.tif", one, FACADES)
    labels = tifffile.imread(path)
    assert labels.dtype == np.uint16
    assert labels.tolist() == [[1, 0, 2], [0, 0, 2]]


def test_one_category_is_numbered_alone():
    segments = [Segment(30, CAR), Segment(20, WINDOW), Segment(21, WINDOW)]
    one = PanopticMap(np.array([[30, 21, 20]]), segments)
    assert labels_of(one, FACADES, category="window").tolist() == [[0, 2, 1]]


@pytest.mark.parametrize(("name", "hint"), [("windw", "Did you mean `window`?"), ("facade", "Known: ")])
def test_a_category_that_is_no_thing_is_refused(name, hint):
    with pytest.raises(
        ValueError, match=f"`category` must be the name of a thing category, got '{name}'"
    ) as error:
        labels_of(PanopticMap.empty(1, 1), FACADES, category=name)
    assert hint in str(error.value)


@given(seed=st.integers(0, 10_000))
def test_our_own_reader_gives_the_things_back(tmp_path_factory, seed):
    one = random_map(FACADES, seed)
    path = write_label_tiff(tmp_path_factory.mktemp("labels") / "a.tif", one, FACADES)
    (labels,) = read_labels(path)
    things = {row.id for row in FACADES.things}
    counted = [s for s in one.segments if s.category_id in things and not s.is_crowd]
    assert labels.max() == len(counted)
    for number, segment in enumerate(counted, start=1):
        assert np.array_equal(labels == number, one.mask(segment.id))


def test_scikit_image_counts_exactly_the_things(tmp_path):
    from skimage.measure import regionprops

    one = random_map(FACADES, 3, crowds=False)
    labels = tifffile.imread(write_label_tiff(tmp_path / "a.tif", one, FACADES))
    things = {row.id for row in FACADES.things}
    areas = [one.area(s.id) for s in one.segments if s.category_id in things]
    assert [region.area for region in regionprops(labels)] == areas


@pytest.mark.parametrize(("count", "kind"), [(65_535, np.uint16), (65_536, np.uint32)])
def test_more_things_than_16_bits_hold_take_32(tmp_path, count, kind):
    ids = np.arange(1, 65_537).reshape(256, 256)
    ids[ids > count] = 0
    one = PanopticMap(ids, [Segment(n, WINDOW) for n in range(1, count + 1)])
    path = write_label_tiff(tmp_path / "a.tif", one, FACADES)
    labels = tifffile.imread(path)
    assert labels.dtype == kind
    assert np.array_equal(labels, ids)
    assert np.array_equal(read_labels(path)[0], ids)


@pytest.mark.parametrize(
    "options",
    [
        {"resolution": (20000, 10000), "resolutionunit": "CENTIMETER"},
        {"resolution": (300, 300), "resolutionunit": "INCH"},
        {"resolution": (4, 5), "imagej": True, "metadata": {"unit": "um"}},
    ],
)
@pytest.mark.parametrize("count", [2, 70_000])
def test_the_resolution_of_the_photo_is_kept(tmp_path, options, count):
    source = tmp_path / "photo.tif"
    ids = np.minimum(np.arange(300 * 300).reshape(300, 300), count).astype(np.int32)
    tifffile.imwrite(source, np.zeros(ids.shape, np.uint8), **options)
    one = PanopticMap(ids, [Segment(n, WINDOW) for n in range(1, count + 1)])
    path = write_label_tiff(tmp_path / "a.tif", one, FACADES, resolution=resolution_of(source))
    assert tags_of(path) == tags_of(source)
    assert resolution_of(path) == resolution_of(source)
    assert np.array_equal(tifffile.imread(path), ids)
    assert np.array_equal(read_labels(path)[0], ids)


def test_a_given_pixel_size_is_written(tmp_path):
    one = PanopticMap.empty(2, 3)
    path = write_label_tiff(tmp_path / "a.tif", one, FACADES, resolution=Resolution.of_pixel_size(0.5))
    assert tags_of(path) == ((20000, 1), (20000, 1), 3)


def test_a_map_without_things_is_an_empty_label_image(tmp_path):
    path = write_label_tiff(tmp_path / "a.tif", PanopticMap.empty(2, 3), FACADES)
    assert tifffile.imread(path).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="thing category"):
        write_label_tiff(tmp_path / "a.tif", PanopticMap.empty(2, 3), FACADES, category="cat")
    assert not list(tmp_path.iterdir())
