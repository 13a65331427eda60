"""How far away the pixels of a Cityscapes image are, from its disparity map and its camera."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from PIL import Image

from intarsia._check import fail

__all__ = ["find_depth_files", "read_distances"]


def read_distances(disparity: str | Path, camera: str | Path) -> Float32[np.ndarray, "h w"]:
    """Distance of each pixel in metres, NaN where the disparity is unknown.

    A stored value p above 0 is a disparity of (p - 1) / 256 pixels; the distance is baseline times focal
    length over it.

    Source: the README of the public Cityscapes scripts.

    Args:
        disparity: 16-bit PNG of `disparity/<split>/<city>/`.
        camera: JSON of `camera/<split>/<city>/`.

    Raises:
        ValueError: A file is missing, broken, or no such thing.

    Example:
        >>> import tempfile; folder = Path(tempfile.mkdtemp())
        >>> Image.fromarray(np.array([[0, 1 + 256 * 5]], np.uint16)).save(folder / "d.png")
        >>> settings = {"extrinsic": {"baseline": 0.2}, "intrinsic": {"fx": 2000.0}}
        >>> _ = (folder / "c.json").write_text(json.dumps(settings))
        >>> read_distances(folder / "d.png", folder / "c.json").tolist()
        [[nan, 80.0]]
    """
    raw = _read_disparity(Path(disparity))
    scale = _read_scale(Path(camera))
    pixels = (raw.astype(np.float32) - 1) / 256
    with np.errstate(divide="ignore"):
        return np.where(raw > 1, scale / pixels, np.nan).astype(np.float32)


def find_depth_files(root: str | Path, image_file: str) -> tuple[Path, Path]:
    """The disparity map and the camera of an image of the official folder.

    Args:
        root: Has `disparity/` and `camera/`.
        image_file: `<city>_<sequence>_<frame>_leftImg8bit.png`, or any name that begins like that.

    Raises:
        ValueError: One of them is not there.
    """
    stem = "_".join(Path(image_file).name.split("_")[:3])
    files = []
    for kind, suffix in (("disparity", "png"), ("camera", "json")):
        paths = sorted((Path(root) / kind).glob(f"*/{stem.partition('_')[0]}/{stem}_{kind}.{suffix}"))
        if not paths:
            wanted = f"a Cityscapes folder with {kind}/*/CITY/{stem}_{kind}.{suffix}"
            fail(str(root), wanted, "one without it")
        files.append(paths[0])
    return files[0], files[1]


def _read_disparity(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as image:
            raw = np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:
        fail(str(path), "a readable disparity map", f"one that is not ({error})")
    if raw.ndim != 2 or raw.dtype == np.uint8:
        fail(str(path), "a disparity map of 16 bits and one channel", f"{raw.dtype} of shape {raw.shape}")
    return raw


def _read_scale(path: Path) -> float:
    """Baseline times focal length, in metres times pixels."""
    try:
        content = json.loads(path.read_text())
        scale = float(content["extrinsic"]["baseline"]) * float(content["intrinsic"]["fx"])
    except OSError as error:
        fail(str(path), "a readable camera file", error.strerror or str(error))
    except (ValueError, KeyError, TypeError) as error:
        fail(
            str(path),
            "a camera file with extrinsic.baseline and intrinsic.fx",
            f"{type(error).__name__}: {error}",
        )
    if not 0 < scale < float("inf"):
        fail(str(path), "a camera file with a baseline and a focal length above 0", scale)
    return scale
