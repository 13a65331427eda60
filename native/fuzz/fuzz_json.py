"""Mutates every kind of JSON that users hand in, and reads it: read or refused in a sentence, nothing else.

python native/fuzz/fuzz_json.py [--inputs 1000000] [--seed 0] [--first 0]

An input is made from the seed and its number alone, so that `--first NUMBER --inputs 1` repeats one.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from intarsia.categories import Categories
from intarsia.errors import InputError
from intarsia.formats.category_map import read_category_map
from intarsia.formats.coco import read_coco
from intarsia.formats.coco_check import check_json, check_map, check_strays
from intarsia.formats.coco_folder import read_coco_folder
from intarsia.formats.coco_instances import read_coco_instances
from intarsia.formats.coco_places import CocoPlace
from intarsia.formats.label_divisor import read_label_divisor
from intarsia.formats.png import write_ids
from intarsia.formats.semantic_instances import read_semantic_instances
from intarsia.formats.source import SourcePart, write_values
from intarsia.formats.vistas import read_vistas
from intarsia.metrics.annotations import read_annotations

MEMORY = Path("/dev/shm")
"""A folder in memory, where there is one: a million files would wait for the disk."""
DEEP = 20
"""The PNGs beside a JSON are read for one input in so many: they do not change, and take longest."""
IDS = np.array([[7, 7, 9], [9, 0, 7]])
CATEGORIES = [
    {"id": 1, "name": "a", "isthing": 1, "color": [1, 2, 3]},
    {"id": 2, "name": "b", "isthing": 0},
]
IMAGES = [
    {"id": 1, "file_name": "1.jpg", "height": 2, "width": 3},
    {"id": 2, "file_name": "2.jpg", "height": 2, "width": 3},
]
SEGMENTS = [
    {"id": 7, "category_id": 1, "area": 3, "bbox": [0, 0, 3, 2], "iscrowd": 0, "score": 0.5},
    {"id": 9, "category_id": 2, "area": 2},
]
ODD: list[Any] = [
    *(None, True, -1, 0, 1.5, 1e400, -1e400, float("nan"), 2**24, 2**31, 2**70),
    *("", "1", "\ud800", "\0", "../x", [], {}, [[]], [1], {"id": 1}, "facades", [[0, 0, 1, 0, 1, 1]]),
]


@dataclass(frozen=True, slots=True)
class Kind:
    """A JSON that is valid, where it lies in its folder, what reads it, and what reads the maps with it."""

    file: str
    content: Any
    readers: tuple[Callable[[Path], object], ...]
    deep: tuple[Callable[[Path], object], ...] = ()


def read_all(read: Callable[[Path], list[SourcePart]]) -> Callable[[Path], object]:
    """Reads a data set and each of its maps."""
    return lambda folder: [one.read() for part in read(folder) for one in part.maps]


def place_in(folder: Path) -> CocoPlace:
    """The data set of a folder."""
    return CocoPlace("", folder / "panoptic.json", folder / "images")


def inspect(folder: Path) -> None:
    """As `intarsia inspect` does, without printing."""
    checked = check_json(place_in(folder))
    for one in checked.maps:
        check_map(one, checked, with_photo=True)
    check_strays([checked])


def read_both_sides(folder: Path) -> None:
    """As the truth and as a prediction."""
    read_annotations(folder / "panoptic.json", None)
    read_annotations(folder / "panoptic.json", None, categories=Categories.from_coco(CATEGORIES))


def kinds() -> dict[str, Kind]:
    """Every JSON that users hand in, by the name of its folder."""
    panoptic = [{"image_id": n, "file_name": f"{n}.png", "segments_info": SEGMENTS} for n in (1, 2)]
    masks = [
        {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[0, 0, 2, 0, 2, 2]], "iscrowd": 0},
        {"id": 2, "image_id": 1, "category_id": 1, "segmentation": {"size": [2, 3], "counts": [1, 2, 3]}},
        {"id": 3, "image_id": 2, "category_id": 2, "segmentation": {"size": [2, 3], "counts": "15"}},
    ]
    labels = [{"name": "a", "readable": "A", "color": [1, 2, 3], "instances": True, "evaluate": True}] * 2
    coco = {"categories": CATEGORIES, "images": IMAGES}
    by_name = {"7": "a", "9": 2}
    names = {"categories": CATEGORIES, "labels": by_name, "images": {"1": by_name}, "crowds": {"1": [7]}}
    return {
        "coco": Kind(
            "panoptic.json",
            {**coco, "annotations": panoptic},
            (lambda f: read_coco(f / "panoptic.json"), read_both_sides, lambda f: check_json(place_in(f))),
            (inspect, read_all(read_coco_folder)),
        ),
        "coco-instances": Kind(
            "annotations/instances_a.json", {**coco, "annotations": masks}, (read_all(read_coco_instances),)
        ),
        "category-map": Kind(
            "category_map.json",
            {**names, "pages": {"1": ["1"]}},
            (lambda f: read_category_map(f / "category_map.json"),),
        ),
        "semantic-instances": Kind(
            "categories.json",
            {"categories": CATEGORIES, "void": 255},
            (read_semantic_instances,),
            (read_all(read_semantic_instances),),
        ),
        "label-divisor": Kind(
            "categories.json",
            {"categories": CATEGORIES, "divisor": 1000, "void": 9},
            (read_label_divisor,),
            (read_all(read_label_divisor),),
        ),
        "vistas": Kind("config.json", {"labels": labels}, (read_vistas,), (read_all(read_vistas),)),
        "categories": Kind(
            "categories.json", CATEGORIES, (lambda f: Categories.from_coco(f / "categories.json"),)
        ),
    }


def main() -> None:
    """Run and say how many inputs of each kind were refused."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        refused, read = fuzz(Path(folder), options.seed, range(options.first, options.first + options.inputs))
    for name, count in read.items():
        print(f"{name}: {count} inputs, {refused[name]} readings refused")


def fuzz(root: Path, seed: int, numbers: range) -> tuple[Counter[str], Counter[str]]:
    """Read the inputs of these numbers: by kind, how many readings were refused, and how many inputs."""
    every = kinds()
    for name, kind in every.items():
        _write_maps(root / name)
        (root / name / kind.file).write_text(json.dumps(kind.content))
        for reader in (*kind.readers, *kind.deep):
            reader(root / name)  # what is not mutated must be read: else only refusals are tested
    refused, read = Counter[str](), Counter[str]()
    for number in numbers:
        generator = random.Random(seed << 40 | number)
        name = list(every)[number % len(every)]
        path = root / name / every[name].file
        path.write_bytes(_mutated(every[name].content, generator))
        read[name] += 1
        deep = every[name].deep if number % DEEP == 0 else ()
        for reader in (*every[name].readers, *deep):
            try:
                reader(root / name)
            except InputError:
                refused[name] += 1
            except Exception:
                print(f"input {number} of seed {seed}, {name}: {path.read_bytes()!r}")
                raise
    return refused, read


def _write_maps(folder: Path) -> None:
    """What lies beside the JSONs: maps of 2x3 pixels in each format."""
    for name in (
        "panoptic",
        "images",
        "annotations",
        "labels",
        "semantic",
        "instances",
        "training/instances",
    ):
        (folder / name).mkdir(parents=True)
    for n in ("1", "2"):
        write_ids(folder / "panoptic" / f"{n}.png", IDS)
        write_values(folder / "semantic" / f"{n}.png", np.array([[1, 1, 2], [2, 255, 1]]))
        write_values(folder / "instances" / f"{n}.png", np.array([[1, 1, 0], [0, 0, 2]]))
        write_values(folder / "training" / "instances" / f"{n}.png", np.array([[0, 1, 256], [256, 512, 3]]))
        np.save(folder / "labels" / f"{n}.npy", np.array([[1001, 2000, 9]]))


def _mutated(content: Any, generator: random.Random) -> bytes:
    content = copy.deepcopy(content)
    for _ in range(generator.randint(0, 3)):
        _mutate(content, generator)
    text = bytearray(json.dumps(content).encode("utf-8", "surrogatepass"))
    for _ in range(generator.choice([0, 0, 0, 1, 3])):
        at = generator.randrange(len(text))
        text[at : at + generator.choice([0, 1, 1, 9])] = generator.choice(
            [b"", b"\xff", b"[", b"}", b"NaN", b"0"]
        )
        if not text:
            break
    return bytes(text)


def _mutate(content: Any, generator: random.Random) -> None:
    """Change, drop or repeat one value somewhere in the tree."""
    node = content
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = generator.choice(keys)
        if isinstance(node[key], dict | list) and node[key] and generator.random() < 0.8:
            node = node[key]
            continue
        break
    action = generator.random()
    if action < 0.6:
        node[key] = copy.deepcopy(generator.choice(ODD))
    elif action < 0.8:
        del node[key]
    elif isinstance(node, list):
        node.append(copy.deepcopy(node[key]))


if __name__ == "__main__":
    main()
