"""AP100m and AP50m: distances by hand, and what is far is neither found nor missed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.errors import InputError
from intarsia.formats.cityscapes_depth import find_depth_files, read_distances
from intarsia.formats.coco import CocoWriter
from intarsia.metrics import evaluate_near
from intarsia.metrics.matching import SegmentTable
from intarsia.metrics.near_ap import near_segments
from intarsia.panoptic import Categories, PanopticMap, Segment

CATEGORIES = Categories.named("cityscapes")
CAR = next(category.id for category in CATEGORIES if category.name == "car")
SIZE = (60, 240)
NAME = "aachen_000000_000019_leftImg8bit.png"


def write_depth(root: Path, distances: np.ndarray, *, baseline: float = 0.25, fx: float = 2048.0) -> None:
    """The two official files for these distances in metres; NaN is unknown."""
    disparity, camera = root / "disparity/val/aachen", root / "camera/val/aachen"
    for folder in (disparity, camera):
        folder.mkdir(parents=True)
    stored = np.nan_to_num(baseline * fx / distances * 256 + 1).round().astype(np.uint16)
    Image.fromarray(stored).save(disparity / "aachen_000000_000019_disparity.png")
    settings = {"extrinsic": {"baseline": baseline}, "intrinsic": {"fx": fx}}
    (camera / "aachen_000000_000019_camera.json").write_text(json.dumps(settings))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three cars, 20, 80 and 160 metres away, and a fourth of which nothing is known."""
    distances = np.repeat(np.array([20.0, 80.0, 160.0, np.nan]), 60)[None].repeat(60, 0)
    write_depth(tmp_path / "cityscapes", distances)
    return tmp_path / "cityscapes"


def cars(*numbers: int) -> PanopticMap:
    """Cars in some of the four fields of 60x60, each of 50x50 pixels."""
    ids = np.zeros(SIZE, np.int32)
    for n in numbers:
        ids[5:55, 60 * n + 5 : 60 * n + 55] = n + 1
    return PanopticMap(ids, [Segment(n + 1, CAR, score=0.9) for n in numbers])


def write(folder: Path, name: str, panoptic_map: PanopticMap) -> Path:
    with CocoWriter(folder / f"{name}.json", CATEGORIES) as writer:
        writer.add(NAME, panoptic_map)
    return folder / f"{name}.json"


@pytest.mark.parametrize(
    ("found", "within_m", "wanted"),
    [
        ((0, 1, 2, 3), 50.0, 1.0),
        ((0,), 50.0, 1.0),  # the far ones are not missed
        ((0,), 100.0, 0.5),  # of two near ones, one
        ((0, 1), 100.0, 1.0),
        ((2, 3), 100.0, 0.0),  # far ones are not found, and not wrong either
        ((0, 1, 2), 1000.0, 1.0),  # what has no distance never counts
    ],
)
def test_only_near_instances_count(root, tmp_path, found, within_m, wanted):
    truth = write(tmp_path, "truth", cars(0, 1, 2, 3))
    prediction = write(tmp_path, "found", cars(*found))
    assert evaluate_near(truth, prediction, root, within_m=within_m).ap == pytest.approx(wanted)


def test_distances_are_baseline_times_focal_length_over_disparity(root):
    distances = read_distances(*find_depth_files(root, NAME))
    assert distances[0, [0, 60, 120]] == pytest.approx([20, 80, 160], rel=1e-2)
    assert np.isnan(distances[:, 180:]).all()


def test_half_of_the_pixels_must_have_a_distance():
    table = SegmentTable.of([Segment(1, CAR), Segment(2, CAR)], CATEGORIES)
    ids = np.array([[1, 1, 2, 2, 2]], np.int32)
    distances = np.array([[5, np.nan, 5, np.nan, np.nan]], np.float32)
    assert near_segments(ids, table, distances, within_m=50.0).tolist() == [True, False]


def test_instances_of_fewer_than_a_thousand_pixels_are_neither_found_nor_missed(root, tmp_path):
    ids = np.zeros(SIZE, np.int32)
    ids[:10, :10] = 1
    small = PanopticMap(ids, [Segment(1, CAR)])
    truth, empty = write(tmp_path, "truth", small), write(tmp_path, "found", PanopticMap.empty(*SIZE))
    assert np.isnan(evaluate_near(truth, empty, root, within_m=50.0).ap)


def test_what_is_wrong_is_one_sentence(root, tmp_path):
    truth = write(tmp_path, "truth", cars(0))
    with pytest.raises(InputError, match="a Cityscapes folder with disparity/.*, got one without it"):
        evaluate_near(truth, truth, tmp_path, within_m=50.0)
    with pytest.raises(InputError, match="`within_m` must be above 0, got 0.0"):
        evaluate_near(truth, truth, root, within_m=0.0)
    camera = next(root.glob("camera/*/*/*.json"))
    camera.write_text("{}")
    with pytest.raises(InputError, match="a camera file with extrinsic.baseline and intrinsic.fx"):
        evaluate_near(truth, truth, root, within_m=50.0)
    camera.write_text('{"extrinsic": {"baseline": 0.2}, "intrinsic": {"fx": -1}}')
    with pytest.raises(InputError, match="above 0, got -0.2"):
        evaluate_near(truth, truth, root, within_m=50.0)
    disparity = next(root.glob("disparity/*/*/*.png"))
    Image.new("RGB", (3, 3)).save(disparity)
    with pytest.raises(InputError, match="a disparity map of 16 bits and one channel"):
        evaluate_near(truth, truth, root, within_m=50.0)
    disparity.write_bytes(b"no picture")
    with pytest.raises(InputError, match="a readable disparity map"):
        evaluate_near(truth, truth, root, within_m=50.0)
