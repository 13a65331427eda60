"""COCO instances: pycocotools reads the same masks, and our own reader the same things."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO

from intarsia.categories import Categories
from intarsia.formats.coco_instances import read_coco_instances
from intarsia.formats.instances_file import InstancesFile
from intarsia.panoptic import PanopticMap, Segment
from tests.formats.written_maps import pixels, random_map

TABLE = Categories.named("coco")
THINGS = {row.id for row in TABLE.things}


def things_of(one: PanopticMap) -> PanopticMap:
    shown = [segment for segment in one.segments if segment.category_id in THINGS]
    return PanopticMap(np.where(np.isin(one.ids, [s.id for s in shown]), one.ids, 0), shown)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_reads_every_thing_and_no_stuff(tmp_path):
    maps = [random_map(TABLE, seed) for seed in range(4)]
    with InstancesFile(tmp_path / "instances.json", TABLE) as file:
        for n, one in enumerate(maps):
            file.add(f"{n}.jpg", one, image_id=100 + n)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "instances.json"))
    assert {row["name"] for row in coco.dataset["categories"]} == {row.name for row in TABLE.things}
    for n, one in enumerate(maps):
        rows = coco.loadAnns(coco.getAnnIds(imgIds=[100 + n]))
        read = {
            (coco.annToMask(r).astype(bool).tobytes(), r["category_id"], bool(r["iscrowd"])) for r in rows
        }
        assert read == pixels(things_of(one))
        assert [row["area"] for row in rows] == [one.area(s.id) for s in things_of(one).segments]


def test_our_own_reader_gives_the_things_back(tmp_path):
    maps = [random_map(TABLE, seed) for seed in range(4)]
    with InstancesFile(tmp_path / "annotations" / "instances_all.json", TABLE) as file:
        for n, one in enumerate(maps):
            file.add(f"{n}.jpg", one)
    (part,) = read_coco_instances(tmp_path, background="void")
    for one, read in zip(maps, part.maps, strict=True):
        assert pixels(read.read()) == pixels(things_of(one))


def test_boxes_and_scores_are_those_of_the_segments(tmp_path):
    window = Segment(5, TABLE.things[0].id, score=0.25)
    one = PanopticMap(np.array([[0, 0, 0], [0, 5, 5]]), [window])
    with InstancesFile(tmp_path / "instances.json", TABLE) as file:
        file.add("a.jpg", one)
    with contextlib.redirect_stdout(io.StringIO()):
        row = dict(COCO(str(tmp_path / "instances.json")).loadAnns(1)[0])
    assert (row["bbox"], row["score"], row["image_id"]) == ([1, 1, 2, 1], 0.25, 1)


def test_a_stopped_run_leaves_no_file(tmp_path):
    with pytest.raises(KeyboardInterrupt), InstancesFile(tmp_path / "instances.json", TABLE):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
