"""A map written in another format and read back is the same map, and what a format cannot hold is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from intarsia._check import PartialFailure
from intarsia.categories import Categories, Category
from intarsia.engine import convert as command
from intarsia.formats.ade20k import ade20k_of_map, map_of_ade20k
from intarsia.formats.cityscapes import cityscapes_categories, instance_ids_of, map_of_instance_ids
from intarsia.formats.coco import CocoWriter, read_coco, read_map
from intarsia.formats.coco_instances import map_of_annotations, mask_of_segmentation
from intarsia.formats.label_image import map_of_semantic_and_instances, read_labels
from intarsia.formats.semantic_instances import semantic_and_instances_of
from intarsia.formats.source import write_values
from intarsia.formats.vistas import map_of_vistas_instances, vistas_instances_of
from intarsia.panoptic import PanopticMap, Segment

TABLES = {
    "ade20k": "ade20k",
    "cityscapes": "cityscapes",
    "coco": "coco",
    "coco-instances": "coco",
    "label-divisor": "coco",
    "label-stack": "facades",
    "labels": "facades",
    "semantic-instances": "coco",
    "vistas": "vistas",
    "vistas-v2": "vistas-v2",
}
NO_CROWDS = ("ade20k", "vistas", "vistas-v2")


def random_map(categories: Categories, seed: int, *, crowds: bool = True) -> PanopticMap:
    """At most one stuff segment and one crowd a category, as every format can tell them apart."""
    generator = np.random.default_rng(seed)
    chosen = generator.permutation(len(categories))[:6]
    kinds = [(categories[int(k)], False) for k in chosen]
    things = [row for row, _ in kinds if row.is_thing]
    kinds += [(row, False) for row in things] + ([(row, True) for row in things] if crowds else [])
    ids = np.kron(generator.integers(0, len(kinds) + 1, (5, 7)), np.ones((2, 3), int))
    numbers = generator.permutation(np.arange(1, 900))[: len(kinds)].tolist()
    segments = [Segment(n, row.id, is_crowd=crowd) for n, (row, crowd) in zip(numbers, kinds, strict=True)]
    return PanopticMap.keeping_visible(np.array([0, *numbers])[ids], segments)


def pixels(one: PanopticMap) -> set[tuple[bytes, int, bool]]:
    """What a map says, whatever its ids: each segment's pixels, category, and whether it is a crowd."""
    return {(one.mask(s.id).tobytes(), s.category_id, s.is_crowd) for s in one.segments}


def write_coco(folder: Path, maps: list[PanopticMap], categories: Categories) -> Path:
    (folder / "images").mkdir(parents=True)
    with CocoWriter(folder / "panoptic.json", categories) as writer:
        for n, one in enumerate(maps):
            writer.add(f"town_{n:06d}_x.png", one, image_id=f"town_{n:06d}_x")
            Image.new("RGB", (one.size[1], one.size[0]), (n, 0, 0)).save(
                folder / "images" / f"town_{n:06d}_x.png"
            )
    return folder


def read_back(folder: Path) -> dict[Any, PanopticMap]:
    coco = read_coco(folder / "panoptic.json")
    return {record.image_id: read_map(record, folder / "panoptic") for record in coco.records}


@pytest.mark.parametrize("format", TABLES)
def test_a_data_set_comes_back_as_it_was(tmp_path: Path, format: str):
    categories = Categories.named(TABLES[format])
    maps = [random_map(categories, seed, crowds=format not in NO_CROWDS) for seed in range(4)]
    maps.append(PanopticMap.empty(10, 21))
    source = write_coco(tmp_path / "in" / "val", maps, categories).parent
    command.convert("coco", str(source), str(tmp_path / "there"), to=format)
    assert not list((tmp_path / "there").rglob("*.partial"))
    assert not list((tmp_path / "there").glob("*.unfinished"))
    back = "vistas" if format == "vistas-v2" else format
    command.convert(back, str(tmp_path / "there"), str(tmp_path / "back"))
    got = read_back(tmp_path / "back" / "val")
    assert {id: pixels(one) for id, one in got.items()} == {
        f"town_{n:06d}_x": pixels(one) for n, one in enumerate(maps)
    }
    coco = read_coco(tmp_path / "back" / "val" / "panoptic.json")
    shown = {segment.category_id for one in maps for segment in one.segments}
    wanted = {row.id: (row.name, row.is_thing) for row in categories if row.id in shown}
    assert {row.id: (row.name, row.is_thing) for row in coco.categories if row.id in shown} == wanted
    for record, n in zip(coco.records, range(len(maps)), strict=True):
        with Image.open(tmp_path / "back" / "val" / "images" / record.image_file) as image:
            assert image.convert("RGB").getpixel((0, 0)) == (n, 0, 0)


def test_pages_of_a_stack_have_their_sizes_and_names(tmp_path: Path):
    """Pages of other sizes, an id of 31 bits; one file, and a name for each page."""
    one = PanopticMap(np.array([[1, 2, 0]]), [Segment(1, 1), Segment(2, 6)])
    two = PanopticMap(np.array([[3], [(1 << 24) - 1]]), [Segment(3, 1), Segment((1 << 24) - 1, 2)])
    source = write_coco(tmp_path / "in", [one, two], Categories.named("facades"))
    out = command.convert("coco", str(source), str(tmp_path / "out"), to="label-stack")
    assert [page.tolist() for page in read_labels(out / "labels" / "pages.tif")] == [
        one.ids.tolist(),
        two.ids.tolist(),
    ]
    assert sorted(path.name for path in out.iterdir()) == ["category_map.json", "images", "labels"]
    back = read_back(command.convert("label-stack", str(out), str(tmp_path / "back")))
    assert back == {"town_000000_x": one, "town_000001_x": two}
    names = json.loads((out / "category_map.json").read_text())
    names["pages"]["pages"].pop()
    (out / "category_map.json").write_text(json.dumps(names))
    with pytest.raises(ValueError, match="pages.tif` must be of 1 pages as its category map names, got 2"):
        command.convert("label-stack", str(out), str(tmp_path / "again"))


@pytest.mark.parametrize("suffix", ["npy", "npz", "png", "tif"])
def test_label_divisor_arrays_come_in_several_files(tmp_path: Path, suffix: str):
    """Two windows and a crowd of them on a facade, by a divisor of 100; 9900 is void."""
    values = np.array([[101, 102, 100, 600, 9900]], np.int32)
    (tmp_path / "in" / "labels").mkdir(parents=True)
    path = tmp_path / "in" / "labels" / f"a.{suffix}"
    if suffix == "npy":
        np.save(path, values)
    elif suffix == "npz":
        np.savez_compressed(path, anything=values)
    else:
        Image.fromarray(values if suffix == "tif" else values.astype(np.uint16)).save(path)
    table = {"categories": Categories.named("facades").to_coco(), "divisor": 100, "void": 9900}
    (tmp_path / "in" / "categories.json").write_text(json.dumps(table))
    got = read_back(command.convert("label-divisor", str(tmp_path / "in"), str(tmp_path / "out")))["a"]
    rows = [Segment(1, 1, is_crowd=True), Segment(2, 1), Segment(3, 1), Segment(4, 6)]
    assert got.renumbered() == PanopticMap(np.array([[2, 3, 1, 4, 0]]), rows)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.zeros((2, 2, 2), int), r"a.npy` must be a 2-d array of whole numbers, .* got int64 of shape"),
        (np.zeros((2, 2)), r"a.npy` must be a 2-d array of whole numbers, .* got float64"),
        (np.array([[None]]), "a.npy` must be a readable NumPy array, got ValueError: Object arrays"),
        (np.array([[77001]]), "a.npy: `category id` must be one of"),
        (b"no array", "a.npy` must be a readable NumPy array"),
        (b"", "a.npy` must be a readable NumPy array"),
    ],
)
def test_arrays_that_are_no_labels_are_refused(tmp_path: Path, values: Any, sentence: str):
    (tmp_path / "labels").mkdir()
    path = tmp_path / "labels" / "a.npy"
    if isinstance(values, bytes):
        path.write_bytes(values)
    else:
        np.save(path, values, allow_pickle=True)
    table = {"categories": Categories.named("facades").to_coco()}
    (tmp_path / "categories.json").write_text(json.dumps(table))
    with pytest.raises(ValueError, match=sentence):
        command.convert("label-divisor", str(tmp_path), str(tmp_path / "out"))


def test_category_ids_too_large_for_a_label_divisor_are_refused(tmp_path: Path):
    categories = Categories([Category(3_000_000, "far", True, (0, 0, 0))])
    source = write_coco(
        tmp_path / "in", [PanopticMap(np.ones((1, 1), int), [Segment(1, 3_000_000)])], categories
    )
    with pytest.raises(ValueError, match="of ids below 2147482 for this format, got 3000000"):
        command.convert("coco", str(source), str(tmp_path / "out"), to="label-divisor")


def test_integer_image_ids_and_a_folder_without_parts_come_back(tmp_path: Path):
    one = random_map(Categories.named("facades"), 1)
    with CocoWriter(tmp_path / "in.json", Categories.named("facades")) as writer:
        writer.add("a.jpg", one, image_id=7)
    for format in ("coco", "coco-instances"):
        command.convert("coco", str(tmp_path / "in.json"), str(tmp_path / format), to=format)
        back = command.convert(format, str(tmp_path / format), str(tmp_path / f"{format}-back"))
        assert {id: pixels(got) for id, got in read_back(back).items()} == {7: pixels(one)}
    assert read_coco(tmp_path / "coco" / "panoptic.json").records[0].segments == one.segments


@given(st.lists(st.sampled_from([0, 1, 4, 7, 8, 24, 26, 24000, 24003, 26001, 33002]), min_size=1, max_size=9))
def test_cityscapes_pixels_come_back_label_for_label(values: list[int]):
    """With every label each pixel; else each that is evaluated, the others as 0."""
    raw = np.array([values])
    everything = map_of_instance_ids(raw, every_label=True)
    assert instance_ids_of(everything, cityscapes_categories(every_label=True)).tolist() == [values]
    for train_ids in (False, True):
        one = map_of_instance_ids(raw, train_ids=train_ids)
        evaluated = [0 if value in (1, 4) else value for value in values]
        assert instance_ids_of(one, cityscapes_categories(train_ids=train_ids)).tolist() == [evaluated]


def test_cityscapes_files_are_those_of_the_data_set(tmp_path: Path):
    one = map_of_instance_ids(np.array([[26001, 26, 7, 0]]))
    source = write_coco(tmp_path / "in" / "train", [one], Categories.named("cityscapes")).parent
    out = command.convert("coco", str(source), str(tmp_path / "out"), to="cityscapes")
    stem = "gtFine/train/town/town_000000_x_gtFine_"
    for kind, wanted in (
        ("instanceIds", [26001, 26, 7, 0]),
        ("labelIds", [26, 26, 7, 0]),
        ("labelTrainIds", [13, 13, 0, 255]),
    ):
        assert read_labels(out / f"{stem}{kind}.png")[0].tolist() == [wanted]
    assert (out / "leftImg8bit/train/town/town_000000_x_leftImg8bit.png").exists()


def test_things_of_other_data_sets_are_numbered_for_cityscapes():
    categories = Categories.named("cityscapes")
    one = PanopticMap(np.array([[5, 26000, 9]]), [Segment(5, 26), Segment(26000, 26), Segment(9, 26)])
    assert instance_ids_of(one, categories).tolist() == [[26001, 26000, 26002]]
    row = np.arange(1, 1002)[None]
    with pytest.raises(ValueError, match="at most 1000 instances of a category, got more of label 26"):
        instance_ids_of(PanopticMap(row, [Segment(int(n), 26) for n in row[0]]), categories)
    with pytest.raises(ValueError, match="`category` must be one of Cityscapes', got 'window'"):
        instance_ids_of(PanopticMap(row[:, :1], [Segment(1, 1)]), Categories.named("facades"))


def test_vistas_has_256_instances_and_no_crowds():
    categories = Categories.named("vistas")
    row = np.arange(1, 258)[None]
    bird = categories[0].id
    full = PanopticMap(row[:, :256], [Segment(int(n), bird) for n in row[0, :256]])
    assert pixels(map_of_vistas_instances(vistas_instances_of(full, categories), categories)) == pixels(full)
    with pytest.raises(ValueError, match="at most 256 of a category, got more of category 1"):
        vistas_instances_of(PanopticMap(row, [Segment(int(n), bird) for n in row[0]]), categories)
    with pytest.raises(ValueError, match="without crowds, which Vistas does not have, got segment 3"):
        vistas_instances_of(PanopticMap(np.array([[3]]), [Segment(3, 1, is_crowd=True)]), categories)
    with pytest.raises(ValueError, match=r"of ids in \[1, 256\) for Vistas, got 0 to 149"):
        vistas_instances_of(PanopticMap.empty(1, 1), Categories.named("ade20k"))


def test_ade20k_things_lie_on_stuff_and_need_their_instance():
    """Wall is 1 and bed 8 in `annotations`; bed is thing 1. A bed without instance is void."""
    instances = np.zeros((1, 4, 3), np.uint8)
    instances[0, 0] = instances[0, 1] = (1, 9, 77)
    one = map_of_ade20k(np.array([[8, 1, 8, 1]]), instances)
    assert [(s.id, s.category_id) for s in one.segments] == [(1, 0), (2, 7)]
    assert one.ids.tolist() == [[2, 2, 0, 1]]
    instances[0, 0, 0] = 101
    with pytest.raises(ValueError, match=r"`instances` must be of things 1 ... 100 in red, got 101"):
        map_of_ade20k(np.array([[8, 1, 8, 1]]), instances)
    with pytest.raises(ValueError, match=r"as large as the categories' map, \(1, 2\), got \(1, 4\)"):
        map_of_ade20k(np.array([[8, 1]]), instances)


def test_ade20k_has_255_things_and_its_own_categories():
    table = Categories.named("ade20k")
    row = np.arange(1, 257)[None]
    with pytest.raises(ValueError, match="at most 255 things in an image of ADE20K, got more"):
        ade20k_of_map(PanopticMap(row, [Segment(int(n), 7) for n in row[0]]), table)
    with pytest.raises(ValueError, match="one of ADE20K's, got 'facade'"):
        ade20k_of_map(PanopticMap(row[:, :1], [Segment(1, 6)]), Categories.named("facades"))


@pytest.mark.parametrize(
    ("crowd", "sentence"), [(False, "one stuff segment a category"), (True, "one crowd a category")]
)
def test_two_segments_of_one_value_are_refused(crowd: bool, sentence: str):
    category = 24 if crowd else 7
    rows = [Segment(n, category, is_crowd=crowd) for n in (1, 2)]
    one, categories = PanopticMap(np.array([[1, 2]]), rows), Categories.named("cityscapes")
    for write in (instance_ids_of, semantic_and_instances_of):
        with pytest.raises(ValueError, match=f"of {sentence} at most in this format, got two of category"):
            write(one, categories)


@pytest.mark.parametrize(
    ("most", "mode"),
    [(0, "L"), (255, "L"), (256, "I;16"), (65535, "I;16"), (65536, "RGBA"), (2**31 - 1, "RGBA")],
)
def test_values_of_every_depth_come_back(tmp_path: Path, most: int, mode: str):
    values = np.array([[0, most // 2], [most, 1 if most else 0]])
    write_values(tmp_path / "a.png", values)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == mode
    assert np.array_equal(read_labels(tmp_path / "a.png")[0], values)


def test_values_that_no_file_holds_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"a.png` must be made of numbers in \[0, 2\^31\), got -1 to 0"):
        write_values(tmp_path / "a.png", np.array([[-1, 0]]))
    Image.fromarray(np.full((1, 1, 4), 255, np.uint8)).save(tmp_path / "photo.png")
    with pytest.raises(ValueError, match=r"photo.png` must be a label image of one whole number"):
        read_labels(tmp_path / "photo.png")


def test_a_category_map_names_the_labels(tmp_path: Path):
    (tmp_path / "in").mkdir()
    for name in "ab":
        Image.fromarray(np.array([[0, 1, 2]], np.uint8)).save(tmp_path / "in" / f"{name}.png")
    content = {"categories": "facades", "labels": {"1": "window", "2": 6}, "images": {"b": {"2": "fence"}}}
    (tmp_path / "map.json").write_text(json.dumps({**content, "crowds": {"b": [1]}}))
    out = command.convert(
        "labels", str(tmp_path / "in"), str(tmp_path / "out"), category_map=str(tmp_path / "map.json")
    )
    got = read_back(out)
    assert [(s.category_id, s.is_crowd) for s in got["a"].segments] == [(1, False), (6, False)]
    assert [(s.category_id, s.is_crowd) for s in got["b"].segments] == [(1, True), (9, False)]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "must be a category map, got text that is no JSON"),
        ("3", "must be of the shape its format has"),
        ('{"labels": {}}', "must be complete, got an entry without 'categories'"),
        ('{"categories": "facade"}', "Did you mean `facades`"),
        (
            '{"categories": "facades", "labels": {"1": "door"}}',
            "the id or name of a listed category, got 'door'",
        ),
        ('{"categories": "facades", "labels": {"x": 1}}', "invalid literal"),
        ('{"categories": "facades", "labels": {"2": 1}}', "a category for every label, got none for 1"),
    ],
)
def test_a_category_map_that_is_none_is_refused(tmp_path: Path, content: str, sentence: str):
    Image.fromarray(np.array([[0, 1]], np.uint8)).save(tmp_path / "a.png")
    path = tmp_path / "map.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=sentence):
        command.convert("labels", str(tmp_path / "a.png"), str(tmp_path / "out"), category_map=str(path))


def test_a_category_map_is_for_label_images(tmp_path: Path):
    with pytest.raises(ValueError, match="`category_map` must be used with the format `labels`, got 'coco'"):
        command.convert("coco", str(tmp_path), str(tmp_path / "out"), category_map="map.json")
    Image.fromarray(np.array([[0, 1]], np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"map.json` must be a readable category map, got No such file"):
        command.convert(
            "labels", str(tmp_path / "a.png"), str(tmp_path / "out"), category_map=str(tmp_path / "map.json")
        )


def test_things_lie_on_stuff_and_small_things_on_large_ones():
    """Stuff everywhere, a crowd, a large thing over it, a small one over that, one hidden behind it."""
    categories = Categories.named("facades")
    spans = [(6, 0, 6, 0), (1, 0, 5, 1), (1, 1, 5, 0), (2, 2, 3, 0), (2, 2, 3, 0)]
    rows = []
    for category_id, first, last, crowd in spans:
        box = [[first, 0, last, 0, last, 1, first, 1]]
        rows.append({"category_id": category_id, "segmentation": box, "iscrowd": crowd})
    one = map_of_annotations(rows, categories, size=(1, 6))
    assert one.ids.tolist() == [[2, 3, 5, 3, 3, 1]]
    assert [s.is_crowd for s in one.segments] == [False, True, False, False]


def test_run_lengths_come_listed_and_compressed():
    listed = {"size": [2, 2], "counts": [1, 3]}
    assert mask_of_segmentation(listed, size=(2, 2)).tolist() == [[False, True], [True, True]]
    packed = {"size": [2, 2], "counts": "13"}
    assert mask_of_segmentation(packed, size=(2, 2)).tolist() == [[False, True], [True, True]]
    with pytest.raises(ValueError, match=r"`segmentation` must be of 3x2 pixels as its image, got \[2, 2\]"):
        mask_of_segmentation(listed, size=(3, 2))


def test_semantic_and_instance_maps_keep_crowds():
    categories = Categories.named("facades")
    one = PanopticMap(np.array([[1, 2, 3, 0]]), [Segment(1, 1), Segment(2, 1, is_crowd=True), Segment(3, 6)])
    semantic, instances = semantic_and_instances_of(one, categories)
    assert (semantic.tolist(), instances.tolist()) == ([[1, 1, 6, 255]], [[1, 0, 0, 0]])
    back = map_of_semantic_and_instances(semantic, instances, categories=categories)
    assert pixels(back) == pixels(one)


def test_one_image_that_a_format_cannot_hold_is_named(tmp_path: Path):
    categories = Categories.named("vistas")
    maps = [
        random_map(categories, 0, crowds=False),
        PanopticMap(np.ones((2, 2), int), [Segment(1, 1, is_crowd=True)]),
    ]
    source = write_coco(tmp_path / "in", maps, categories)
    with pytest.raises(
        PartialFailure, match="1 of 2 failed: town_000001_x: `segments` must be without crowds"
    ):
        command.convert("coco", str(source), str(tmp_path / "out"), to="vistas")


def test_what_is_missing_is_named(tmp_path: Path):
    for format, sentence in (
        ("coco", "a COCO panoptic folder with panoptic.json"),
        ("coco-instances", "a folder with annotations/instances_<part>.json"),
        ("label-divisor", "a folder with labels/ and categories.json, got no labels"),
        ("label-stack", "a label image or a folder of them"),
        ("semantic-instances", "semantic/, instances/ and categories.json, got no semantic"),
        ("ade20k", "an ADE20K folder with annotations/training"),
    ):
        with pytest.raises(ValueError, match=sentence):
            command.convert(format, str(tmp_path), str(tmp_path / "out"))
    with pytest.raises(ValueError, match="`to` must be a known format, got 'vista'. Did you mean `vistas`"):
        command.convert("coco", str(tmp_path), str(tmp_path / "out"), to="vista")


@pytest.mark.parametrize(
    ("polygon", "sentence"),
    [
        ([0, 0, 1, 1], "polygons x, y, x, y, ... of at least three points"),
        ([0, 0, 1, 0, 1, 1, 0], "polygons x, y, x, y, ... of at least three points"),
        ([0, 0, 1, 0, 1e9, 1], "points in the image or near it, within 6 pixels"),
        ([0, 0, 1, 0, float("nan"), 1], "points in the image or near it, within 6 pixels"),
    ],
)
def test_polygons_that_are_none_are_refused(polygon: list[float], sentence: str):
    with pytest.raises(ValueError, match=sentence):
        mask_of_segmentation([polygon], size=(2, 3))
    assert not mask_of_segmentation([], size=(2, 3)).any()


@pytest.mark.parametrize("size", [(0, 4), (1 << 20, 1 << 20)])
def test_instances_of_an_impossible_size_are_refused(tmp_path: Path, size: tuple[int, int]):
    image = {"id": 1, "file_name": "a.jpg", "height": size[0], "width": size[1]}
    content = {"categories": Categories.named("facades").to_coco(), "images": [image], "annotations": []}
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_val.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="`height` must be of an image of 1 to 268435456 pixels, got"):
        command.convert("coco-instances", str(tmp_path), str(tmp_path / "out"))


@pytest.mark.parametrize("content", ["{", "3", "{}", '{"labels": [{}]}', '{"labels": [1]}'])
def test_a_config_of_vistas_that_is_none_is_refused(tmp_path: Path, content: str):
    (tmp_path / "training" / "instances").mkdir(parents=True)
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match="config.json` must be"):
        command.convert("vistas", str(tmp_path), str(tmp_path / "out"))
