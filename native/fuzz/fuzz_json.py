"""Mutates a COCO panoptic JSON and reads it: every input is read or refused in a sentence, nothing else.

python native/fuzz/fuzz_json.py [--inputs 1000000] [--seed 0]
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import tempfile
from pathlib import Path
from typing import Any

from intarsia._check import InputError
from intarsia.formats.coco import read_coco
from intarsia.metrics.annotations import read_annotations

VALID = {
    "categories": [
        {"id": 1, "name": "a", "isthing": 1, "color": [1, 2, 3]},
        {"id": 2, "name": "b", "isthing": 0},
    ],
    "images": [{"id": 1, "file_name": "a.jpg", "height": 4, "width": 5}, {"id": 2, "file_name": "b.jpg"}],
    "annotations": [
        {
            "image_id": n,
            "file_name": f"{n}.png",
            "segments_info": [
                {"id": 7, "category_id": 1, "area": 3, "bbox": [0, 0, 1, 1], "iscrowd": 0},
                {"id": 9, "category_id": 2, "area": 3},
            ],
        }
        for n in (1, 2)
    ],
}
TEXT = json.dumps(VALID)
MEMORY = Path("/dev/shm")
"""A folder in memory, where there is one: a million files would wait for the disk."""
ODD = [
    None,
    True,
    -1,
    0,
    1.5,
    1e400,
    -1e400,
    2**31,
    2**70,
    "",
    "1",
    "\ud800",
    "../x",
    [],
    {},
    [[]],
    [1],
    {"id": 1},
]


def main() -> None:
    """Run and say how many inputs were refused."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    generator = random.Random(options.seed)
    refused = 0
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        path = Path(folder) / "panoptic.json"
        path.with_suffix("").mkdir()
        for number in range(options.inputs):
            path.write_bytes(_mutated(generator))
            for read in (read_coco, lambda one: read_annotations(one, None)):
                try:
                    read(path)
                except InputError:
                    refused += 1
                except Exception:
                    print(f"input {number} of seed {options.seed}: {path.read_bytes()!r}")
                    raise
    print(f"{options.inputs} inputs, {refused} of {2 * options.inputs} readings refused")


def _mutated(generator: random.Random) -> bytes:
    content: Any = json.loads(TEXT)
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
