"""Data sets of drawn scenes, written to disk like real ones: for tests and examples without a download."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from intarsia._check import fail, nearest
from intarsia._files import whole
from intarsia.data.sticks import STICK_CATEGORIES, scattered_sticks
from intarsia.data.street import STREET_CATEGORIES, street_scene
from intarsia.formats.coco import CocoWriter

__all__ = ["STICK_CATEGORIES", "STREET_CATEGORIES", "scattered_sticks", "street_scene", "write_synthetic"]

SCENES = {
    "sticks": (scattered_sticks, STICK_CATEGORIES),
    "street": (street_scene, STREET_CATEGORIES),
}


def write_synthetic(folder: str | Path, *, kind: str, num_train: int, num_val: int, seed: int) -> None:
    """Write a data set folder with `train/` and `val/`; the two share no scene.

    Args:
        folder: Made if it does not exist.
        kind: "sticks" or "street".
        num_train: Scenes in `train/`.
        num_val: Scenes in `val/`.
        seed: Fixes all pictures.

    Raises:
        ValueError: The kind is unknown.

    Example:
        >>> import tempfile; folder = tempfile.mkdtemp()
        >>> write_synthetic(folder, kind="sticks", num_train=1, num_val=1, seed=0)
        >>> sorted(path.name for path in (Path(folder) / "val").iterdir())
        ['images', 'panoptic', 'panoptic.json']
    """
    if kind not in SCENES:
        fail("kind", f"one of {sorted(SCENES)}", repr(kind), hint=nearest(kind, SCENES))
    for split, first, count in (("train", 0, num_train), ("val", num_train, num_val)):
        _write_split(Path(folder) / split, kind, range(first, first + count), seed)


def _write_split(folder: Path, kind: str, numbers: range, seed: int) -> None:
    scene, categories = SCENES[kind]
    (folder / "images").mkdir(parents=True, exist_ok=True)
    with CocoWriter(folder / "panoptic.json", categories) as writer:
        for number in numbers:
            image, truth = scene(seed * 1_000_003 + number)
            name = f"{kind}_{number:05d}.png"
            with whole(folder / "images" / name) as partial:
                Image.fromarray(image).save(partial)
            writer.add(name, truth)
