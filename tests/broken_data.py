"""Good and bad input of every kind, for what must be refused in a sentence."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SEGMENTS = [
    {"id": 1, "category_id": 1, "area": 225, "iscrowd": 0, "bbox": [5, 5, 15, 15]},
    {"id": 2, "category_id": 2, "area": 75, "iscrowd": 0, "bbox": [5, 30, 15, 5]},
]


def write_dataset(folder: Path, *, id_in_map: int = 1, category: int = 1, height: int = 40) -> Path:
    """A COCO panoptic folder of one square on a strip of ground; the arguments make it wrong."""
    (folder / "images").mkdir(parents=True)
    (folder / "panoptic").mkdir()
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(folder / "images" / "a.png")
    ids = np.zeros((height, 50, 3), np.uint8)
    ids[5:20, 5:20, 0] = id_in_map
    ids[30:35, 5:20, 0] = 2
    Image.fromarray(ids).save(folder / "panoptic" / "a.png")
    content: dict[str, Any] = {
        "images": [{"id": 1, "file_name": "a.png", "height": 40, "width": 50}],
        "annotations": [
            {
                "image_id": 1,
                "file_name": "a.png",
                "segments_info": [SEGMENTS[0] | {"category_id": category}, SEGMENTS[1]],
            }
        ],
        "categories": [
            {"id": 1, "name": "square", "isthing": 1},
            {"id": 2, "name": "ground", "isthing": 0},
        ],
    }
    (folder / "panoptic.json").write_text(json.dumps(content))
    return folder


def bomb() -> bytes:
    """A PNG of a kilobyte that promises 30000x30000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def write_broken_data(tmp_path: Path) -> None:
    """Folders `good`, `unlisted` ..., pictures and an empty file."""
    good = write_dataset(tmp_path / "good")
    write_dataset(tmp_path / "unlisted", id_in_map=7)
    write_dataset(tmp_path / "category", category=9)
    write_dataset(tmp_path / "size", height=41)
    for name in ("images_gone", "bombs", "empty"):
        (tmp_path / name).mkdir()
    for name in ("images_gone", "bombs"):
        shutil.copytree(good, tmp_path / name, dirs_exist_ok=True)
    (tmp_path / "images_gone" / "images" / "a.png").unlink()
    (tmp_path / "bombs" / "images" / "a.png").write_bytes(bomb())
    (tmp_path / "bomb.png").write_bytes(bomb())
    whole = (good / "images" / "a.png").read_bytes()
    (tmp_path / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "file").write_text("")
